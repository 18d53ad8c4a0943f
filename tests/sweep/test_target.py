"""Rounds until the interval is narrow enough: how many are added, what is said, and when the budget ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.records.schema import Outcome, Step
from harness.sweep import run as sweep_run
from harness.sweep.manifest import Cell
from harness.sweep.progress import Progress
from harness.sweep.run import Sweep
from harness.sweep.target import MOST_ROUNDS, told, wanted
from tests.report.test_cells import repeat
from tests.sweep.plans import manifest, settings


def rounds(times_ms: list[float]) -> list:
    return [replace(repeat(number), mean_ms=time) for number, time in enumerate(times_ms, start=1)]


def test_what_is_wanted_falls_to_none_when_the_interval_is_narrow() -> None:
    assert wanted(rounds([100, 101, 99]), 0.05) == 0
    assert wanted(rounds([100, 110, 90]), 0.05) > 10
    assert wanted(rounds([100]), 0.05) == 0
    assert wanted(rounds([100, 110]), None) == 0
    assert wanted(rounds([100, 200] * (MOST_ROUNDS // 2)), 0.001) == 0


def test_it_says_which_ended_it_and_how_many_more_it_would_take() -> None:
    assert told(rounds([100, 101, 99]), 0.05, 60) == "target_halfwidth 5 % reached: ±2.5 % after 3 rounds"
    words = told(rounds([100, 110, 90]), 0.05, 60)
    assert "not reached: ±25 % after 3 rounds, the budget of 60 s is spent; about " in words
    assert int(words.split("about ")[1].split()[0]) == wanted(rounds([100, 110, 90]), 0.05)


class Clock:
    """Time that passes only while something is measured, ten seconds each."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float], float], list]:
    """A sweep of one cell whose rounds take the given times; returns its repeats and notes."""

    def measured(times_ms: list[float], budget_s: float) -> list:
        plan = settings(rounds=3)
        profile = replace(plan.measure, target_halfwidth=0.02, target_budget_s=budget_s)
        cell = Cell(0, "net", (), replace(plan, measure=profile))
        clock, notes = Clock(), []
        monkeypatch.setattr(sweep_run.time, "monotonic", clock.monotonic)

        class Told(Progress):
            def __init__(self) -> None:
                pass

            def note(self, line: str) -> None:
                notes.append(line)

        sweep = Sweep(manifest(cell), tmp_path, Told(), device=lambda _: {}, environment={}, packages=())
        run = sweep._begin(0, sweep_run.Store(tmp_path / "store"))
        run.repeats.extend(rounds(times_ms[:3]))

        def measure(run, number: int) -> None:
            clock.now += 10
            run.take(
                Step(
                    "measure",
                    Outcome("ok"),
                    info={"repeat": replace(repeat(number), mean_ms=times_ms[number - 1]).__dict__},
                )
            )

        monkeypatch.setattr(sweep, "_measure", measure)
        monkeypatch.setattr(sweep, "_save", lambda run: None)
        sweep._narrow([run])
        return [len(run.repeats), *run.said, *notes]

    return measured


def test_rounds_are_added_until_the_target_is_reached(swept: Callable) -> None:
    count, said, shown = swept([100, 106, 94, *[100, 100.2, 99.8] * 30], 3600)
    assert 3 < count < 60
    assert said.startswith("target_halfwidth 2 % reached: ±")
    assert shown == f"net  {said}"


def test_the_budget_ends_it(swept: Callable) -> None:
    count, said, _ = swept([100, 130, 70] * 10, 35)
    assert count == 7
    assert "not reached" in said
    assert "the budget of 35 s is spent" in said
