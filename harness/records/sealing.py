"""Keeps secrets out of the files by which processes hand settings on: they travel apart, and the reader puts them back.

A sealed JSON value reads as a record does, with ``***`` where a secret was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.records.redaction import redact

VARIABLE = "HARNESS_SEALED"
"""The environment variable in which a child is given what its request lacks; it takes it out before anything else."""

Secrets = list[tuple[list[str | int], str]]
"""Where in a JSON value a text was, as keys and indices from the top, and the text."""


def sealed(value: Any) -> tuple[Any, Secrets]:
    """A copy of a JSON value without secrets, and what :func:`opened` needs to put them back."""
    clean = redact(value)
    return clean, list(_differences(value, clean, []))


def opened(value: Any, secrets: Secrets) -> Any:
    """The value with its secrets put back, changed in place; a place that is no longer there is left out."""
    for path, text in secrets:
        place = value
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = text
        except (KeyError, IndexError, TypeError):
            continue
    return value


def to_text(secrets: Secrets) -> str:
    """The secrets as one line."""
    return json.dumps(secrets)


def from_text(text: str | None) -> Secrets:
    """The secrets of such a line; none of an absent one. Raises ValueError for anything else."""
    return [(list(path), str(secret)) for path, secret in json.loads(text)] if text else []


def _differences(value: Any, clean: Any, path: list[str | int]) -> Secrets:
    if isinstance(value, Mapping):
        return [found for key in value for found in _differences(value[key], clean[key], [*path, key])]
    if isinstance(value, (list, tuple)):
        both = enumerate(zip(value, clean, strict=True))
        return [found for index, (one, other) in both for found in _differences(one, other, [*path, index])]
    return [(path, value)] if value != clean and path else []
