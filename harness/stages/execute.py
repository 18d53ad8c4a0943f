"""Run one stage in the current process: take its inputs from the store, give its outputs to the store."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from filelock import FileLock

from harness.errors import HarnessError
from harness.files import FREE_SPACE, no_room
from harness.records.schema import Outcome
from harness.stages.pipeline import stage_module
from harness.stages.request import Request, Result
from harness.stages.store import Entry, Store

INPUT_GONE = "input_gone"
"""The reason of a step for which a file was there when it was asked for, and no longer when it began."""


def execute(request: Request) -> Result:
    """Run the stage and return what came of it; an artifact that another process made meanwhile is not made again.

    Raises:
        HarnessError: an input artifact is missing or damaged, or the stage refuses its input.
        Exception: whatever the stage raises; the caller turns it into an outcome.
    """
    store = Store(request.store)
    if request.key is None:
        return _run(request, store)
    with FileLock(store.lock_path(request.stage, request.key)):
        entry = store.lookup(request.stage, request.key)
        if entry is not None:
            return Result(outcome=Outcome(status="ok", stage=request.stage), artifacts=entry.artifacts, info=entry.info)
        started = time.monotonic()
        result = _run(request, store)
        if result.outcome.status == "ok":
            wall_s = time.monotonic() - started
            store.save(request.stage, request.key, Entry(artifacts=result.artifacts, info=result.info, wall_s=wall_s))
            shutil.rmtree(store.unfinished(request.stage, request.key), ignore_errors=True)
        return result


def _short_of_disk(error: Exception, folder: Path) -> bool:
    """Whether a stage, or a tool that says no more than that it failed, ended because there is no room where it works.

    What it wrote is still there. An error that names its cause, a full disk included, is left as it is.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        return False
    known = isinstance(error, HarnessError) and error.status not in {"failed", "crashed"}
    return not known and no_room(folder)


def _run(request: Request, store: Store) -> Result:
    inputs = {}
    for name, artifact in request.inputs.items():
        inputs[name] = store.path(artifact)
        if not inputs[name].is_file():
            words = f"{inputs[name]}: the artifact {name} is not in the store any more; run the sweep again"
            raise HarnessError(words, reason=INPUT_GONE)
    with store.workspace() as folder:
        try:
            files, info = stage_module(request.stage).run(request, inputs, folder)
        except Exception as error:
            if not folder.is_dir():
                raise HarnessError(
                    f"{folder}: removed while {request.stage} worked there", reason="store_gone"
                ) from error
            if _short_of_disk(error, folder):
                words = f"{folder.parent}: no space left; {' '.join(str(error).split()) or type(error).__name__}"
                raise HarnessError(words, reason="disk_full", hint=FREE_SPACE) from error
            raise
        artifacts = {name: store.put(path) for name, path in files.items()}
    outcome = info.pop("outcome", None) or Outcome(status="ok", stage=request.stage)
    return Result(outcome=outcome, artifacts=artifacts, info=info)
