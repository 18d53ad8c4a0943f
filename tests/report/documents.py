"""Reports made of fixed records and references, for golden files and for questions to their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.records.places import found_below
from harness.records.references import Citation, Reference
from harness.records.schema import Accuracy, Evaluated, PublishedAccuracy, Record
from harness.report.document import contents, document
from harness.report.query import load
from harness.report.rows import Loaded, Problem
from harness.report.table import Cell, Document, Language, Table
from tests.report.folders import failed, keep, measured

CITATION = Citation(
    "Somebody", file="ACL_PyTorch/contrib/cv/segmentation/swin_98_of_somebody/README.md", date="2023-01-01"
)
PUBLISHED = [
    Reference(
        model="swin98",
        citation=CITATION,
        chip="T4",
        batchsize=size,
        throughput=per_s,
        throughput_stated=f"{per_s:.2f} fps",
        unit="fps",
        boundary="compute",
    )
    for size, per_s in ((1, 5.24), (4, 4.65))
]
LATER = "2026-01-02T00:00:00+00:00"
NPU: dict[str, Any] = {"chip": "Ascend310P3", "backend": "ascend", "precision": "fp16", "source": "simulated"}


def accuracy(m_iou: float, batchsize: int) -> Accuracy:
    """Of 2000 images, beside an own float32 reference of 47.95 % and a published 47.72 %."""

    def evaluated(value: float, backend: str) -> Evaluated:
        return Evaluated({"mIoU": value}, 2000, 3686, batchsize, "Ascend310P3", backend, "fp16", "ab", 60.0)

    return Accuracy(
        task="segmentation",
        dataset="ade20k",
        split="validation",
        limit=None,
        mode="slide",
        how="windows 512x512",
        method="stream",
        unit="images",
        headline="mIoU",
        device=evaluated(m_iou, "ascend"),
        reference=evaluated(0.4795, "onnxruntime"),
        published=PublishedAccuracy("whole", {"mIoU": 47.72}, "mmsegmentation"),
    )


def npu_records() -> list[Record]:
    """What a box with a stand-in of a 310P left: batch 1 twice, batch 16 out of memory, accuracy at 1 and 4."""
    again = {"sweep": "20260102-000000-b", "started": LATER, "environment": {"hostname": "npu-box"}}
    return [
        measured(1, 16.5, copies_ms=50.0, **NPU),
        measured(1, 16.74, copies_ms=49.0, accuracy=accuracy(0.4792, 1), **NPU, **again),
        measured(4, 16.06, copies_ms=200.0, accuracy=accuracy(0.47925, 4), **NPU, **again),
        failed(16, **NPU, **again),
    ]


def cpu_records() -> list[Record]:
    """What a laptop without a device left."""
    return [measured(size, per_s, environment={"hostname": "laptop"}) for size, per_s in ((1, 0.41), (2, 0.44))]


def merged(folder: Path) -> Loaded:
    """The records of both machines from their folders, and the references."""
    for name, records in (("npu", npu_records()), ("cpu", cpu_records())):
        for record in records:
            keep(record, folder / name)
    places = [*found_below(folder / "npu"), *found_below(folder / "cpu")]
    return load(places, PUBLISHED)


def report(loaded: Loaded, language: Language = "en", **how: Any) -> Document:
    """The report with a baseline and targets, or without."""
    found = contents(loaded.rows, how.get("baseline"), how.get("targets", ()))
    return document(found, language, problems=loaded.problems, acceptance=how.get("acceptance", False))


def golden_report(folder: Path, language: Language) -> Document:
    """The report of the golden files, with a model whose name is markup and a place that could not be read."""
    keep(measured(1, 3.0, model="<script>alert(1)</script>|*_&%$#{}~^\\"), folder / "cpu")
    loaded = merged(folder)
    problem = Problem("<b>folder</b>", "damaged record, not JSON | `x`")
    return report(Loaded(loaded.rows, (problem,)), language, baseline="T4", acceptance=True)


def texts(table: Table, *keys: str) -> dict[str, list[str]]:
    """The texts of some columns by batch size, in order of the rows."""
    places = [[column.key for column in table.columns].index(key) for key in keys]
    return {row[0].text: [row[place].text for place in places] for row in table.rows}


def cell(table: Table, row: str, key: str) -> Cell:
    """The cell of a row by its first text."""
    place = [column.key for column in table.columns].index(key)
    return next(cells[place] for cells in table.rows if cells[0].text == row)
