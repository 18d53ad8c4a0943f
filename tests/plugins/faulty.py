"""A backend that dies on demand, for the tests that show what a sweep makes of it: ``backend=faulty``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic.dataclasses import dataclass

from harness.backends.onnx_runtime import OnnxRuntimeBackend, OnnxRuntimeOptions
from harness.config.values import SCHEMA


@dataclass(config=SCHEMA)
class FaultyOptions(OnnxRuntimeOptions):
    """``die`` is how the measuring process ends; ``die_if`` names a file that says so, as long as it is there."""

    die_if: str | None = None
    die: Literal["no", "exception", "exit0", "kill", "memory", "hang", "segfault"] = "no"


class FaultyBackend(OnnxRuntimeBackend):
    """ONNX Runtime, until it is asked to measure."""

    name: ClassVar[str] = "faulty"
    Options: ClassVar[type[Any]] = FaultyOptions

    def measure(self, model, inputs, profile):
        die = self.options.die
        switch = self.options.die_if
        if switch is not None and Path(switch).exists():
            die = Path(switch).read_text()
        if die == "exception":
            raise ValueError("the device\nsaid [red]no[/red]")
        if die == "exit0":
            sys.exit(0)
        if die == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if die == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if die == "memory":
            hoard = []
            while True:
                hoard.append(bytearray(64 << 20))
        if die == "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            threading.Event().wait()
        return super().measure(model, inputs, profile)
