"""The keys of the configuration as the schema knows them: what stands below a dotted key, and whether a key exists."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from harness.config.nearest import suggestion
from harness.config.schema import Settings

GROUPS_WITHOUT_KEYS = ("sweep",)
"""Groups of the command line that set keys elsewhere and are none themselves."""

FREE = dict
"""Stands for a node whose keys the schema leaves to a model family or backend (``options``)."""


@functools.cache
def fields_of(node: type) -> dict[str, Any]:
    """The fields of a dataclass with their types; empty for anything else."""
    if not dataclasses.is_dataclass(node):
        return {}
    hints = typing.get_type_hints(node)
    return {field.name: hints[field.name] for field in dataclasses.fields(node)}


def node_at(path: Sequence[str | int], root: type = Settings) -> Any | None:
    """The type found by walking ``path`` from ``root``: a dataclass, `FREE` or a plain type; None: no such key."""
    node: Any = root
    for part in path:
        if node is FREE:
            return FREE
        origin = typing.get_origin(node)
        if dataclasses.is_dataclass(node):
            node = fields_of(typing.cast("type", node)).get(str(part))
        elif origin is tuple and str(part).isdigit():
            node = typing.get_args(node)[0]
        else:
            return None
        node = _plain(node)
        if typing.get_origin(node) is Mapping:
            node = FREE
    return node


def _plain(node: Any) -> Any:
    """The dataclass of an optional section (``PretrainedSettings | None``); anything else as it is."""
    if typing.get_origin(node) in (typing.Union, types.UnionType):
        return next((each for each in typing.get_args(node) if dataclasses.is_dataclass(each)), node)
    return node


def exists(dotted: str) -> bool:
    """Whether the schema has this dotted key, or leaves it to a family or backend."""
    return node_at(dotted.split(".")) is not None


def first_unknown(dotted: str) -> str:
    """The shortest beginning of a dotted key that does not exist; the whole key where that cannot be told."""
    parts = dotted.split(".")
    for length in range(1, len(parts)):
        if node_at(parts[:length]) is None:
            return ".".join(parts[:length])
    return dotted


def siblings(path: Sequence[str | int], root: type = Settings) -> list[str]:
    """The valid names for the last part of ``path``; empty where the schema leaves them open."""
    parent = node_at(path[:-1], root)
    names = list(fields_of(parent)) if isinstance(parent, type) else []
    return [*names, *GROUPS_WITHOUT_KEYS] if parent is Settings else names


def unknown_key(dotted: str, root: type = Settings) -> str:
    """The refusal of a key that does not exist, with the nearest that does."""
    if dotted == "hydra" or dotted.startswith("hydra."):
        return f"{dotted}: Hydra has no such key"
    key = first_unknown(dotted) if root is Settings else dotted
    path = key.split(".")
    valid = siblings(path, root)
    hint = f"; {suggestion(path[-1], valid, 'keys')}" if valid else ""
    return f"{key}: no such key{hint}"
