"""An open OM file: a worker in CANN's own Python that runs ``InferSession``, and arrays that both processes map."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from harness.backends.protocol import Array
from harness.backends.tool_errors import explained
from harness.backends.worker import cann_worker
from harness.backends.workplace import UMASK, acceptable, beside, workplace
from harness.config.model import InputSettings
from harness.config.values import DType
from harness.errors import HarnessError
from harness.interpreter import python_environment

if TYPE_CHECKING:
    from typing_extensions import Self

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, where Linux has it
ALIGNMENT = 4096
END_S = 60.0
"""How long a worker may take to unload the model and end."""


class AscendSession:
    """See ``harness.backends.protocol.Session``. The shapes are those that the model was converted for."""

    def __init__(self, model: Path, python: str, environment: Mapping[str, str], device_id: int) -> None:
        """Start the worker and load the model.

        Raises:
            OutOfMemoryError, UnsupportedError, HarnessError: as CANN's words say, with reason and hint.
        """
        with ExitStack() as stack:
            folder = stack.enter_context(workplace(beside(model)))
            self._log = folder / "worker.log"
            self._start(acceptable(model, folder, "network.om"), python, environment, device_id, stack)
            answer = self._answer()
            self._inputs, self._outputs = answer["inputs"], answer["outputs"]
            self._map(folder, stack)
            self._stack = stack.pop_all()

    def _start(
        self, model: Path, python: str, environment: Mapping[str, str], device_id: int, stack: ExitStack
    ) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        command = [python, str(Path(cann_worker.__file__)), str(model), str(device_id), str(theirs_in), str(theirs_out)]
        try:
            with self._log.open("wb") as log:
                self._worker = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=python_environment(environment),
                    pass_fds=(theirs_in, theirs_out),
                    umask=UMASK,
                )
        except OSError as error:
            os.close(ours_out)
            os.close(ours_in)
            words = f"backend.python={python}: {error.strerror or error}"
            raise HarnessError(words, reason="tool_not_executable") from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self._answers: IO[str] = stack.enter_context(os.fdopen(ours_in))
        stack.callback(self._end)
        self._requests: IO[str] = os.fdopen(ours_out, "w")

    def _map(self, folder: Path, stack: ExitStack) -> None:
        """Make the file that both processes map, in memory where there is room for it."""
        descs = [*self._inputs, *self._outputs]
        offsets, end = [], 0
        for desc in descs:
            if min(desc["shape"], default=1) < 1:
                raise HarnessError(
                    f"{desc['name']}: the model's shape {desc['shape']} is open; convert it for one shape",
                    reason="dynamic_shape_not_set",
                )
            offsets.append(end)
            end += -(-math.prod(desc["shape"]) * np.dtype(desc["dtype"]).itemsize // ALIGNMENT) * ALIGNMENT
        roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 2 * end
        data: Any = stack.enter_context(
            tempfile.NamedTemporaryFile(  # noqa: SIM115 - the stack closes it
                dir=SHARED_MEMORY if roomy else folder, prefix="harness-"
            )
        )
        data.truncate(max(end, 1))
        inputs = len(self._inputs)
        self._ask({"data": data.name, "inputs": offsets[:inputs], "outputs": offsets[inputs:]})
        arrays = cann_worker.mapped(data.name, descs, offsets)
        self._feeds, self._slots = arrays[:inputs], arrays[inputs:]

    @property
    def input_specs(self) -> Sequence[InputSettings]:
        """Name, shape and dtype of each input, in order."""
        return tuple(
            InputSettings(name=each["name"], shape=tuple(each["shape"]), dtype=cast("DType", each["dtype"]))
            for each in self._inputs
        )

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one batch; see the protocol."""
        names = [each["name"] for each in self._inputs]
        if set(inputs) != set(names):
            raise HarnessError(f"inputs {sorted(inputs)}: the model has {names}", reason="input_name_unknown")
        for desc, feed in zip(self._inputs, self._feeds, strict=True):
            given = inputs[desc["name"]]
            if list(given.shape) != desc["shape"] or given.dtype != feed.dtype:
                raise HarnessError(
                    f"input {desc['name']}: {list(given.shape)} {given.dtype} was given, "
                    f"the model takes {desc['shape']} {desc['dtype']}",
                    reason="input_size_mismatch",
                )
            feed[...] = given
        self._ask({"run": True})
        return [np.array(slot) for slot in self._slots]

    def _ask(self, request: Mapping[str, Any]) -> None:
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        except OSError:
            self._fail("the worker ended")
        self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            self._fail("the worker ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            self._fail(str(answer["error"]))
        return answer

    def _fail(self, words: str) -> NoReturn:
        """Raise what the worker's output says; ``words`` where it names no cause."""
        with suppress(OSError):
            self._requests.close()
        with suppress(subprocess.TimeoutExpired):
            self._worker.wait(END_S)
        text = self._log.read_text(encoding="utf-8", errors="replace")
        raise explained("InferSession", text, self._worker.returncode, words)

    def _end(self) -> None:
        """End the worker, and show what it printed."""
        with suppress(OSError):
            self._requests.close()
        try:
            self._worker.wait(END_S)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()
        sys.stdout.write(self._log.read_text(encoding="utf-8", errors="replace"))
        sys.stdout.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
