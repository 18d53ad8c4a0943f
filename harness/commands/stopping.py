"""Ending a sweep early: Ctrl-C and SIGTERM let the table and the records be written; a second one ends at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = "stopping: the running step is ended, then the table and MLflow follow; once more to stop at once\n"


class Stop:
    """Which signal asked for the end; None while nothing did."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler: says what happens now, once, and raises KeyboardInterrupt."""
        del frame
        if self.number is None:
            os.write(sys.stderr.fileno(), STOPPING.encode())
        self.number = number
        raise KeyboardInterrupt

    def status(self, otherwise: int) -> int:
        """The exit status: 128 + the signal's number, as a shell says it; ``otherwise`` where none came."""
        return otherwise if self.number is None else 128 + self.number


@contextmanager
def stopping() -> Iterator[Stop]:
    """While it lasts, SIGINT and SIGTERM both raise KeyboardInterrupt; outside the main thread nothing changes."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
