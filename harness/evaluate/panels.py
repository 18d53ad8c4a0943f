"""Pictures that show what a segmentation did: the image, the truth and the prediction side by side, with a legend."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

_WIDEST = 640
_GAP = 6
_LINE = 18
_ENTRY = 190
_ENTRIES = 24


def palette(classes: int) -> Pixels:
    """A colour for every annotation label, uint8 (classes + 1, 3) BGR: label 0 is black, neighbours differ in hue."""
    golden = 0.618033988749895
    colours = [
        colorsys.hsv_to_rgb(index * golden % 1, 0.55 + 0.4 * (index % 3) / 2, 1 - 0.35 * (index % 4) / 3)
        for index in range(classes)
    ]
    return np.array([(0, 0, 0), *((255 * b, 255 * g, 255 * r) for r, g, b in colours)]).astype(np.uint8)


def panel(picture: Pixels, truth: Pixels, prediction: Pixels, class_names: tuple[str, ...]) -> Pixels:
    """Side by side, BGR: ``picture`` (height, width, 3), ``truth`` labels (0 is ignored), ``prediction`` classes.

    What the truth leaves open is dark in the prediction as well, since it does not count. Below, the colours of the
    classes in both, the most frequent 24; letters that OpenCV cannot draw become question marks.
    """
    colours = palette(len(class_names))
    predicted = colours[prediction.astype(np.intp) + 1]
    predicted[truth == 0] //= 3
    views = [_fit(picture), _fit(colours[truth]), _fit(predicted)]
    height = views[0].shape[0]
    gap = np.full((height, _GAP, 3), 255, np.uint8)
    row = np.hstack([views[0], gap, views[1], gap, views[2]])
    counts = np.bincount(truth.reshape(-1), minlength=256) + np.bincount(
        prediction.reshape(-1).astype(np.intp) + 1, minlength=256
    )
    counts[0] = 0
    present = [int(label) for label in np.argsort(-counts, kind="stable")[:_ENTRIES] if counts[label]]
    return np.vstack([row, _legend([(class_names[label - 1], colours[label]) for label in present], row.shape[1])])


def _fit(view: Pixels) -> Pixels:
    """At most ``_WIDEST`` pixels wide, without inventing colours."""
    height, width = view.shape[:2]
    if width <= _WIDEST:
        return view
    size = (_WIDEST, max(round(height * _WIDEST / width), 1))
    return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _legend(entries: list[tuple[str, Pixels]], width: int) -> Pixels:
    columns = max(width // _ENTRY, 1)
    rows = -(-len(entries) // columns)
    legend = np.full((rows * _LINE + _GAP, width, 3), 255, np.uint8)
    for place, (name, colour) in enumerate(entries):
        top, left = place // columns * _LINE + _GAP, place % columns * _ENTRY + _GAP
        legend[top : top + 12, left : left + 12] = colour
        text = "".join(char if " " <= char <= "~" else "?" for char in name)[:22]
        cv2.putText(legend, text, (left + 18, top + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return legend
