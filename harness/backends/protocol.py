"""What a backend is: the one class a new runtime has to bring. Third parties check theirs with ``harness.testing``.

A backend is a class with the class attributes ``name``, ``boundary`` and ``Options``, called with validated options:

    @dataclass(config=ConfigDict(extra="forbid", frozen=True))  # pydantic's, so that a wrong option is refused by name
    class RknnOptions:
        cores: int = 3

    class RknnBackend:
        name = "rknn"
        boundary = "end_to_end"
        Options = RknnOptions

        def __init__(self, options: RknnOptions) -> None: ...

A YAML in ``conf/backend`` names it by ``kind``: the name of an entry point of the group ``harness.backends``, or
``package.module:RknnBackend``. Its module is imported while the command line is checked: it imports the runtime late.

Some things are optional. ``reads = (".rknn",)`` names the suffixes of files that ``load`` takes as they are: a user
may bring such a file, and with ``.onnx`` among them nothing is converted. ``input_specs`` says what inputs a file has.
A converter that runs on the device itself, as TensorRT's does, says so with ``converts_on_device = True``: nothing is
measured there meanwhile. A session that starts the runtime anew for each run has ``starts_afresh = True``: it is right
for outputs and useless for times.
`BuildsForCell` is for a converter that builds for one chip, with flags and files; `SharesDevices` for several devices,
`InfersFolders` for a tool that infers files by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy.typing as npt

from harness.config.model import InputSettings
from harness.config.schema import MeasureSettings, PrecisionSettings, Settings
from harness.timing.samples import Samples

if TYPE_CHECKING:
    from typing_extensions import Self

Array = npt.NDArray[Any]


class Session(Protocol):
    """A loaded model, used as ``with backend.load(path) as session``."""

    def run(self, inputs: Mapping[str, Array]) -> Sequence[Array]:
        """Infer one static batch: arrays by input name in, arrays in the model's output order out.

        Raises:
            HarnessError: an input is missing, unknown, or of another shape or dtype.
            OutOfMemoryError: the device or the host has too little memory.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class Backend(Protocol):
    """One runtime, made from its validated options. Importing its module must be cheap: runtimes are imported late."""

    name: ClassVar[str]
    boundary: ClassVar[str]
    """What the headline latency times: ``compute`` or ``end_to_end``."""
    Options: ClassVar[type[Any]]
    """The dataclass that ``backend.options`` of the configuration must fit."""

    def __init__(self, options: Any) -> None:
        """Keep an instance of ``Options``; must not touch the device."""

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Raise UnsupportedError naming the precision and what this backend offers instead."""

    def tools(self) -> Mapping[str, str]:
        """Names and versions of everything that shapes the numbers: part of cache keys and of the fingerprint."""

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:
        """Turn an ONNX file into the device's format: ``target``, or ``onnx`` where the runtime reads ONNX itself.

        Raises:
            UnsupportedError: the runtime lacks an operator, an opset or the precision.
        """

    def load(self, model: Path) -> Session:
        """Open the converted model on the device.

        Raises:
            UnsupportedError: the runtime lacks an operator or an opset.
            OutOfMemoryError: the device or the host has too little memory.
            HarnessError: the file is absent or not a model.
        """

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """Load, warm up and time the model in this process; raw per-iteration times. Raises as ``load`` and ``run``."""


@runtime_checkable
class DescribesInputs(Protocol):
    """A backend that can tell the inputs of a converted file, so that a user who brings one need not."""

    def input_specs(self, model: Path) -> Sequence[InputSettings]:
        """Name, static shape and dtype of each input, in order. Raises as ``Backend.load``."""


@runtime_checkable
class BuildsForCell(Protocol):
    """A backend whose tools must know the whole cell: the chip, the shapes of the inputs, the flags, the devices."""

    def for_cell(self, settings: Settings) -> Backend:
        """The same backend, told the cell. Raises ConfigError for flags that its tools do not take."""

    def conversion_key(self) -> Mapping[str, Any]:
        """What beside the ONNX file decides the converted one, as JSON values; files by the hash of their content."""

    def conversion_report(self, target: Path) -> tuple[Mapping[str, Path], Mapping[str, Any]]:
        """After ``convert``: files for the record by their place in it (``logs/atc.log``), and what it found out."""


@runtime_checkable
class TellsWhatItLacks(Protocol):
    """A backend whose tools come separately; a device may name another one for where they are not installed."""

    @staticmethod
    def lacking() -> str | None:
        """What is not installed on this machine, in a few words, or None; quick, and imports no runtime."""


@runtime_checkable
class SharesDevices(Protocol):
    """A backend that can have several devices share an evaluation, each with a session of its own."""

    @property
    def device_ids(self) -> tuple[int, ...]:
        """The devices to use, the one that measures first."""

    def load_on(self, model: Path, device_id: int) -> Session:
        """Open the converted model on one of them. Raises as ``Backend.load``."""


@runtime_checkable
class InfersFolders(Protocol):
    """A backend whose own command line infers a folder of input files, as ais_bench does."""

    def infer_folder(self, model: Path, inputs: Path, outputs: Path) -> None:
        """Write ``<stem>_0.bin`` to ``outputs`` for every ``<stem>.bin`` in ``inputs``; the last batch is padded.

        Raises:
            HarnessError: the tool failed, or left an input without its output.
        """


@runtime_checkable
class Profiles(Protocol):
    """A backend with a profiler of its own."""

    def profile(self, model: Path, inputs: Mapping[str, Array], folder: Path) -> None:
        """Trace the model and leave the profiler's files in ``folder``. Raises as ``Backend.measure``."""


def sessions(backend: Backend, model: Path) -> tuple[Callable[[], Session], ...]:
    """What opens the model on each device that the backend uses; one where it knows of no several."""
    if not isinstance(backend, SharesDevices):
        return (partial(backend.load, model),)
    return tuple(partial(backend.load_on, model, device_id) for device_id in backend.device_ids)


def reads(backend: Backend | type[Backend]) -> tuple[str, ...]:
    """The suffixes of the files that a backend loads as they are; none where it does not say."""
    return tuple(getattr(backend, "reads", ()))
