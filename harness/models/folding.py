"""Constants that follow from the weights alone: computed anew on every call, or stored for an export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class FoldingModule(nn.Module):
    """A module part of whose arithmetic depends on its weights and on nothing else.

    ``constants`` gives that part by name: computed from the current weights, or, after ``fold_constants``, as buffers,
    which an export writes as they are. Loading a state dict undoes the folding.
    """

    _folded: tuple[str, ...] = ()

    def derive(self) -> dict[str, Tensor]:
        """The constants by name, from the current weights."""
        raise NotImplementedError

    def constants(self) -> dict[str, Tensor]:
        """The stored constants, or those of the current weights."""
        return {name: self.get_buffer(f"folded_{name}") for name in self._folded} or self.derive()

    def fold_constants(self) -> None:
        """Store the constants; the module no longer follows its weights until a state dict is loaded."""
        derived = self.derive()
        for name, value in derived.items():
            self.register_buffer(f"folded_{name}", value.detach().clone(), persistent=False)
        self._folded = tuple(derived)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        self._folded = ()
        super()._load_from_state_dict(state_dict, *args, **kwargs)
