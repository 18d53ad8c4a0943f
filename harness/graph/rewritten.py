"""A user's graph against its simplified form: any number of outputs of any type, and weights that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from harness.graph.parity import REWRITTEN, ParityResult, ParityThresholds, check, compare_outputs

LOW_PRECISION = ParityThresholds(min_cosine=0.999, max_abs_over_range=2e-2)
"""Folding constants rounds float16 and integers elsewhere than before: by about a step of 8 bits of the range."""


def compare_rewritten(
    before: Mapping[str, Any], after: Mapping[str, Any], precision: str
) -> tuple[dict[str, ParityResult], list[str]]:
    """Compare outputs by name; returns the comparison of each array of numbers, and what is wrong in words.

    NaN and infinity are no fault where both hold them in the same places: random inputs may lead there. Integers, such
    as classes, count by how many are equal. Strings and sequences are not compared.
    """
    thresholds = REWRITTEN if precision == "fp32" else LOW_PRECISION
    results: dict[str, ParityResult] = {}
    problems = []
    for name, reference in before.items():
        candidate: Any = after.get(name)
        if not _numbers(reference):
            continue
        if not _numbers(candidate) or candidate.shape != reference.shape:
            shapes = [list(getattr(each, "shape", ())) for each in (reference, candidate)]
            problems.append(f"output {name} has the shape {shapes[0]} before and {shapes[1]} after")
            continue
        results[name] = compare_outputs(reference, candidate)
        problem = _problem(reference, candidate, results[name], thresholds)
        if problem:
            problems.append(f"output {name}: {problem}")
    return results, problems


def _numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"


def _problem(reference: Any, candidate: Any, result: ParityResult, thresholds: ParityThresholds) -> str | None:
    if reference.dtype.kind in "iub":
        equal = float(np.mean(reference == candidate)) if reference.size else 1.0
        least = thresholds.min_argmax_agreement
        return None if equal >= least else f"{equal:.2%} of its integers agree, expected at least {least:.2%}"
    if not result.finite:
        same = np.array_equal(np.isfinite(reference), np.isfinite(candidate))
        return check(replace(result, finite=True), thresholds) if same else "NaN or infinity in other places"
    return check(result, thresholds)
