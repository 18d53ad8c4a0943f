"""A contact sheet of a video: some frames of each of its clips, under its true and its predicted class."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from harness.datasets.images import Pixels
from harness.datasets.protocol import Prepared
from harness.datasets.video_files import count_frames, read_frames
from harness.datasets.videos import VideoSource
from harness.datasets.views import Sampling, frame_indices
from harness.evaluate.gallery import Draw

SHOWN = 6
"""Frames of each clip."""
HEIGHT = 96
"""Of a shown frame in pixels."""
_GAP, _LINE = 4, 22
_RIGHT, _WRONG, _BLACK = (0, 128, 0), (0, 0, 192), (0, 0, 0)


def video_draw(source: VideoSource, sampling: Sampling) -> Draw:
    """Draw sheets of a video data set; the video is read once more, because nobody kept its frames."""

    def draw(prepared: Prepared, prediction: npt.NDArray[np.floating[Any]]) -> Pixels:
        media = source.media(prepared.item)
        indices = frame_indices(count_frames(media), sampling)
        chosen = indices[:, np.linspace(0, sampling.frames - 1, min(SHOWN, sampling.frames)).astype(int)]
        frames = dict(read_frames(media, frozenset(chosen.reshape(-1).tolist())))
        clips = [[frames[number] for number in clip] for clip in chosen.tolist()]
        return contact_sheet(clips, prepared.truth, prediction, source.class_names)

    return draw


def contact_sheet(
    clips: list[list[Pixels]], truth: int, prediction: npt.NDArray[np.floating[Any]], class_names: tuple[str, ...]
) -> Pixels:
    """One row of frames (RGB, all of one size) a clip, BGR; the prediction is green where it is right, else red."""
    rows = [np.hstack([_with_gap(_small(frame)) for frame in clip]) for clip in clips]
    width = max(rows[0].shape[1], 320)
    sheet = np.full((2 * _LINE + _GAP + sum(row.shape[0] for row in rows), width, 3), 255, np.uint8)
    top = int(prediction.argmax())
    _write(sheet, 1, f"true       {class_names[truth]} ({prediction[truth]:.0%})", _BLACK)
    colour = _RIGHT if top == truth else _WRONG
    _write(sheet, 2, f"predicted  {class_names[top]} ({prediction[top]:.0%})", colour)
    place = 2 * _LINE + _GAP
    for row in rows:
        sheet[place : place + row.shape[0], : row.shape[1]] = row
        place += row.shape[0]
    return sheet


def _small(frame: Pixels) -> Pixels:
    width = max(round(frame.shape[1] * HEIGHT / frame.shape[0]), 1)
    return np.asarray(cv2.resize(frame, (width, HEIGHT), interpolation=cv2.INTER_AREA)[..., ::-1], np.uint8)


def _with_gap(frame: Pixels) -> Pixels:
    return np.pad(frame, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)


def _write(sheet: Pixels, line: int, text: str, colour: tuple[int, int, int]) -> None:
    shown = "".join(char if " " <= char <= "~" else "?" for char in text)
    cv2.putText(sheet, shown, (_GAP, line * _LINE - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
