"""Rules that rewrite a graph by its patterns, whatever its nodes are called. Importing this loads no onnxscript.

A model's YAML names those it wants as ``graph.rules: [...]``; they run after simplification. A third party registers
its own under the entry point group ``harness.graph_rules`` or names one as ``package.module:attribute``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import ConfigError
from harness.plugins import find, target_of

ENTRY_POINT_GROUP = "harness.graph_rules"
KEY = "model.graph.rules"
NOUN = "graph rule"

BUILT_IN: Mapping[str, str] = {
    "empty_parts": "harness.graph.rules.roll:EMPTY_PARTS",
    "whole_slice": "harness.graph.rules.roll:WHOLE_SLICE",
    "int32_indices": "harness.graph.rules.indices:INT32_INDICES",
    "int32_arithmetic": "harness.graph.rules.arithmetic:INT32_ARITHMETIC",
    "drop_output_resize": "harness.graph.rules.output_resize:DROP_OUTPUT_RESIZE",
}
"""Rules of this project: name to ``module:attribute``."""


@dataclass(frozen=True)
class Rule:
    """One thing to be changed in a graph.

    Attributes:
        name: as in ``graph.rules``.
        reason: why a graph is better off with it, in one sentence.
        patterns: makes the rewrite rules of onnxscript (``onnxscript.rewriter.RewriteRule``) that do it.
    """

    name: str
    reason: str
    patterns: Callable[[], Sequence[Any]]


def check_rules(names: Sequence[str]) -> None:
    """Raise ConfigError, in one line, for the first name that is no rule, or that is given twice. Imports none."""
    for number, name in enumerate(names):
        target_of(name, BUILT_IN, ENTRY_POINT_GROUP, KEY, NOUN)
        if name in names[:number]:
            raise ConfigError(f"{KEY}=[{', '.join(names)}]: {name} is given twice; leave one out")


def rule(name: str) -> Rule:
    """The rule called ``name``; imports onnxscript.

    Raises:
        ConfigError: there is none of that name, it cannot be imported, or it is no rule.
    """
    found = find(name, BUILT_IN, ENTRY_POINT_GROUP, KEY, NOUN)
    if not isinstance(found, Rule):
        raise ConfigError(f"{KEY}={name}: that is not a graph rule; it must be a harness.graph.rules.Rule")
    return found
