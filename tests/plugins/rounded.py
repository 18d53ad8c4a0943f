"""A device that computes less exactly than ONNX Runtime in float32, and may fail on the way: ``backend=rounded``."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from harness.backends.onnx_runtime import OnnxRuntimeBackend, OnnxRuntimeOptions
from harness.config.values import SCHEMA


@dataclass(config=SCHEMA)
class RoundedOptions(OnnxRuntimeOptions):
    """``die_file``: while it exists, the process dies at its ``die_at``-th run and takes the file with it."""

    die_file: str | None = None
    die_at: int = 3


class RoundedBackend(OnnxRuntimeBackend):
    """ONNX Runtime, its outputs rounded to steps of a quarter."""

    name: ClassVar[str] = "rounded"
    Options: ClassVar[type[Any]] = RoundedOptions

    def load(self, model):
        session = super().load(model)
        inner, runs = session.run, [0]

        def run(inputs):
            runs[0] += 1
            die = self.options.die_file
            if die and runs[0] == self.options.die_at and Path(die).exists():
                Path(die).unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return [np.round(output * 4) / 4 for output in inner(inputs)]

        session.run = run
        return session

    def tools(self):
        return {"rounded": "1.0"}
