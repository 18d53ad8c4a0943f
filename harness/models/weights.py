"""Filling a network with weights: from a checkpoint file, or seeded random ones that need no file and no luck."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.files import sha256_file
from harness.models.checkpoint import read_checkpoint
from harness.models.recognise import recognise

if TYPE_CHECKING:
    from torch import Tensor, nn

TOLERATED_SUFFIXES = ("relative_position_index", "num_batches_tracked")
"""Buffers that follow from the network itself: a checkpoint may hold or lack them."""

SHOWN = 3
"""How many offending parameters an error names."""


@dataclass(frozen=True)
class WeightsInfo:
    """Where a network's weights came from.

    Attributes:
        kind: ``random`` or ``checkpoint``.
        seed: of random weights, else None.
        sha256: of the checkpoint file, else None.
        name: file name of the checkpoint, else None.
        trained: whether accuracy means anything.
        dataset: what they were trained on, where the checkpoint says it, else None.
    """

    kind: Literal["random", "checkpoint"]
    seed: int | None
    sha256: str | None
    name: str | None
    trained: bool
    dataset: str | None = None


def load_weights(
    module: nn.Module, checkpoint: Path | None, seed: int, ignored_prefixes: tuple[str, ...] = ()
) -> WeightsInfo:
    """Fill ``module`` in place, freeze its parameters, and say where the weights came from.

    Without a checkpoint the weights are random: the same for the same seed on any machine and any version of torch.

    Raises:
        HarnessError: the checkpoint cannot be read or belongs to another network; one line names the first offenders.
    """
    module.requires_grad_(requires_grad=False)
    if checkpoint is None:
        fill_random(module, seed)
        return WeightsInfo(kind="random", seed=seed, sha256=None, name=None, trained=False)
    read = read_checkpoint(checkpoint)
    state = {name: value for name, value in read.tensors.items() if not name.startswith(ignored_prefixes)}
    check_parameters(checkpoint, _shapes(module.state_dict()), _shapes(state))
    module.load_state_dict(state, strict=False)
    return WeightsInfo(
        kind="checkpoint",
        seed=None,
        sha256=sha256_file(checkpoint),
        name=checkpoint.name,
        trained=True,
        dataset=read.dataset,
    )


def fill_random(module: nn.Module, seed: int) -> None:
    """Give every floating-point parameter and buffer a seeded value of a sane size, in place.

    Each tensor draws from its own stream, named by the seed and the tensor's name, so that renaming or adding one
    changes no other. Values are uniform; a matrix or kernel has the variance 1 / fan-in, which keeps activations of the
    same order through the network. Norms scale by about one, running variances are about one.
    """
    import torch

    values = {
        name: torch.from_numpy(random_values(name, tuple(tensor.shape), seed))
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }
    module.load_state_dict(values, strict=False)


def random_values(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Float32 values for the tensor of this name; RandomState's streams are frozen by NumPy's NEP 19."""
    word = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:4], "big")
    unit = _float32((np.random.RandomState(word).random_sample(shape) * 2 - 1) * 3**0.5)
    if name.endswith("running_var"):
        return _float32(1 + 0.1 * np.abs(unit))
    if name.endswith("weight") and len(shape) == 1:
        return _float32(1 + 0.1 * unit)
    if name.endswith("weight"):
        return _float32(unit / math.prod(shape[1:]) ** 0.5)
    return _float32(0.1 * unit)


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Values as float32 whatever NumPy's promotion rules made of them."""
    return np.asarray(values, dtype=np.float32)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def check_parameters(path: Path, wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a checkpoint whose names or shapes (``found``) are not those of the network (``wanted``).

    Raises:
        HarnessError: one line that names the first offenders.
    """
    missing = [name for name in wanted if name not in found and not name.endswith(TOLERATED_SUFFIXES)]
    extra = [name for name in found if name not in wanted and not name.endswith(TOLERATED_SUFFIXES)]
    unlike = [name for name in found if name in wanted and found[name] != wanted[name]]
    problems = []
    if missing:
        problems.append(f"{len(missing)} missing ({_listed(missing)})")
    if extra:
        problems.append(f"{len(extra)} unknown ({_listed(extra)})")
    if unlike:
        shown = [f"{name} {list(found[name])} instead of {list(wanted[name])}" for name in unlike]
        problems.append(f"{len(unlike)} of another shape ({_listed(shown)})")
    if problems:
        likely = recognise(dict(found))
        kind = f" (it looks like {likely})" if likely else ""
        raise HarnessError(f"{path}: a checkpoint of another model{kind}: {', '.join(problems)}; give this model's own")


def _listed(names: list[str]) -> str:
    """The first few of a list."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
