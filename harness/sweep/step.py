"""One step: a request that runs in a child process, with the device to itself if it measures, and what came of it."""

from __future__ import annotations

import json
import os
import sys
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError
from harness.files import FREE_SPACE, NO_ROOM, no_room, write_atomically
from harness.records.redaction import clean_file
from harness.records.schema import Outcome, Step
from harness.records.sealing import VARIABLE, sealed, to_text
from harness.simulator.environment import environment
from harness.stages.pipeline import finished
from harness.stages.request import REQUEST, Request, Result, progress_file
from harness.sweep.cell import CellRun, now
from harness.sweep.claims import claims
from harness.sweep.guard import memory_limit
from harness.sweep.locks import held
from harness.sweep.outcome import decide
from harness.sweep.process import ChildCancelled, ChildExit, run_child
from harness.sweep.progress import Progress


def run_step(run: CellRun, request: Request, progress: Progress) -> Step:
    """Run one request in a child process; every way to end becomes a step with an outcome.

    Raises:
        KeyboardInterrupt: the user stopped it; a step that was running is in ``run`` then.
    """
    settings = request.settings
    label = request.stage if request.round is None else f"{request.stage}-{request.round:02d}"
    rounds = max(settings.measure.rounds, request.round) if request.round else None
    told = progress_file(run.folder, request.stage)
    with suppress(OSError):
        told.unlink(missing_ok=True)
    log = f"logs/{label}.log"
    mark = uuid.uuid4().hex
    started, begun = now(), False
    exit_: ChildExit | None = None
    interrupt: KeyboardInterrupt | None = None
    try:
        with held(
            claims(settings, request.stage),
            mark=mark,
            waiting=lambda line: progress.note(f"{run.cell.name}  {request.stage} {line}"),
        ):
            progress.step_started(run.cell.name, request.stage, request.round, rounds, told=told)
            started, begun = now(), True
            try:
                exit_, result = _in_child(run, request, label, mark)
            except ChildCancelled as stopped:
                exit_, interrupt = stopped.child, stopped
                result = decide(exit_, _result_file(run, label), run.folder / log, request.stage)
    except (HarnessError, OSError) as error:
        result = Result(outcome=write_failure(error, request.stage))
    step = finished(
        request,
        result,
        started=started,
        wall_s=exit_.wall_s if exit_ else 0.0,
        peak_memory_bytes=result.peak_memory_bytes,
        exit_status=exit_.exit_status if exit_ else None,
        log=log,
    )
    if begun:
        progress.step_finished(step.outcome, step.wall_s)
    else:
        progress.cell_ended(run.cell.name, step.outcome)
    if interrupt is not None:
        run.take(step)
        raise interrupt
    return step


def _in_child(run: CellRun, request: Request, label: str, mark: str) -> tuple[ChildExit, Result]:
    """Start the process, wait for it, and decide how it ended.

    Raises:
        OSError: a file of the step cannot be written.
    """
    settings = request.settings
    request_file, result_file = run.folder / "steps" / f"{label}.request.json", _result_file(run, label)
    content, secrets = sealed(REQUEST.dump_python(request, mode="json"))
    write_atomically(request_file, json.dumps(content).encode())
    result_file.unlink(missing_ok=True)
    log = run.folder / f"logs/{label}.log"
    exit_ = run_child(
        [sys.executable, "-m", "harness.sweep.child", str(request_file), str(result_file), str(os.getpid())],
        log=log,
        timeout_s=getattr(settings.limits, f"{request.stage}_s"),
        env={
            **environment(settings.simulator, child_environment(), salt=f"{run.cell.name}/{label}"),
            **({VARIABLE: to_text(secrets)} if secrets else {}),
        },
        memory_limit_bytes=memory_limit(settings.limits.memory_gb),
        mark=mark,
    )
    for written in (log, result_file):
        clean_file(written, known=[secret for _, secret in secrets])
    exit_ = replace(exit_, disk_full=exit_.disk_full or no_room(request.store))
    return exit_, decide(exit_, result_file, log, request.stage)


def _result_file(run: CellRun, label: str) -> Path:
    return run.folder / "steps" / f"{label}.result.json"


def child_environment() -> dict[str, str]:
    """The parent's environment with this very package importable, wherever the child's working folder is."""
    package_parent = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package_parent, *([inherited] if inherited else [])])}


def write_failure(error: Exception, stage: str) -> Outcome:
    """The outcome of a step whose own files could not be written, or whose device could not be locked."""
    full = isinstance(error, OSError) and error.errno in NO_ROOM
    reason = error.reason if isinstance(error, HarnessError) else "not_writable"
    return Outcome(
        status="failed",
        stage=stage,
        reason="disk_full" if full or "No space left" in str(error) else reason,
        message=" ".join(str(error).split()),
        hint=FREE_SPACE if full else None,
    )
