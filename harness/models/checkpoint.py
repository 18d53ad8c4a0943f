"""Reading a checkpoint file into tensors by name, without running anything it contains."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor

ZIP_MAGIC = b"PK\x03\x04"
PICKLE_MARK = b"\x80"
"""First byte of a pickle of protocol 2 or newer: what torch wrote before 1.6."""

REFUSALS = ("Unsupported global", "Unsupported class", "Trying to", "not an allowed")
"""What torch 2.4 to 2.13 says when a pickle asks for more than tensors and plain values."""


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by parameter name, on the CPU; and the data set that they were trained on, where ``meta`` names it."""

    tensors: dict[str, Tensor]
    dataset: str | None = None


def read_checkpoint(path: Path) -> Checkpoint:
    """What a checkpoint file holds.

    Accepts OpenMMLab's layout (``{"meta", "state_dict", "optimizer"}``) and a bare state dict, saved by ``torch.save``
    in its zip format (mapped into memory) or the one before it. ``module.`` in front of every name, which
    ``DataParallel`` leaves, is dropped.

    Raises:
        HarnessError: one line saying that the file is missing, cut off, no checkpoint, or wants to run code.
    """
    loaded = _load(path)
    if not (isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping)):
        return Checkpoint(_tensors(path, loaded))
    meta = loaded.get("meta")
    dataset = meta.get("dataset") if isinstance(meta, Mapping) else None
    return Checkpoint(_tensors(path, loaded["state_dict"]), dataset if isinstance(dataset, str) else None)


def _load(path: Path) -> Any:
    """``torch.load(weights_only=True)`` with each way to fail told apart."""
    import torch

    zipped = _is_zipped(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if any(phrase in str(error) for phrase in REFUSALS):
            raise HarnessError(
                f"{path}: the checkpoint wants to run code when it is opened, which is refused; "
                "take it from a source you trust and save its state_dict alone"
            ) from error
        raise _damaged(path, "its pickle breaks off") from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(path, next(iter(str(error).splitlines()), type(error).__name__)) from error


def _is_zipped(path: Path) -> bool:
    """Whether the file is in torch's zip format; raises HarnessError where it is in neither format or breaks off."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(ZIP_MAGIC))
    except OSError as error:
        raise HarnessError(f"{path}: cannot read it ({error.strerror}); give the path of a .pth checkpoint") from error
    if magic == ZIP_MAGIC:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except zipfile.BadZipFile as error:
            raise _damaged(path, f"it ends after {path.stat().st_size} bytes") from error
        if any(name.endswith("/data.pkl") for name in names):
            return True
    elif magic.startswith(PICKLE_MARK):
        return False
    raise HarnessError(f"{path}: not a checkpoint; give a .pth file written by torch.save")


def _damaged(path: Path, reason: str) -> HarnessError:
    return HarnessError(f"{path}: the checkpoint is cut off or damaged ({reason}); download it again")


def _tensors(path: Path, loaded: Any) -> dict[str, Tensor]:
    """Check that a mapping holds named tensors and nothing else."""
    import torch

    if not isinstance(loaded, Mapping) or not loaded:
        raise HarnessError(f"{path}: holds {type(loaded).__name__}, not a state_dict; save the network's state_dict()")
    wrong = [name for name, value in loaded.items() if not isinstance(name, str) or not isinstance(value, torch.Tensor)]
    if wrong:
        listed = ", ".join(repr(name) for name in wrong[:3])
        raise HarnessError(
            f"{path}: no state_dict; these entries are no named tensors: {listed}; save the network's state_dict()"
        )
    if all(name.startswith("module.") for name in loaded):
        return {name.removeprefix("module."): value for name, value in loaded.items()}
    return dict(loaded)
