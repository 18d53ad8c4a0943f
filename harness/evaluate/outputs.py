"""Output files as ais_bench writes them: where they lie, whether they are all there, and what they hold.

An output is called after its input, whose name ais_bench cuts at the first dot: ``<stem>_<output>.bin``, raw bytes in
C order, or ``.npy``. The summary lies beside the folder, or inside it with old versions, and is never looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError


@dataclass(frozen=True)
class SampleFormat:
    """What one sample's file holds: the shape without the batch (inputs) or with its rows in front (outputs)."""

    shape: tuple[int, ...]
    dtype: npt.DTypeLike = np.float32

    @property
    def size_bytes(self) -> int:
        """The size of such a file."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def output_stem(name: str) -> str:
    """What ais_bench calls the first output of an input file, without the suffix."""
    return f"{name.split('.', maxsplit=1)[0]}_0"


def find_outputs(folder: Path) -> dict[str, Path]:
    """All first outputs of a run, by their stem.

    ``folder`` is the run's own folder, one with a folder for each device in it (the first device's file is taken where
    several inferred the same input), or the folder above when it holds a single run. Raises HarnessError when there is
    no output and when there are several runs.
    """
    if not folder.is_dir():
        raise HarnessError(f"{folder} is not a folder; expected the run folder that ais_bench made below --output")
    found = _outputs_in(folder)
    if found:
        return found
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    devices = [path for path in below if path.name.startswith("device")]
    if devices:
        return {stem: path for device in reversed(devices) for stem, path in _outputs_in(device).items()}
    runs = [path for path in below if next(path.rglob("*_0.*"), None)]
    if len(runs) == 1:
        return find_outputs(runs[0])
    if runs:
        names = ", ".join(repr(run.name) for run in runs)
        raise HarnessError(f"{folder} holds {len(runs)} runs: {names}; name the one to be evaluated")
    raise HarnessError(f"{folder} holds no <input's stem>_0.bin or .npy, as ais_bench writes them with --output")


def _outputs_in(folder: Path) -> dict[str, Path]:
    return {path.stem: path for suffix in ("npy", "bin") for path in folder.glob(f"*_0.{suffix}")}


def check_outputs(names: Iterable[str], found: Mapping[str, Path], folder: Path, expected: SampleFormat) -> None:
    """Raise HarnessError when the output of any input is missing or, for a ``.bin``, of another size than expected."""
    missing: list[str] = []
    wrong: list[str] = []
    total = 0
    for name in names:
        total += 1
        path = found.get(output_stem(name))
        if path is None:
            missing.append(f"{output_stem(name)}.bin")
        elif path.suffix == ".bin" and path.stat().st_size != expected.size_bytes:
            wrong.append(f"{path.name!r} has {path.stat().st_size}")
    if missing:
        raise HarnessError(
            f"{len(missing)} of {total} output files are not in {folder} (first: {missing[0]!r}); infer all inputs, "
            "with a version of ais_bench that fills the last batch instead of dropping it"
        )
    if wrong:
        raise HarnessError(
            f"{len(wrong)} of {total} output files in {folder} have another size than the {expected.size_bytes} "
            f"bytes of {np.dtype(expected.dtype).name} {expected.shape} (first: {wrong[0]}); "
            "check the model and its output type"
        )


def read_values(path: Path, expected: SampleFormat) -> npt.NDArray[Any]:
    """The values of one ``.bin`` or ``.npy`` file; raises HarnessError when it is unreadable or of another size."""
    try:
        values = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.fromfile(path, expected.dtype)
    except (OSError, ValueError, EOFError) as error:
        raise HarnessError(f"{path.name!r} cannot be read ({error})") from error
    if values.size != int(np.prod(expected.shape)):
        raise HarnessError(f"{path.name!r} holds {values.size} values, expected {expected.shape}")
    return np.asarray(values.reshape(expected.shape))
