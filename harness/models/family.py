"""Model families: what turns the ``options`` of a model's YAML into a network, and how one is found by its name.

A family and its options import without torch; only ``build`` needs it. A third party registers its own under the entry
point group ``harness.models`` or names it as ``package.module:attribute``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from harness.errors import ConfigError
from harness.plugins import find

if TYPE_CHECKING:
    from torch import nn

    from harness.config.schema import Settings
    from harness.models.weights import WeightsInfo

ENTRY_POINT_GROUP = "harness.models"

BUILT_IN: Mapping[str, str] = {
    "openmmlab": "harness.models.openmmlab.family:FAMILY",
    "upernet_swin": "harness.models.upernet_swin:FAMILY",
    "video_swin": "harness.models.video_swin:FAMILY",
}
"""Families of this project: name to ``module:attribute``."""


@runtime_checkable
class Family(Protocol):
    """A kind of network. ``name`` is what messages call it.

    A family may also say ``batch_axes``: how many leading axes of every input count samples that the network treats one
    by one; see ``batch_axes`` below.
    """

    name: str
    ignored_checkpoint_prefixes: tuple[str, ...]
    """Parameters of a checkpoint that this network leaves out on purpose, such as a training-only head."""

    def parse_options(self, options: Mapping[str, Any]) -> Any:
        """Validate the options of a model's YAML into a frozen dataclass, without importing torch.

        Raises:
            ConfigError: a missing, unknown or wrong option, named in one line.
        """
        ...

    def build(self, options: Any) -> nn.Module:
        """The network that ``parse_options`` describes: in eval mode, on the CPU, its weights not loaded yet.

        ``forward`` takes the model's inputs in order and returns one tensor or a tuple. A submodule may define
        ``fold_constants()``; the export calls it once the weights are there. A network that sets ``batch_free = True``
        promises that no constant in it depends on the batch size; see ``harness.graph.export``.
        """
        ...

    def source_files(self) -> tuple[Path, ...]:
        """The files whose content decides what ``build`` gives: part of the key of the export cache."""
        ...


def family(kind: str) -> Family:
    """The family called ``kind``: built in, an entry point of ``harness.models``, or ``package.module:attribute``.

    Raises:
        ConfigError: there is none of that name, or it cannot be imported or is not a family.
    """
    found = find(kind, BUILT_IN, ENTRY_POINT_GROUP, "model.kind", "model family")
    if not isinstance(found, Family):
        wanted = "name, ignored_checkpoint_prefixes, parse_options, build and source_files"
        raise ConfigError(f"model.kind={kind}: that is not a model family; it needs {wanted}")
    return found


@dataclass(frozen=True)
class ExportJob:
    """What a family that exports elsewhere is asked for.

    Attributes:
        settings: of the cell.
        checkpoint: the weights' file; None: seeded random ones.
        arrays: inputs by name, whole batch, of the shapes that the graph shall have.
        opset: of the graph.
        target: the ONNX file to write.
        samples: the inputs that ``reference`` (.npz, one array an output) shall be computed for, one row at a time.
    """

    settings: Settings
    checkpoint: Path | None
    arrays: Mapping[str, Any]
    opset: int
    target: Path
    samples: Mapping[str, Any]
    reference: Path | None


@runtime_checkable
class ExportsElsewhere(Protocol):
    """A family whose networks exist in another interpreter only, which exports them; ``build`` is never called."""

    def export(self, job: ExportJob) -> WeightsInfo:
        """Write the graph and, where it is asked for, the reference outputs. Raises HarnessError."""
        ...


def batch_axes(found: Family, options: Mapping[str, Any] | None = None) -> int:
    """How many leading axes of every input count independent samples: 1 unless the family says otherwise.

    ``batch_axes`` of a family is a number, or a function of the model's options.

    Video networks have 2, the videos and their views. Parity then needs one view only, and an output holds the samples
    of all these axes in its first one.
    """
    axes = getattr(found, "batch_axes", 1)
    return int(axes(options or {}) if callable(axes) else axes)
