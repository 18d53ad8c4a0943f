"""What MLflow is told of a cell's accuracy: metrics, the values of every class, the table that it shows, and words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from harness.records.schema import Accuracy, Record

PER_CLASS = "tables/per_class"
"""The table of all classes: ``.csv`` in a record, and ``.json`` as MLflow's own tables are written."""
LOGGED_TABLES = "mlflow.loggedArtifacts"
"""The tag by which MLflow (3.17, ``mlflow/utils/mlflow_tags.py``) knows a run's tables."""


def accuracy_metrics(record: Record) -> dict[str, float | None]:
    """The summary, all shares from 0 to 1: ``accuracy/mIoU``, the own reference's and the difference between them."""
    accuracy = record.accuracy
    if accuracy is None:
        return {}
    found: dict[str, float | None] = {f"accuracy/{name}": value for name, value in accuracy.device.metrics.items()}
    found["accuracy/items"] = accuracy.device.items
    found["accuracy/left_out"] = len(accuracy.bad)
    name, reference = accuracy.headline, accuracy.reference
    if reference is not None and name in reference.metrics and name in accuracy.device.metrics:
        found[f"accuracy/{name}_own_fp32"] = reference.metrics[name]
        found[f"accuracy/{name}_change"] = accuracy.device.metrics[name] - reference.metrics[name]
    return found


def class_metrics(record: Record, folder: Path) -> dict[str, float]:
    """The values of every class, 0 to 1, as ``IoU/wall``: from the table beside the record; none without it."""
    if record.accuracy is None:
        return {}
    try:
        with (folder / f"{PER_CLASS}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        return {
            f"{column}/{row[0]}": float(value)
            for row in rows
            for column, value in zip(header[1:], row[1:], strict=True)
            if value
        }
    except (OSError, ValueError):
        return {}


def table_tag(record: Record) -> str | None:
    """The value of the tag that makes MLflow's page show the table of all classes."""
    return None if record.accuracy is None else json.dumps([{"path": f"{PER_CLASS}.json", "type": "table"}])


def accuracy_words(accuracy: Accuracy | None) -> str | None:
    """The row of the accuracy table in a line: ``mIoU 47.90 % (slide) over 2000 images of ade20k; own fp32 ...``."""
    if accuracy is None:
        return None
    name, device, reference = accuracy.headline, accuracy.device, accuracy.reference
    if name not in device.metrics:
        return f"{name} unknown over {device.items} {accuracy.unit} of {accuracy.dataset}"
    value = device.metrics[name]
    words = f"{name} {100 * value:.2f} % ({accuracy.mode}) over {device.items} {accuracy.unit} of {accuracy.dataset}"
    if accuracy.reference_is_device:
        words += "; the own fp32 reference"
    elif reference is not None and name in reference.metrics:
        own = reference.metrics[name]
        words += f"; own fp32 {100 * own:.2f} %, change {100 * (value - own):+.2f}"
    if accuracy.published is not None and name in accuracy.published.metrics:
        words += f"; published {accuracy.published.metrics[name]:.2f} % ({accuracy.published.mode})"
    return words + (f"; {len(accuracy.bad)} left out" if accuracy.bad else "")
