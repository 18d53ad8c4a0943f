"""What a user sees while a sweep runs: which stage of which cell, how many steps are left, how long still.

On a terminal a line ticks once a second while something is prepared. While a cell is measured nothing ticks: one line
says so, and the parent sleeps. Without a terminal there are plain lines only. Everything stands in the sweep's log too.
A display or a log that fails (closed pipe, full disk) never ends the sweep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from harness.records.redaction import environment_secrets, redact_text
from harness.records.schema import Outcome
from harness.sweep.estimate import History, Planned, Remaining
from harness.sweep.follow import Follower, told_by

MEASURING = frozenset({"measure"})
"""Stages that must not be disturbed."""


class Progress:
    """The display of one sweep: ``start``, then ``step_started`` and ``step_finished`` in turn, at last ``finish``."""

    def __init__(
        self,
        console: Console,
        *,
        log: Path | None = None,
        history: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``log`` gets every line with its time; ``history`` is the file of earlier times; ``clock`` counts seconds."""
        self._console = console
        self._log = log
        self._history = History(history)
        self._clock = clock
        self._live: Live | None = None
        self._spinner = Spinner("line")
        self._left: dict[tuple[str, str, int | None], Planned] = {}
        self._total = 0
        self._done = 0
        self._current: Planned | None = None
        self._label = ""
        self._since = 0.0
        self._after: Remaining | None = None
        self._told: Path | None = None
        self._follower: Follower | None = None

    @property
    def interactive(self) -> bool:
        """Whether there is a terminal whose last line can be rewritten."""
        return self._console.is_terminal and not self._console.is_dumb_terminal and self._console.file.isatty()

    def start(self, total_cells: int, rounds: int, plan: Sequence[Planned] = ()) -> None:
        """Begin; without a ``plan`` neither the number of steps left nor the time left can be told."""
        self._left = {(step.cell, step.work.stage, step.round): step for step in plan}
        self._total = len(self._left)
        steps = f", at most {_count(self._total, 'step')}" if plan else ""
        measured = _count(rounds, "round") if rounds else "nothing to measure"
        self._say(f"{_count(total_cells, 'cell')}, {measured}{steps}")

    def step_started(
        self, cell_name: str, stage: str, number: int | None = None, of: int | None = None, told: Path | None = None
    ) -> None:
        """A process is about to be started for a stage of a cell; in round ``number`` of ``of`` when it measures.

        ``told`` is the file in which a long stage says how far it is.
        """
        self._current = self._left.pop((cell_name, stage, number), None)
        self._done += 1
        self._label = f"{cell_name}  {stage}" + (f" {number}/{of or number}" if number is not None else "")
        self._since = self._clock()
        self._after = self._history.remaining(self._left.values())
        self._told = told
        if stage in MEASURING:
            self._say(f"{self._position()} {self._label}  started{self._outlook()}")
        elif self.interactive:
            self._log_line(f"{self._position()} {self._label}  started")
            self._live = Live(get_renderable=self._ticking, console=self._console, refresh_per_second=1, transient=True)
            with suppress(OSError, ValueError, SystemExit):
                self._live.start()
        else:
            self._say(f"{self._position()} {self._label}  started")
            if told is not None:
                label = self._label
                self._follower = Follower(told, lambda line: self._say(f"{self._position()} {label}  {line}"))

    def step_finished(self, outcome: Outcome, wall_s: float, cached: bool = False) -> None:
        """The step ended; if not ok, the cell's other steps will not come."""
        self._still()
        if outcome.status == "ok":
            if self._current is not None and not cached:
                self._history.observe(self._current.work, wall_s)
        elif self._current is not None:
            self._drop(self._current.cell)
        self._current = None
        took = "cached" if cached else f"in {duration(wall_s)}"
        self._say(f"{self._position()} {self._label}  {outcome.status} {took}{_reason(outcome)}{self._outlook()}")

    def cell_cached(self, cell: str, stages: Sequence[str]) -> None:
        """These stages of a cell need no process: their results are in the store."""
        for stage in stages:
            self._left.pop((cell, stage, None), None)
            self._done += 1
        self._say(f"{self._position()} {cell}  {', '.join(stages)}  cached")

    def cell_ended(self, cell: str, outcome: Outcome) -> None:
        """A cell ended without a process of its own, refused or skipped: its steps will not come."""
        self._drop(cell)
        self._say(f"{self._position()} {cell}  {outcome.status}{_reason(outcome)}")

    def append(self, text: str) -> None:
        """Add text of several lines, the table at the end, to the log only."""
        if self._log is not None:
            with suppress(OSError), self._log.open("a", encoding="utf-8") as file:
                file.write(f"\n{text.rstrip()}\n")

    def note(self, line: str) -> None:
        """Show and log something that a user should know and that is no step."""
        self._say(line)

    def finish(self) -> None:
        """End the display, whatever has happened, and keep the times for the next sweep."""
        self._still()
        self._history.save()

    def _drop(self, cell: str) -> None:
        gone = [key for key in self._left if key[0] == cell]
        for key in gone:
            del self._left[key]
        self._total -= len(gone)

    def _position(self) -> str:
        """How many steps of how many; a search for the largest batch takes steps that nobody planned."""
        return f"[{self._done}/{self._total}]" if self._total >= self._done else f"[{self._done}]"

    def _outlook(self) -> str:
        """The time left in words, the running step's included; empty if no step is left or none was planned."""
        steps = [*self._left.values(), *([self._current] if self._current else [])]
        return f"; {outlook(self._history.remaining(steps))}" if steps else ""

    def _ticking(self) -> Spinner:
        """The line that a terminal shows while a step is prepared, as it is this second."""
        elapsed = self._clock() - self._since
        line = f"{self._position()} {self._label}  {duration(elapsed)}"
        if said := told_by(self._told):
            line += f"; {said}"
        elif self._current is not None:
            own, left = self._history.expected(self._current.work), None
            if self._after is not None and own is not None and elapsed <= own:
                left = Remaining(self._after.seconds + own - elapsed, self._after.by_budget)
            line += f"; {outlook(left)}"
        self._spinner.update(text=Text(printable(line), no_wrap=True, overflow="ellipsis"))
        return self._spinner

    def _still(self) -> None:
        if self._follower is not None:
            self._follower.stop()
            self._follower = None
        if self._live is not None:
            with suppress(OSError, ValueError, SystemExit):
                self._live.stop()
            self._live = None

    def _say(self, line: str) -> None:
        """Show and log one line. A closed pipe makes rich raise SystemExit; the sweep goes on without its display."""
        with suppress(OSError, ValueError, SystemExit):
            self._console.print(Text(printable(line)), soft_wrap=True)
        self._log_line(line)

    def _log_line(self, line: str) -> None:
        if self._log is None:
            return
        stamp = datetime.now().astimezone().isoformat(timespec="seconds")
        with suppress(OSError):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as file:
                file.write(f"{stamp}  {redact_text(printable(line), environment_secrets())}\n")


def outlook(remaining: Remaining | None) -> str:
    """The time left in words; a budget is named as such, what is unknown is called unknown."""
    if remaining is None:
        return "time left unknown"
    words = f"about {duration(remaining.seconds)} left"
    return f"{words} if repeats keep to their budget" if remaining.by_budget else words


def duration(seconds: float) -> str:
    """A time span for people: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def printable(text: str) -> str:
    """The text on one line, without characters that would move a terminal's cursor or change its colours."""
    return "".join(character if character.isprintable() else " " for character in text)


def _reason(outcome: Outcome) -> str:
    """Why an outcome is not ok, in brackets."""
    words = ": ".join(filter(None, [outcome.reason, outcome.message]))
    return f" ({words})" if words else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
