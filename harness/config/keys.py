"""The keys of the configuration as the schema knows them: what stands below a dotted key, and whether a key exists."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from harness.config.schema import Settings

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
    """The type found by walking ``path`` from ``root``: a dataclass, `FREE`, a plain type; None where no such key exists."""
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
        if typing.get_origin(node) is Mapping:
            node = FREE
    return node


def exists(dotted: str) -> bool:
    """Whether the schema has this dotted key, or leaves it to a family or backend."""
    return node_at(dotted.split(".")) is not None


def siblings(path: Sequence[str | int], root: type = Settings) -> list[str]:
    """The valid names for the last part of ``path``."""
    parent = node_at(path[:-1], root)
    return list(fields_of(parent)) if isinstance(parent, type) else []
