"""What a user sees of a running sweep, on a terminal and in a log, told by a clock that only moves when told."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from harness.records.schema import Outcome
from harness.sweep.estimate import Remaining, planned
from harness.sweep.progress import Progress, duration, outlook
from tests.sweep.plans import cell, manifest

OK = Outcome(status="ok")
OOM = Outcome(status="oom", stage="measure", reason="oom_killed", message="killed by the kernel")
PLAN = planned(manifest(cell(0, "a", 1, rounds=2), cell(1, "b", 4, rounds=2)))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plain(tmp_path: Path, clock: Clock) -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=40)
    return Progress(console, log=tmp_path / "s" / "sweep.log", history=tmp_path / "history.json", clock=clock), out


@pytest.fixture
def terminal(tmp_path: Path, clock: Clock) -> Iterator[tuple[Progress, Screen]]:
    out = Screen()
    console = Console(file=out, width=100, force_terminal=True, _environ={"TERM": "xterm"})
    progress = Progress(console, log=tmp_path / "s" / "sweep.log", history=tmp_path / "history.json", clock=clock)
    yield progress, out
    progress.finish()


def visible(out: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())


def ticking() -> bool:
    """Whether a thread is left that refreshes a display; one that was told to stop may need a moment."""
    others = [thread for thread in threading.enumerate() if type(thread).__name__ == "_RefreshThread"]
    for thread in others:
        thread.join(timeout=2)
    return any(thread.is_alive() for thread in others)


def prepare(progress: Progress, name: str, times: tuple[float, float, float]) -> None:
    for stage, seconds in zip(("export", "simplify", "parity"), times, strict=True):
        progress.step_started(name, stage)
        progress.step_finished(OK, seconds)


def test_without_a_terminal_every_step_has_two_plain_lines(plain: tuple[Progress, io.StringIO]) -> None:
    progress, out = plain
    progress.start(2, 2, PLAN)
    prepare(progress, "a", (10, 4, 2))
    prepare(progress, "b", (25, 10, 5))
    progress.step_started("a", "measure", 1, 2)
    progress.step_finished(OK, 31)
    progress.step_started("b", "measure", 1, 2)
    progress.step_finished(OOM, 5)
    progress.step_started("a", "measure", 2, 2)
    progress.step_finished(OK, 33)
    progress.finish()
    assert out.getvalue().splitlines() == [
        "2 cells, 2 rounds, at most 10 steps",
        "[1/10] a  export  started",
        "[1/10] a  export  ok in 10 s; time left unknown",
        "[2/10] a  simplify  started",
        "[2/10] a  simplify  ok in 4.0 s; time left unknown",
        "[3/10] a  parity  started",
        "[3/10] a  parity  ok in 2.0 s; about 3 min 04 s left if repeats keep to their budget",
        "[4/10] b  export  started",
        "[4/10] b  export  ok in 25 s; about 2 min 24 s left if repeats keep to their budget",
        "[5/10] b  simplify  started",
        "[5/10] b  simplify  ok in 10 s; about 2 min 08 s left if repeats keep to their budget",
        "[6/10] b  parity  started",
        "[6/10] b  parity  ok in 5.0 s; about 2 min 00 s left if repeats keep to their budget",
        "[7/10] a  measure 1/2  started; about 2 min 00 s left if repeats keep to their budget",
        "[7/10] a  measure 1/2  ok in 31 s; about 1 min 31 s left if repeats keep to their budget",
        "[8/10] b  measure 1/2  started; about 1 min 31 s left if repeats keep to their budget",
        "[8/9] b  measure 1/2  oom in 5.0 s (oom_killed: killed by the kernel); about 31 s left",
        "[9/9] a  measure 2/2  started; about 31 s left",
        "[9/9] a  measure 2/2  ok in 33 s",
    ]


def test_the_second_sweep_knows_how_long_it_will_take(plain: tuple[Progress, io.StringIO], tmp_path: Path) -> None:
    first, _ = plain
    first.start(2, 2, PLAN)
    for name in "ab":
        first.step_started(name, "measure", 1, 2)
        first.step_finished(OK, 40)
    first.finish()
    out = io.StringIO()
    second = Progress(Console(file=out), history=tmp_path / "history.json")
    second.start(2, 2, PLAN)
    for name in "ab":
        second.cell_cached(name, ("export", "simplify", "parity"))
    second.step_started("a", "measure", 1, 2)
    second.finish()
    assert out.getvalue().splitlines()[1:] == [
        "[3/10] a  export, simplify, parity  cached",
        "[6/10] b  export, simplify, parity  cached",
        "[7/10] a  measure 1/2  started; about 2 min 40 s left",
    ]


def test_a_cell_that_ends_before_it_began_takes_its_steps_along(plain: tuple[Progress, io.StringIO]) -> None:
    progress, out = plain
    progress.start(2, 2, PLAN)
    progress.cell_ended("b", Outcome(status="failed", reason="refused", message="no such file: x.pth"))
    prepare(progress, "a", (1, 1, 1))
    assert "[0/5] b  failed (refused: no such file: x.pth)" in out.getvalue()
    assert out.getvalue().splitlines()[-1].startswith("[3/5] a  parity  ok in 1.0 s; about 1 min 00 s left")


def test_a_step_that_was_not_planned_is_shown_all_the_same(plain: tuple[Progress, io.StringIO]) -> None:
    progress, out = plain
    progress.start(1, 1, PLAN[:1])
    for _ in range(2):
        progress.step_started("a", "export")
        progress.step_finished(OK, 1)
    assert out.getvalue().splitlines()[-1] == "[2] a  export  ok in 1.0 s"


def test_without_a_plan_steps_are_counted_and_no_time_is_told(plain: tuple[Progress, io.StringIO]) -> None:
    progress, out = plain
    progress.start(3, 1)
    progress.step_started("a", "measure", 1, 1)
    progress.step_finished(OK, 1)
    assert out.getvalue() == ("3 cells, 1 round\n[1] a  measure 1/1  started\n[1] a  measure 1/1  ok in 1.0 s\n")


def test_everything_stands_in_the_log_with_its_time(plain: tuple[Progress, io.StringIO], tmp_path: Path) -> None:
    progress, out = plain
    progress.start(2, 2, PLAN)
    prepare(progress, "a", (10, 4, 2))
    lines = (tmp_path / "s" / "sweep.log").read_text().splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == out.getvalue().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d  ", line) for line in lines)


def test_the_table_stands_at_the_end_of_the_log(plain: tuple[Progress, io.StringIO], tmp_path: Path) -> None:
    progress, out = plain
    progress.append("| a |\n")  # no folder yet: nothing to add to
    progress.start(1, 1)
    progress.append("| cell |\n| --- |\n")
    assert (tmp_path / "s" / "sweep.log").read_text().endswith("1 cell, 1 round\n\n| cell |\n| --- |\n")
    assert out.getvalue() == "1 cell, 1 round\n"


def test_a_message_cannot_paint_the_terminal(plain: tuple[Progress, io.StringIO]) -> None:
    progress, out = plain
    progress.start(1, 1)
    progress.step_started("[red]a", "export")
    progress.step_finished(Outcome(status="failed", reason="x", message="\x1b[31m\nred[/]"), 1)
    assert out.getvalue().splitlines()[-1] == "[1] [red]a  export  failed in 1.0 s (x:  [31m red[/])"
    assert "\x1b" not in out.getvalue()


def test_a_terminal_ticks_while_something_is_prepared(terminal: tuple[Progress, Screen], clock: Clock) -> None:
    progress, out = terminal
    progress.start(2, 2, PLAN)
    prepare(progress, "a", (10, 4, 2))
    progress.step_started("b", "export")
    clock.now += 15
    assert progress._live is not None
    progress._live.refresh()
    assert "[4/10] b  export  15 s; about 2 min 49 s left if repeats keep to their budget" in visible(out)
    clock.now += 100  # longer than was expected: how much longer, nobody knows
    progress._live.refresh()
    assert "[4/10] b  export  1 min 55 s; time left unknown" in visible(out)
    progress.step_finished(OK, 115)
    assert "b  export  ok in 1 min 55 s" in visible(out)


def test_nothing_ticks_while_a_cell_is_measured(terminal: tuple[Progress, Screen]) -> None:
    progress, out = terminal
    progress.start(2, 2, PLAN)
    progress.step_started("a", "export")
    assert ticking()
    progress.step_finished(OK, 1)
    progress.step_started("a", "measure", 1, 2)
    assert not ticking()
    assert visible(out).splitlines()[-1].startswith("[2/10] a  measure 1/2  started")


def test_the_terminal_is_left_in_order_after_an_interrupt(terminal: tuple[Progress, Screen]) -> None:
    progress, out = terminal
    progress.start(2, 2, PLAN)
    progress.step_started("a", "export")
    progress.finish()
    assert not ticking()
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")  # the cursor is shown again


@pytest.mark.parametrize(
    "error", [OSError("full"), BrokenPipeError("gone"), UnicodeEncodeError("ascii", "a", 0, 1, "")]
)
def test_a_display_or_a_log_that_fails_does_not_end_the_sweep(tmp_path: Path, error: Exception) -> None:
    class Broken(Screen):
        def write(self, _: str) -> int:
            raise error

    (tmp_path / "file").touch()
    for stream in (Broken(), Screen()):
        progress = Progress(Console(file=stream), log=tmp_path / "file" / "log", history=tmp_path / "file" / "history")
        progress.start(1, 1)
        progress.step_started("a", "export")
        progress.step_finished(OK, 1)
        progress.finish()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.9, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_time_spans_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_time_left_in_words() -> None:
    assert outlook(None) == "time left unknown"
    assert outlook(Remaining(90)) == "about 1 min 30 s left"
    assert outlook(Remaining(90, by_budget=True)) == "about 1 min 30 s left if repeats keep to their budget"
