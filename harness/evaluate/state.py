"""What an interrupted evaluation has already done, in one file that is always whole."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.datasets.protocol import BadSample, Item
from harness.files import replacing
from harness.metrics.protocol import State

_log = logging.getLogger(__name__)
_VERSION = 1


@dataclass(frozen=True)
class Done:
    """The first ``len(sample_counts)`` items are counted in ``metric``; one that could not be used has 0 samples."""

    sample_counts: tuple[int, ...]
    bad: tuple[BadSample, ...]
    metric: State


def fingerprint(items: Sequence[Item], batch_size: int, identity: str) -> str:
    """What a state belongs to: the items in their order, the batch size, and whatever ``identity`` says of the rest."""
    content = [_VERSION, identity, batch_size, [item.id for item in items]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def write_state(path: Path, belongs_to: str, done: Done) -> None:
    """Replace the file at once: whoever reads it, after any kill, finds the old state or the new one."""
    arrays: dict[str, npt.NDArray[Any]] = {f"metric.{key}": value for key, value in done.metric.items()}
    arrays["fingerprint"] = np.array(belongs_to)
    arrays["sample_counts"] = np.array(done.sample_counts, np.int64)
    arrays["bad"] = np.array([(bad.item_id, bad.reason) for bad in done.bad], np.str_).reshape(-1, 2)
    with replacing(path) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type,unused-ignore]


def read_state(path: Path, belongs_to: str) -> Done | None:
    """The saved state; None when there is none, or when it is unreadable or another evaluation's (both are logged)."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if str(arrays["fingerprint"]) != belongs_to:
                _log.warning("%s belongs to another model, data set or batch size: starting from the beginning", path)
                return None
            prefix = "metric."
            return Done(
                sample_counts=tuple(int(count) for count in arrays["sample_counts"]),
                bad=tuple(BadSample(str(item_id), str(reason)) for item_id, reason in arrays["bad"]),
                metric={key[len(prefix) :]: arrays[key] for key in arrays.files if key.startswith(prefix)},
            )
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("%s cannot be read (%s): starting from the beginning", path, error)
        return None
