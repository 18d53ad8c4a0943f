"""The audit of a performance run (MLPerf's TEST01 and TEST04): were its outputs real, does repeating an input help?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.backends.inputs import random_inputs
from harness.backends.protocol import Array, Backend, Session
from harness.config.model import InputSettings
from harness.config.schema import Settings
from harness.records.schema import Finding
from harness.timing.samples import Samples
from harness.timing.sketch import largest_difference, sketch
from harness.timing.statistics import paired_ratio

MOST_DIFFERENT = 1e-3
"""How far, over their range, outputs of the same input may lie apart: parallel sums are not the same every time."""
FASTER = 1.10
"""What repeating one input may gain before it is called caching (TEST04)."""
PAIRS, LEAST_PAIRS = 8, 3
BUDGET_SHARE = 0.25
"""The share of the repeat's budget that different inputs may take."""


@dataclass(frozen=True)
class Audit:
    """What was found, and the figures behind it as plain JSON."""

    findings: tuple[Finding, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


def audited(
    runtime: Backend,
    model: Path,
    settings: Settings,
    specs: Sequence[InputSettings],
    *,
    samples: Samples,
    caching: bool,
) -> Audit:
    """Run the model the ordinary way, and hold outputs (and with ``caching`` times) against the performance run.

    Outputs can be compared where the backend sampled some while it was timed; times where a session stays open between
    runs (``starts_afresh``). Raises as ``Backend.load`` and ``run``.
    """
    same = random_inputs(specs, settings.seed)
    findings: list[Finding] = []
    figures: dict[str, Any] = {}
    with runtime.load(model) as session:
        usual = sketch(session.run(same))
        if usual is not None and samples.sketches:
            worst = max(largest_difference(each, usual) for each in samples.sketches)
            figures |= {"outputs_compared": len(samples.sketches), "outputs_max_abs_over_range": worst}
            if worst > MOST_DIFFERENT:
                findings.append(
                    Finding(
                        "outputs_differ",
                        f"outputs of the performance run lie {worst:.2g} of their range from an ordinary run's",
                    )
                )
        if caching and not getattr(session, "starts_afresh", False):
            others = [random_inputs(specs, settings.seed + number) for number in range(1, 3)]
            figures |= _repeating(session, same, others, BUDGET_SHARE * settings.measure.budget_s)
    gain = figures.get("repeating_gain")
    if gain is not None and gain["low"] > 1 and gain["ratio"] > FASTER:
        words = (
            f"repeating one input was {100 * (gain['ratio'] - 1):.0f} % faster than different ones: something caches"
        )
        findings.append(Finding("repeating_is_faster", words))
    return Audit(tuple(findings), figures)


def _repeating(
    session: Session, same: Mapping[str, Array], others: Sequence[Mapping[str, Array]], budget_s: float
) -> dict[str, Any]:
    """How much faster the repeated input ran than different ones, in turns; nothing where the budget is too short."""
    repeated: list[float] = []
    different: list[float] = []
    began = time.perf_counter()
    while len(repeated) < PAIRS:
        session.run(same)  # so that the timed one is a repetition
        repeated.append(_seconds(session, same))
        different.append(_seconds(session, others[len(different) % len(others)]))
        spent_s = time.perf_counter() - began
        if spent_s * (len(repeated) + 1) / len(repeated) > budget_s:
            break
    if len(repeated) < LEAST_PAIRS:
        return {}
    gain = paired_ratio(different, repeated)
    return {"repeating_gain": {"ratio": gain.ratio, "low": gain.low, "high": gain.high, "pairs": gain.n}}


def _seconds(session: Session, inputs: Mapping[str, Array]) -> float:
    began = time.perf_counter()
    session.run(inputs)
    return time.perf_counter() - began
