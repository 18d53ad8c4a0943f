"""Applying rules to an ONNX file, and counting how often each one fired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx_ir.passes.common import IdentityEliminationPass, RemoveUnusedNodesPass
from onnxscript import ir
from onnxscript.rewriter import RewriteRuleSet

from harness.errors import HarnessError
from harness.graph.batch import without_weights
from harness.graph.constants import share_constants
from harness.graph.rules import Rule

MOST_ROUNDS = 20
"""A rule that still fires after so many rounds undoes another one, or itself."""


def rewrite_onnx(source: Path, target: Path, rules: Sequence[Rule]) -> dict[str, int]:
    """Write ``source``, rewritten, to ``target``; inputs and outputs keep names and shapes (but see the rules).

    The rules are applied one after the other, all of them again until none fires: one may uncover what another removes.

    Returns:
        By the rule's name, how often it fired.

    Raises:
        HarnessError: the rules find no end.
    """
    model = ir.from_proto(_with_shapes(onnx.load(str(source))))
    fired = {rule.name: 0 for rule in rules}
    for _ in range(MOST_ROUNDS):
        before = sum(fired.values())
        for rule in rules:
            fired[rule.name] += RewriteRuleSet(list(rule.patterns())).apply_to_model(model)
            IdentityEliminationPass()(model)
            RemoveUnusedNodesPass()(model)
        if sum(fired.values()) == before:
            break
    else:
        raise HarnessError(
            f"model.graph.rules=[{', '.join(fired)}]: after {MOST_ROUNDS} rounds they still fire; leave one out"
        )
    onnx.save(share_constants(_with_shapes(ir.to_proto(model))), str(target))
    return fired


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with what inference says of its values' types and shapes, in place; weights are not copied."""
    try:
        inferred = onnx.shape_inference.infer_shapes(without_weights(model), strict_mode=False, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return model
    known = {value.name for value in inferred.graph.value_info}
    kept = [value for value in model.graph.value_info if value.name not in known]
    produced = {name for node in model.graph.node for name in node.output}
    values = [value for value in (*inferred.graph.value_info, *kept) if value.name in produced]
    del model.graph.value_info[:]
    model.graph.value_info.extend(values)
    return model
