"""What an evaluation leaves as files: tables for programs and for MLflow, pictures, and one page for people."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.datasets.text import printable
from harness.evaluate.gallery import Shown
from harness.evaluate.page import page
from harness.evaluate.plan import Findings
from harness.records.schema import Accuracy

Row = Sequence[object]


def write_files(
    folder: Path, accuracy: Accuracy, findings: Findings, examples: Sequence[Shown], worst: Sequence[Shown]
) -> dict[str, Path]:
    """Write all files into ``folder``; returns them by the place that they have in a record.

    Shares are written from 0 to 1 with all their digits, an empty cell where nothing is known.
    """
    tables: dict[str, tuple[Row, Sequence[Row]]] = {
        "per_class": (("class", *findings.columns), [(name, *values) for name, values in findings.classes]),
        "items": (("item", "score"), [(each.item_id, each.score) for each in findings.scores]),
        "confused": (
            ("truth", "predicted", "count", "share of truth"),
            [(pair.truth, pair.predicted, pair.count, pair.share) for pair in findings.confused],
        ),
    }
    if accuracy.bad:
        tables["left_out"] = (("item", "reason"), [(each.item, each.reason) for each in accuracy.bad])
    files = {f"tables/{name}.csv": _csv(folder / f"{name}.csv", *table) for name, table in tables.items()}
    files["tables/per_class.json"] = _mlflow_table(folder / "per_class.json", *tables["per_class"])
    files["tables/accuracy.txt"] = folder / "accuracy.txt"
    files["tables/accuracy.txt"].write_text(findings.text + "\n", encoding="utf-8")
    files["tables/accuracy.html"] = folder / "accuracy.html"
    files["tables/accuracy.html"].write_text(page(accuracy, findings, examples, worst), encoding="utf-8")
    for shown in (*examples, *worst):
        files[f"plots/{shown.path.name}"] = Path(shutil.copyfile(shown.path, folder / shown.path.name))
    return files


def _csv(path: Path, header: Row, rows: Iterable[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)
    return path


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return printable(value) if isinstance(value, str) else value


def _shown(value: object) -> object:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def _mlflow_table(path: Path, header: Row, rows: Iterable[Row]) -> Path:
    """A table as ``mlflow.log_table`` writes it (MLflow 3.17), for its page: six digits, which its columns can show."""
    data = [[_shown(value) for value in row] for row in rows]
    path.write_text(json.dumps({"columns": list(header), "data": data}), encoding="utf-8")
    return path
