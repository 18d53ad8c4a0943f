"""Whether a rerun gave what the record gave: throughput within its interval, equal accuracy, the same outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.schema import Estimate, Record
from harness.report.comparison import compared
from harness.report.digits import MISSING, figure, with_interval
from harness.report.grid import Grid
from harness.report.words import MARKS, source_notes
from harness.timing.statistics import NOISY, Ratio, welch_ratio

Verdict = Literal["reproduced", "not reproduced", "undecided"]

SAME_OUTCOMES = frozenset({"oom", "unsupported"})
"""Outcomes beside ok that are a result, so that the same again reproduces it."""
SAME_SHARE = 5e-5
"""Accuracies are equal where no metric differs by more: 0.005 points of 100, what tables round to."""
KEPT = "kept, not evaluated again"
ROUNDING = 1e-9
"""What two sums of the same numbers may differ by: simulated times come again to the last digit."""
FILES = ("model", "rewritten", "simplified", "exported")


@dataclass(frozen=True)
class Line:
    """One thing that was compared: its figures as printed, and whether they agree (None: it decides nothing).

    ``word`` says why it decides nothing, where that is not obvious.
    """

    what: str
    then: str
    now: str
    ratio: str = MISSING
    interval: str = MISSING
    agrees: bool | None = None
    word: str = ""


@dataclass(frozen=True)
class Reproduction:
    """The verdict, the sentence that says why, and what was compared."""

    verdict: Verdict
    reason: str
    lines: tuple[Line, ...] = ()


def reproduction(old: Record, new: Record, *, floor: float = 0.0) -> Reproduction:
    """Judge a rerun by the record that it repeats; ``floor`` is the |ln ratio| that noise alone, or a tolerance, makes.

    Both were measured in sweeps of their own, so rounds are not paired: the ratio's interval is Welch's, of the mean
    logs over processes. It is reproduced where that interval holds 1 or the ratio lies within ``floor``. An interval of
    more than 10 % to either side (``NOISY``) holds nearly anything: it decides nothing.
    """
    then, now = old.outcome.status, new.outcome.status
    if then != now:
        words = f": {new.outcome.message or new.outcome.reason}" if now != "ok" else ""
        return Reproduction("not reproduced", f"then {then}, now {now}{words}")
    if now != "ok":
        again = f"{now} again"
        if now in SAME_OUTCOMES:
            return Reproduction("reproduced", again)
        return Reproduction(
            "not reproduced", f"{again}: {new.outcome.message or new.outcome.reason}; nothing to compare"
        )
    lines: list[Line] = []
    verdict, reason = _throughput(old, new, floor, lines)
    lines += _latency(old, new)
    others = (*_accuracy(old, new, lines), *_largest(old, new, lines))
    differing = [line.what for line in others if line.agrees is False]
    if differing:
        verdict, reason = "not reproduced", f"another {' and '.join(differing)}; {reason}"
    if verdict != "reproduced":
        reason += "".join(f"; {when} disturbed by {codes}" for when, record in (("then", old), ("now", new))
                          if (codes := _findings(record)))  # fmt: skip
    return Reproduction(verdict, reason, tuple(lines))


def reproduction_table(found: Reproduction, records: Sequence[Record]) -> Grid:
    """What was compared, a row each; ``records`` are the two."""
    words = {True: "same", False: "differs", None: ""}
    return Grid(
        columns=("figure", "then", "now", "now / then", "95 % interval", "is"),
        rows=[
            {
                "figure": line.what,
                "then": line.then,
                "now": line.now,
                "now / then": line.ratio,
                "95 % interval": line.interval,
                "is": line.word or words[line.agrees],
            }
            for line in found.lines
        ],
        notes=[
            "now / then: Welch's interval of the two means, since they were not measured in the same rounds.",
            *source_notes(records),
        ],
        numbers=frozenset({"then", "now", "now / then", "95 % interval"}),
        least_needed=("is",),
    )


def _marked(record: Record, estimate: Estimate) -> str:
    """The figure, with its mark where it is simulated."""
    return figure(estimate) + MARKS[record.source]


def _findings(record: Record) -> str:
    """What disturbed the measurement, as codes."""
    return ", ".join(sorted({each.code for repeat in record.repeats for each in repeat.findings}))


def _throughput(old: Record, new: Record, floor: float, lines: list[Line]) -> tuple[Verdict, str]:
    if not old.repeats:
        return _file(old, new, lines)
    ratio = compared(old, new).ratio
    if ratio is None or old.summary is None or new.summary is None:
        return "not reproduced", "nothing was measured now"
    verdict, reason = _judged(ratio, floor)
    figures = _marked(old, old.summary.throughput), _marked(new, new.summary.throughput)
    agrees = None if verdict == "undecided" else verdict == "reproduced"
    word = "undecided" if agrees is None else ""
    interval = with_interval(ratio.ratio, ratio.low, ratio.high)
    lines.append(Line("samples/s", *figures, *interval, agrees=agrees, word=word))
    return verdict, reason


def _judged(ratio: Ratio, floor: float) -> tuple[Verdict, str]:
    """What a ratio of throughputs says, and why."""
    change = 100 * (ratio.ratio - 1)
    percent = f"throughput {change:+.0f} %" if abs(change) >= 10 else f"throughput {change:+.2g} %"
    allowed = f"{100 * math.expm1(floor):.3g} % of noise and tolerance"
    if floor and abs(math.log(ratio.ratio)) <= floor:
        return "reproduced", f"{percent}, within {allowed}"
    if ratio.low is None or ratio.high is None:
        if floor:
            return "not reproduced", f"{percent}, not within {allowed}"
        return "undecided", f"{percent}, but one process has no interval: give tolerance=5, or measure with more rounds"
    if not ratio.low * (1 - ROUNDING) <= 1 <= ratio.high * (1 + ROUNDING):
        beyond = f", nor lies it within {allowed}" if floor else ""
        return "not reproduced", f"{percent}, and the interval of now / then does not hold 1{beyond}"
    if (ratio.high - ratio.low) / 2 > NOISY * ratio.ratio:
        unseen = f"{100 * max(ratio.high - 1, 1 - ratio.low):.2g} %"
        return "undecided", f"{percent}; the interval of now / then holds 1, but as well a difference of {unseen}"
    return "reproduced", f"{percent}, and the interval of now / then holds 1"


def _file(old: Record, new: Record, lines: list[Line]) -> tuple[Verdict, str]:
    """The result of a cell that measures nothing is the file that it makes; that of a profile is that it ran."""
    name = next((name for name in FILES if name in old.artifacts), None)
    if name is None or old.settings.get("profile"):
        return "reproduced", "ok again; it measures nothing"
    then, now = old.artifacts[name].sha256, new.artifacts[name].sha256 if name in new.artifacts else ""
    lines.append(Line(name, then[:12], now[:12] or MISSING, agrees=then == now))
    return ("reproduced", "the same file") if then == now else ("not reproduced", "another file")


def _latency(old: Record, new: Record) -> Iterator[Line]:
    if old.summary is None or new.summary is None:
        return
    then, now = ([each.median_ms for each in record.repeats] for record in (old, new))
    if then and now and min(*then, *now) > 0:
        ratio = welch_ratio(now, then)
        figures = _marked(old, old.summary.latency_ms), _marked(new, new.summary.latency_ms)
        yield Line("median ms", *figures, *with_interval(ratio.ratio, ratio.low, ratio.high))


def _accuracy(old: Record, new: Record, lines: list[Line]) -> list[Line]:
    """A line for each metric."""
    if old.accuracy is None:
        return []
    found = []
    if new.accuracy is None:
        found.append(Line("accuracy", "evaluated", MISSING, agrees=False))
    else:
        was, here = old.accuracy.device.metrics, new.accuracy.device.metrics
        kept = any(step.stage == "evaluate" and step.cached for step in new.steps)
        for name in was:
            agrees = name in here and abs(here[name] - was[name]) <= SAME_SHARE
            now = f"{100 * here[name]:.2f}" if name in here else MISSING
            found.append(
                Line(
                    f"{name} %",
                    f"{100 * was[name]:.2f}",
                    now,
                    agrees=None if kept else agrees,
                    word=KEPT if kept else "",
                )
            )
    lines += found
    return found


def _largest(old: Record, new: Record, lines: list[Line]) -> list[Line]:
    if old.max_batch is None:
        return []
    then, now = (None if each is None else each.batchsize for each in (old.max_batch, new.max_batch))
    line = Line("largest batch", str(then or MISSING), str(now or MISSING), agrees=then == now)
    lines.append(line)
    return [line]
