"""The page of one evaluation: summary, pictures, worst items, confused classes, all classes. One HTML file, no scripts.

Pictures are inside the file, so that it can be shown anywhere. Every text from files and class names is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

import cv2

from harness.datasets.text import printable
from harness.evaluate.gallery import Shown
from harness.evaluate.plan import Findings
from harness.evaluate.tables import percent
from harness.records.schema import Accuracy

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5em auto; max-width: 75em; padding: 0 1em; color: #1a1a1a }
table { border-collapse: collapse; margin: .5em 0 1.5em } td, th { padding: .15em .8em; border-bottom: 1px solid #ddd }
td { text-align: right; font-variant-numeric: tabular-nums } td:first-child, th:first-child { text-align: left }
td.name { text-align: left } figure { margin: 0 0 1.2em } img { max-width: 100%; border: 1px solid #ccc }
"""
_QUALITY = 85


def page(accuracy: Accuracy, findings: Findings, examples: Sequence[Shown], worst: Sequence[Shown]) -> str:
    """The HTML text. ``examples`` and ``worst`` are drawn items, whose files are read."""
    device = accuracy.device
    title = f"{accuracy.dataset} {accuracy.split}: {findings.headline} {percent(findings.metrics[findings.headline])} %"
    about = (
        f"{device.items} {accuracy.unit}, {device.samples} samples; {accuracy.how}; batch {device.batchsize}, "
        f"{device.precision} with {device.backend} on {device.soc_version}"
    )
    head = (
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>{_safe(title)}</title>"
        f"<style>{_STYLE}</style></head><body>\n<h1>{_safe(title)}</h1>\n<p>{_safe(about)}</p>"
    )
    parts = [
        head,
        _table(("metric", "%"), [(name, percent(value)) for name, value in findings.metrics.items()]),
        _gallery(f"A few {accuracy.unit}", "Picture, truth and prediction.", examples),
        _gallery(f"The worst {accuracy.unit}", "By their own score.", worst),
    ]
    parts += [
        _section(
            f"{len(findings.worst)} {accuracy.unit} with the lowest scores",
            _table(("item", "score %"), [(each.item_id, percent(each.score)) for each in findings.worst]),
        ),
        _section(
            "The most confused classes",
            _table(
                ("truth", "predicted", "count", "% of truth"),
                [(pair.truth, pair.predicted, pair.count, percent(pair.share)) for pair in findings.confused],
                names=2,
            ),
        ),
        _section(
            "All classes",
            _table(
                ("class", *(f"{column} %" for column in findings.columns)),
                [(name, *map(percent, values)) for name, values in findings.classes],
            ),
        ),
    ]
    if accuracy.bad:
        left_out = _table(("item", "reason"), [(each.item, each.reason) for each in accuracy.bad], names=2)
        parts.append(_section(f"{len(accuracy.bad)} {accuracy.unit} left out", left_out))
    return "\n".join([*filter(None, parts), "</body></html>\n"])


def _section(title: str, content: str) -> str:
    return f"<h2>{_safe(title)}</h2>\n{content}"


def _gallery(title: str, about: str, shown: Sequence[Shown]) -> str:
    figures = [
        f"<figure><figcaption>{_safe(each.item_id)}: {percent(each.score)} %</figcaption>"
        f"<img alt='{_safe(each.item_id)}' src='data:image/jpeg;base64,{_jpeg(each)}'></figure>"
        for each in shown
    ]
    return _section(title, "\n".join([f"<p>{_safe(about)}</p>", *figures])) if figures else ""


def _jpeg(shown: Shown) -> str:
    """The picture as base64 JPEG, a tenth of the PNG's size."""
    _, encoded = cv2.imencode(".jpg", cv2.imread(str(shown.path)), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return base64.b64encode(encoded.tobytes()).decode("ascii")


def _table(header: Iterable[str], rows: Iterable[Iterable[object]], names: int = 1) -> str:
    """A table whose first ``names`` columns hold words."""
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in header)
    body = "\n".join(
        "<tr>"
        + "".join(
            f"<td{' class=name' if place < names else ''}>{_safe(str(cell))}</td>" for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _safe(text: str) -> str:
    return escape(printable(text), quote=True)
