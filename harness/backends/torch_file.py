"""The file that ``backend=torch`` runs: a network of one of the model families with its weights, and what it takes.

A zip of torch's own format (``torch.save``) that holds a dictionary of plain values and tensors, so that reading it
runs no code of the file's.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from harness.config.model import InputSettings, ModelSettings
from harness.errors import HarnessError
from harness.models.family import family

if TYPE_CHECKING:
    from torch import nn

FORMAT = "npu-harness torch network 1"
_SPECS = TypeAdapter(tuple[InputSettings, ...])


@dataclass(frozen=True)
class TorchNetwork:
    """A network in eval mode on the CPU in float32, its inputs in the order of ``forward``, and its arithmetic.

    ``dtype`` is ``float32`` or ``float16``: what the network shall compute in, whatever its inputs and outputs are.
    """

    module: nn.Module
    inputs: Sequence[InputSettings]
    dtype: str


def write_network(model: ModelSettings, dtype: str, target: Path) -> None:
    """Build the model with its checkpoint or seeded weights, as the export does, and write it to ``target``.

    Raises:
        HarnessError: the checkpoint cannot be read or belongs to another network.
    """
    import torch

    from harness.models.weights import load_weights

    found = family(model.kind)
    module = found.build(found.parse_options(model.options))
    checkpoint = Path(model.checkpoint).expanduser() if model.checkpoint else None
    load_weights(module, checkpoint, model.seed, ignored_prefixes=found.ignored_checkpoint_prefixes)
    content = {
        "format": FORMAT,
        "kind": model.kind,
        "options": _plain(model.options),
        "inputs": [_plain(asdict(spec)) for spec in model.inputs],
        "dtype": dtype,
        "state": module.state_dict(),
    }
    torch.save(content, target)


def read_network(path: Path) -> TorchNetwork:
    """The network of a file, with what follows from its weights alone computed once, as in the exported graph.

    Raises:
        HarnessError: the file is absent or not one that ``write_network`` wrote.
    """
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        known = isinstance(content, dict) and content.get("format") == FORMAT
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise HarnessError(f"{path.name}: not a network that backend=torch wrote ({_line(error)})") from error
    if not known:
        raise HarnessError(f"{path.name}: not a network that backend=torch wrote; have it converted again")
    found = family(content["kind"])
    module = found.build(found.parse_options(content["options"]))
    module.load_state_dict(content["state"])
    for submodule in module.modules():
        fold = getattr(submodule, "fold_constants", None)
        if fold is not None:
            fold()
    module.eval().requires_grad_(requires_grad=False)
    return TorchNetwork(module, _SPECS.validate_python(content["inputs"]), content["dtype"])


def _plain(value: Any) -> Any:
    """The value with lists for tuples and dictionaries for mappings."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if len(said) <= 160 else said[:157] + "..."
