"""What a ``kind`` names: a built-in, an installed package's entry point, or ``package.module:attribute``."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping

from harness.config.nearest import suggestion
from harness.errors import ConfigError


def find(kind: str, built_in: Mapping[str, str], group: str, key: str, noun: str) -> object:
    """Import what ``kind`` names.

    Args:
        kind: a name in ``built_in`` (name to ``module:attribute``), of an entry point of ``group``, or itself
            ``package.module:attribute``, whose attribute may be several names (``module:Class.instance``).
        built_in: what this project brings.
        group: the entry point group in which installed packages register theirs.
        key: the configuration key that an error names.
        noun: what an error calls the thing, such as "backend".

    Raises:
        ConfigError: there is none of that name, or it cannot be imported.
    """
    target = target_of(kind, built_in, group, key, noun)
    module_name, _, attribute = target.partition(":")
    try:
        found: object = importlib.import_module(module_name)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{key}={kind}: cannot import {target} ({error}); give package.module:attribute") from error
    return found


def target_of(kind: str, built_in: Mapping[str, str], group: str, key: str, noun: str) -> str:
    """The ``package.module:attribute`` that ``kind`` names, not imported; arguments and error as for ``find``."""
    named = built_in.get(kind) or (kind if ":" in kind else None)
    if named is not None:  # no need to look through every installed package, which takes 50 ms
        return named
    installed = {point.name: f"{point.module}:{point.attr}" for point in importlib.metadata.entry_points(group=group)}
    target = installed.get(kind)
    if target is None:
        known = suggestion(kind, {*built_in, *installed}, "known")
        raise ConfigError(f"{key}={kind}: no such {noun}; {known}, or give package.module:attribute")
    return target
