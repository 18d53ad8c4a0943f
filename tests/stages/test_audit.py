"""The audit: a backend whose timed outputs are not real, or that keeps what it has seen, is found out."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.config.model import InputSettings
from harness.report.cells import cells_markdown
from harness.stages import audit
from harness.stages.audit import audited
from harness.timing.loop import time_calls
from harness.timing.samples import Samples
from harness.timing.sketch import MOST, largest_difference, sketch
from tests.report.test_cells import record, repeat
from tests.sweep.plans import settings
from tests.timing.test_measured_loop import FakeMachine, profile

SPECS = (InputSettings(name="input", shape=(2, 8)),)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Runtime:
    """Doubles its input in ``usual_s`` seconds, or in ``again_s`` what it has just done."""

    def __init__(self, clock: Clock, usual_s: float, again_s: float):
        self.clock, self.usual_s, self.again_s = clock, usual_s, again_s
        self.noise = itertools.cycle([0.99, 1.01, 1.0])
        self.last: Any = None

    def load(self, model: Path) -> Runtime:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def run(self, inputs: Any) -> list[Any]:
        again = self.last is not None and np.array_equal(self.last, inputs["input"])
        self.last = inputs["input"]
        self.clock.now += next(self.noise) * (self.again_s if again else self.usual_s)
        return [inputs["input"] * 2]


def audit_of(
    monkeypatch: pytest.MonkeyPatch, *, timed_factor: float = 2.0, again_s: float = 1.0, budget_s: float = 1e3
):
    clock = Clock()
    monkeypatch.setattr(audit, "time", clock)
    plan = settings(batchsize=2)
    plan = replace(plan, measure=replace(plan.measure, budget_s=budget_s))
    runtime = Runtime(clock, 1.0, again_s)
    timed = sketch([audit.random_inputs(SPECS, plan.seed)["input"] * timed_factor])
    assert timed is not None
    samples = Samples({}, np.empty(0), 0.0, 0.0, sketches=(timed, timed))
    return audited(runtime, Path("net.onnx"), plan, SPECS, samples=samples, caching=True)  # type: ignore[arg-type]


def codes(found: Any) -> set[str]:
    return {each.code for each in found.findings}


def test_an_honest_runtime_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = audit_of(monkeypatch)
    assert codes(found) == set()
    assert found.figures["outputs_max_abs_over_range"] == 0
    assert found.figures["repeating_gain"]["ratio"] == pytest.approx(1, abs=0.02)


def test_outputs_that_are_not_real_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(audit_of(monkeypatch, timed_factor=2.1)) == {"outputs_differ"}
    assert codes(audit_of(monkeypatch, timed_factor=0)) == {"outputs_differ"}


def test_a_runtime_that_keeps_results_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = audit_of(monkeypatch, again_s=0.5)
    assert codes(found) == {"repeating_is_faster"}
    assert "98 % faster" in found.findings[0].message
    assert codes(audit_of(monkeypatch, again_s=0.97)) == set()


def test_a_short_budget_leaves_times_unjudged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "repeating_gain" not in audit_of(monkeypatch, again_s=0.5, budget_s=20).figures


def test_a_row_that_fails_its_audit_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = replace(repeat(1), findings=audit_of(monkeypatch, timed_factor=0).findings)
    text = cells_markdown([record(1, repeats=(bad, repeat(2), repeat(3)))])
    assert "0.412 ±0.012† |" in text
    assert "† failed its audit" in text
    assert "†" not in cells_markdown([record(1)])


def test_the_loop_looks_at_real_results_only_when_asked() -> None:
    machine = FakeMachine(1)

    def call() -> list[Any]:
        machine.call()
        return [np.full(3 * MOST, 7.0)]

    timing = time_calls(call, profile(audit=True), machine.clock_ns)
    assert len(timing.sketches) == 2
    assert 0 < timing.sketches[0][0].size <= MOST
    assert time_calls(call, profile(), machine.clock_ns).sketches == ()
    assert time_calls(machine.call, profile(audit=True), machine.clock_ns).sketches == ()


def test_differences_are_relative_to_the_range_and_shapes_count() -> None:
    one = (np.asarray([0.0, 10.0, 5.0]),)
    assert largest_difference((np.asarray([0.0, 10.0, 5.1]),), one) == pytest.approx(0.01)
    assert largest_difference((np.asarray([0.0, 10.0]),), one) == float("inf")
    assert largest_difference((np.asarray([0.0, np.nan, 5.0]),), one) == float("inf")
    assert largest_difference(one, one) == 0
