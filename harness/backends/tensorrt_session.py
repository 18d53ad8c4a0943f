"""An open engine: trtexec is called anew for each batch, with input files in and output files out.

That costs a start of the process and loading the engine, one to a few seconds a batch: enough for an evaluation of
thousands of samples, and no measure of time (``starts_afresh``). TensorRT 8.6 and later write raw bytes; earlier ones
write JSON with six digits, which takes ten times the room and knows no types (float32 is assumed).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from harness.backends.protocol import Array
from harness.backends.trtexec import check_inputs, run_trtexec, write_inputs
from harness.backends.trtexec_command import load_inputs
from harness.backends.trtexec_tool import TrtexecTool
from harness.backends.workplace import beside, workplace
from harness.config.model import InputSettings
from harness.config.values import DType
from harness.errors import HarnessError
from harness.parsing.text import ParseError
from harness.parsing.trtexec_bindings import Binding, parse_bindings, parse_outputs

if TYPE_CHECKING:
    from typing_extensions import Self

ONCE = ("--warmUp=0", "--duration=0", "--iterations=1")
RAW = "dumpRawBindingsToFile"


class TensorRTSession:
    """See ``harness.backends.protocol.Session``."""

    starts_afresh = True
    """Each run is a process of its own: what it takes says nothing of the device."""

    def __init__(
        self,
        model: Path,
        tool: TrtexecTool,
        environment: Mapping[str, str],
        flags: Sequence[str],
        specs: Sequence[InputSettings] = (),
    ) -> None:
        """Load the engine once, to see that it can be, and what it takes.

        ``flags`` say what device is used and that inputs are copied to it; ``specs`` are the inputs where their types
        are known, which spares writing outputs for them.

        Raises:
            OutOfMemoryError, UnsupportedError, HarnessError: as trtexec's words say, with reason and hint.
        """
        self._tool, self._environment = tool, environment
        self._raw = tool.knows(RAW)
        self._arguments = [f"--loadEngine={model.resolve()}", *ONCE, *flags]
        self._specs = tuple(specs)
        with ExitStack() as stack:
            self._folder = stack.enter_context(workplace(beside(model)))
            described = [*self._arguments, f"--{RAW}"] if self._raw and not specs else self._arguments
            text, _ = run_trtexec(tool, described, self._folder, environment)
            self._bindings = parse_bindings(text) or _assumed(specs)
            if not any(each.is_input for each in self._bindings):
                raise HarnessError(f"trtexec: it names no input of {model.name}", reason="no_result")
            self._clear()
            self._stack = stack.pop_all()

    @property
    def input_specs(self) -> Sequence[InputSettings]:
        """Name, shape and dtype of each input, in order; float32 where this version of trtexec does not say."""
        known = {spec.name: spec.dtype for spec in self._specs}
        return tuple(
            InputSettings(
                name=each.name,
                shape=each.shape,
                dtype=cast("DType", each.dtype or known.get(each.name, "float32")),
            )
            for each in self._inputs
        )

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one batch; see the protocol."""
        check_inputs(inputs, self._inputs, self.input_specs)
        files = write_inputs(inputs, self._folder)
        exported = self._folder / "outputs.json"
        wanted = f"--{RAW}" if self._raw else f"--exportOutput={exported}"
        arguments = [*self._arguments, f"--loadInputs={load_inputs(files)}", wanted]
        text, _ = run_trtexec(self._tool, arguments, self._folder, self._environment, quiet=True)
        try:
            return raw_outputs(text, self._folder) if self._raw else _exported(exported, self._bindings)
        finally:
            self._clear()

    @property
    def _inputs(self) -> list[Binding]:
        return [each for each in self._bindings if each.is_input]

    def _clear(self) -> None:
        for file in self._folder.iterdir():
            file.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()


def _assumed(specs: Sequence[InputSettings]) -> tuple[Binding, ...]:
    """The inputs as the settings have them, for TensorRT 7, whose log names none."""
    return tuple(Binding(spec.name, is_input=True, shape=spec.shape, dtype=spec.dtype) for spec in specs)


def raw_outputs(text: str, folder: Path) -> list[Array]:
    """The outputs that ``--dumpRawBindingsToFile`` left in ``folder``, in the engine's order, by the log of that run.

    Raises:
        HarnessError: the log names none, or a file is missing or of another size.
    """
    outputs = [each for each in parse_bindings(text) if not each.is_input]
    if not outputs or any(each.file is None or each.dtype is None for each in outputs):
        raise HarnessError(f"trtexec: --{RAW} left no outputs", reason="no_result")
    return [_read(folder / str(each.file), each) for each in outputs]


def _read(file: Path, binding: Binding) -> Array:
    try:
        values: Array = np.fromfile(file, dtype=binding.dtype)
    except OSError as error:
        raise HarnessError(f"trtexec: {file.name}: {error.strerror or error}", reason="no_result") from error
    if values.size != math.prod(binding.shape):
        words = f"trtexec: {file.name} has {values.size} values, {binding.name} is {list(binding.shape)}"
        raise HarnessError(words, reason="no_result")
    return values.reshape(binding.shape)


def _exported(file: Path, bindings: Sequence[Binding]) -> list[Array]:
    try:
        found = parse_outputs(file.read_text(encoding="utf-8"))
    except (OSError, ParseError) as error:
        words = f"trtexec: its outputs cannot be read ({' '.join(str(error).split())})"
        raise HarnessError(words, reason="no_result") from error
    names = [each.name for each in bindings if not each.is_input] or list(found)
    if len(found) > 1 and all(each.is_input for each in bindings):
        words = f"trtexec: this version does not say in which order the outputs {', '.join(found)} are"
        raise HarnessError(words, reason="unsupported_version", hint="evaluate with TensorRT 8 or later")
    missing = [name for name in names if name not in found]
    if missing:
        raise HarnessError(f"trtexec: --exportOutput left out {', '.join(missing)}", reason="no_result")
    return [np.asarray(found[name][1], dtype=np.float32).reshape(found[name][0]) for name in names]
