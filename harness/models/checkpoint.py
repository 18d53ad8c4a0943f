"""Reading a checkpoint file into tensors by name, without running anything it contains."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor

ZIP_MAGIC = b"PK\x03\x04"
PICKLE_PROTOCOL_MARK = b"\x80"
"""First byte of a pickle of protocol 2 or newer: what torch wrote before 1.6."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by parameter name, on the CPU.

    Accepts OpenMMLab's layout (``{"meta", "state_dict", "optimizer"}``) and a bare state dict, saved by ``torch.save``
    in its zip format (mapped into memory) or the one before it. ``module.`` in front of every name, which
    ``DataParallel`` leaves, is dropped.

    Raises:
        HarnessError: one line saying that the file is missing, cut off, no checkpoint, or wants to run code.
    """
    loaded = _load(path)
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    return _tensors(path, loaded)


def _load(path: Path) -> Any:
    """``torch.load(weights_only=True)`` with each way to fail told apart."""
    import torch

    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise HarnessError(
            f"{path}: cannot read the checkpoint ({error.strerror}); give the path of a .pth file"
        ) from error
    zipped = magic == ZIP_MAGIC
    if zipped and not zipfile.is_zipfile(path):
        raise HarnessError(f"{path}: the checkpoint is cut off ({path.stat().st_size} bytes); download it again")
    if not zipped and not magic.startswith(PICKLE_PROTOCOL_MARK):
        raise HarnessError(
            f"{path}: not a checkpoint (neither a zip nor a pickle); give a .pth file written by torch.save"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if _is_refusal(error):
            raise HarnessError(
                f"{path}: the checkpoint wants to run code when it is opened, which is refused; "
                "take it from a source you trust and save its state_dict alone"
            ) from error
        raise HarnessError(f"{path}: the checkpoint is cut off or damaged; download it again") from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HarnessError(f"{path}: the checkpoint is cut off or damaged ({reason}); download it again") from error


def _is_refusal(error: pickle.UnpicklingError) -> bool:
    """Whether torch refused what a pickle asks for, not stumbled over its bytes (wording of torch 2.4 to 2.13)."""
    text = str(error)
    return (
        "Unsupported global" in text
        or "Unsupported class" in text
        or "Trying to" in text
        or "was not an allowed" in text
    )


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
