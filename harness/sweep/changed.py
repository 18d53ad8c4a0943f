"""What must stay as it was while a sweep runs or rests: the model files that it began with, and the model it measures.

The manifest freezes the content of a cell's weights, not only where they lie. A cell whose file was replaced, or whose
model comes out differently with newer tools, would otherwise mix rounds of two models in one figure.
"""

from __future__ import annotations

import functools
from pathlib import Path

from harness.config.schema import Settings
from harness.files import sha256_file
from harness.records.schema import Outcome
from harness.sweep.cell import CellRun, measured_model

MODEL_CHANGED = "model_changed"


def frozen_files(settings: Settings) -> dict[str, str]:
    """SHA-256 of the model's file or checkpoint, by path; empty where it has none or it cannot be read."""
    source = settings.model.file or settings.model.checkpoint
    try:
        return {source: _digest(Path(source))} if source else {}
    except OSError:
        return {}


def changed_file(run: CellRun) -> Outcome | None:
    """The outcome of a cell one of whose files is not what it was when the sweep was planned; None where all are."""
    for path, planned in run.cell.files.items():
        try:
            found = _digest(Path(path))
        except OSError:  # the stage that needs it says so
            continue
        if found != planned:
            words = f"{path}: changed since this sweep was planned (SHA-256 {planned[:8]} then, {found[:8]} now)"
            hint = "restore the file and resume with retry=failed, or begin a new sweep"
            return Outcome(status="failed", reason=MODEL_CHANGED, message=words, hint=hint)
    return None


def changed_model(run: CellRun) -> Outcome | None:
    """The outcome of a cell whose earlier rounds measured another model than the one that is prepared now."""
    before = run.before.fingerprint.get("model_sha256") if run.before is not None and run.repeats else None
    made = measured_model(run.pipeline)
    if before is None or made is None or made.sha256 == before:
        return None
    words = f"the model came out differently than for rounds 1 to {max(run.rounds)} (SHA-256 {before[:8]} then, "
    hint = "resume with what made it then (python -m harness.report names the versions), or begin a new sweep"
    return Outcome(status="failed", reason=MODEL_CHANGED, message=f"{words}{made.sha256[:8]} now)", hint=hint)


def _digest(path: Path) -> str:
    """SHA-256 of a file, read once for as long as it is the same file."""
    stat = path.stat()
    return _read(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@functools.cache
def _read(path: Path, inode: int, size: int, modified_ns: int) -> str:
    del inode, size, modified_ns
    return sha256_file(path)
