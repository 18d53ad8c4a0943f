"""When a sweep publishes: at its end, and in a long one after a round; always in a process of its own.

While that process works nothing of this sweep is measured, and it shares the CPU as every process does that computes
(see :mod:`harness.sweep.claims`), so that it disturbs no measurement of another sweep either. It may take a tenth of
the time and a minute at once; when it fails or takes longer, the rest follows at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.physical import CPU
from harness.errors import HarnessError
from harness.records.redaction import redact_text
from harness.records.schema import Record
from harness.sweep.guard import die_with
from harness.sweep.locks import Claim, held
from harness.sweep.manifest import Manifest
from harness.sweep.step import child_environment

EVERY_S, SHARE, LIMIT_S = 300.0, 10, 60.0
"""Not before this long after the last publication, nor before this many times its duration; what one may take."""


def publish_records(manifest: Manifest, home: Path, records: Sequence[Record]) -> list[str]:
    """Fill MLflow from the records; what goes wrong only delays publishing, and is said in the line returned."""
    folder = home / "records" / manifest.sweep_id
    written = any((folder / record.name / "record.json").is_file() for record in records)
    if not written or not _tracked(manifest):
        return []
    try:
        with _beside_others(lambda line: print(f"MLflow {line}")):
            if run_publisher(manifest, home, quiet=False) == 0:
                return []
    except (KeyboardInterrupt, HarnessError):
        pass
    return [f"not everything is in MLflow yet; `python -m harness.publish {folder}` publishes it later"]


def run_publisher(manifest: Manifest, home: Path, *, quiet: bool, timeout_s: float | None = None) -> int | None:
    """Run ``harness.publish`` on a sweep's records; its exit status, or None where it was stopped after a while.

    Raises:
        HarnessError: no process can be started (memory, a limit on processes).
    """
    command = [sys.executable, "-m", "harness.publish", f"home={home}", str(home / "records" / manifest.sweep_id)]
    output = subprocess.DEVNULL if quiet else None
    parent = os.getpid()

    def apart() -> None:
        os.setpgrp()  # a Ctrl-C is for this process to make something of
        die_with(parent)  # else it would publish beside whoever resumes

    try:
        done = subprocess.run(
            command, env=_environment(manifest), check=False, timeout=timeout_s, stdout=output, stderr=output,
            preexec_fn=apart,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    except (OSError, subprocess.SubprocessError) as error:
        raise HarnessError(f"no process can be started: {error}") from error
    return done.returncode


@dataclass
class Meanwhile:
    """Publishes a long sweep while it goes on. ``note`` gets the line that says why it does so no longer."""

    manifest: Manifest
    home: Path
    note: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    publish: Callable[..., int | None] = run_publisher
    _last_s: float = field(init=False)
    _took_s: float = field(default=0.0, init=False)
    _given_up: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._last_s = self.clock()

    def __call__(self) -> None:
        """Called after each round: publish if it is time to."""
        waited_s = self.clock() - self._last_s
        if self._given_up or waited_s < max(EVERY_S, SHARE * self._took_s) or not _tracked(self.manifest):
            return
        try:
            with _beside_others(lambda _: None):
                began_s = self.clock()
                status = self.publish(self.manifest, self.home, quiet=True, timeout_s=LIMIT_S)
        except HarnessError as error:
            self._give_up(str(error))
            return
        self._last_s = self.clock()
        self._took_s = self._last_s - began_s
        if status != 0:
            self._give_up("it takes too long" if status is None else "it failed")

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self.note(f"MLflow is not kept up to date meanwhile ({reason}); the records follow at the end")


def _beside_others(waiting: Callable[[str], None]) -> AbstractContextManager[None]:
    """The share of the CPU that whoever computes has: no other sweep measures there meanwhile."""
    return held((Claim(CPU, shared=True),), mark=uuid.uuid4().hex, waiting=waiting)


def _tracked(manifest: Manifest) -> bool:
    return any(cell.settings.tracking.enabled for cell in manifest.cells)


def _environment(manifest: Manifest) -> dict[str, str]:
    """The environment of the publisher: with the whole URI of a store whose password no record holds."""
    known = child_environment()
    uris = [cell.settings.tracking.uri for cell in manifest.cells if cell.settings.tracking.uri]
    secret = next((uri for uri in uris if redact_text(uri) != uri), None)
    return known if secret is None else {**known, "HARNESS_TRACKING_URI": secret}
