"""Ending a sweep early: Ctrl-C, SIGTERM and SIGHUP let the table and the records be written; a second one ends at once.

SIGHUP comes when a terminal is closed or a connection is lost; under ``nohup``, which ignores it, it stays ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

RUNNING = "stopping: the running step is ended, then the table and MLflow follow; once more to stop at once"
FINISHING = "stopping: the table and MLflow follow; once more to stop at once"
PUBLISHING = "stopping: MLflow is left as it is; `python -m harness.publish` goes on with it"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal asked for the end; ``status`` is the exit status that says which, as a shell does: 128 + its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.status = 128 + number


class Stop:
    """Which signal asked for the end; None while nothing did. ``words`` say what a first one leads to.

    ``patient``: what is done now is quick and is brought to its end; a first signal is only noted.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.words = RUNNING
        self.patient = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler: says what happens now, once, and raises `Stopped`."""
        del frame
        first, self.number = self.number is None, number
        if first:
            with suppress(OSError, AttributeError, ValueError):  # standard error may be closed
                os.write(sys.stderr.fileno(), f"{self.words}\n".encode())
        if not (first and self.patient):
            raise Stopped(number)

    def status(self, otherwise: int) -> int:
        """The exit status: 128 + the signal's number, as a shell says it; ``otherwise`` where none came."""
        return otherwise if self.number is None else 128 + self.number


@contextmanager
def stopping() -> Iterator[Stop]:
    """While it lasts, these signals raise KeyboardInterrupt; outside the main thread nothing changes."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, stop)
        for number in SIGNALS
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def measured() -> None:
    """Everything is measured: a first signal from here on costs neither table nor MLflow."""
    _now(FINISHING, patient=True)


def publishing() -> None:
    """The table is there: a first signal from here on ends the publication."""
    _now(PUBLISHING, patient=False)


def _now(words: str, *, patient: bool) -> None:
    stop = signal.getsignal(signal.SIGINT)
    if isinstance(stop, Stop):
        stop.words, stop.patient = words, patient
