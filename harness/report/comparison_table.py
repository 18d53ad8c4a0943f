"""The table of comparisons, with its notes: what was divided by what, why not by round, what else differs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.records.schema import Record
from harness.report.comparison import Comparison, slow_rounds
from harness.report.digits import MISSING, figure, significant, with_interval
from harness.report.grid import Grid
from harness.report.words import listed

COLUMNS = ("cell", "A samples/s", "B samples/s", "B / A", "95 % interval", "B is", "rounds", "rounds needed")
_NUMBERS = frozenset({"A samples/s", "B samples/s", "B / A", "95 % interval", "rounds", "rounds needed"})
_LEAST_NEEDED = ("rounds needed", "rounds", "A samples/s", "B samples/s")
_STYLES = {"faster": "green", "slower": "red"}


def comparison_table(rows: Sequence[Comparison], difference: float, unmatched: Sequence[Record] = ()) -> Grid:
    """The table; ``difference`` is what ``rounds needed`` was planned for, ``unmatched`` is named below."""
    return Grid(
        columns=COLUMNS,
        rows=[_row(row) for row in rows],
        notes=_notes(rows, difference, unmatched),
        numbers=_NUMBERS,
        least_needed=_LEAST_NEEDED,
        styles={"B is": [_STYLES.get(row.word, "") for row in rows]},
    )


def comparison_json(row: Comparison) -> dict[str, Any]:
    """The comparison as plain JSON, with all digits."""
    ratio = row.ratio
    return {
        "a": {"sweep": row.a.sweep_id, "cell": row.a.name},
        "b": {"sweep": row.b.sweep_id, "cell": row.b.name},
        "ratio": ratio.ratio if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "word": row.word,
        "rounds": ratio.n if ratio else 0,
        "paired": bool(ratio and ratio.paired),
        "unpaired_because": row.unpaired,
        "noise_floor": row.floor,
        "rounds_needed": row.needed,
        "differing": list(row.differing),
    }


def _row(row: Comparison) -> dict[str, str]:
    ratio = row.ratio
    names = dict.fromkeys([row.a.name, row.b.name])
    return {
        "cell": " | ".join(names),
        "A samples/s": _throughput(row.a),
        "B samples/s": _throughput(row.b),
        **_interval(row),
        "B is": row.word,
        "rounds": (str(ratio.n) if ratio.paired else f"{ratio.n}, unpaired") if ratio else MISSING,
        "rounds needed": str(row.needed) if row.needed is not None else MISSING,
    }


def _throughput(record: Record) -> str:
    return figure(record.summary.throughput) if record.summary else MISSING


def _interval(row: Comparison) -> dict[str, str]:
    """Ratio and interval to the place that its half-width earns."""
    if row.ratio is None:
        return {"B / A": MISSING, "95 % interval": MISSING}
    ratio, interval = with_interval(row.ratio.ratio, row.ratio.low, row.ratio.high)
    return {"B / A": ratio, "95 % interval": interval}


def _notes(rows: Sequence[Comparison], difference: float, unmatched: Sequence[Record]) -> list[str]:
    notes = []
    if any(row.ratio is not None and row.ratio.paired for row in rows):
        notes.append("B / A: throughputs divided round by round; geometric mean and paired t-interval over rounds.")
    notes += [
        f"Unpaired ({reason}): Welch's interval of the two means; drift between A and B is in the ratio."
        for reason in dict.fromkeys(row.unpaired for row in rows if row.unpaired)
    ]
    floor = max((row.floor for row in rows), default=0.0)
    below = f", or the difference is below this device's noise floor of {100 * math.expm1(floor):.1f} %"
    if any(row.word == "~" for row in rows):
        notes.append(f"~ no difference is shown: the interval holds 1{below if floor else ''}.")
    if any(row.needed is not None for row in rows):
        notes.append(
            f"Rounds needed: those that find a true difference of {100 * difference:g} % with a probability of 90 %,"
            " at the upper 80 % bound of the spread of these rounds."
        )
    for row in rows:
        if row.differing:
            notes.append(f"{' | '.join(dict.fromkeys([row.a.name, row.b.name]))} differ in {'; '.join(row.differing)}.")
        if row.ratio is None:
            silent = [each for each in (row.a, row.b) if not each.repeats]
            notes += [f"{each.sweep_id}/{each.name}: not measured ({each.outcome.status})." for each in silent]
    notes += slow_notes([record for row in rows for record in (row.a, row.b)])
    if unmatched:
        notes.append(f"Only on one side: {', '.join(f'{each.sweep_id}/{each.name}' for each in unmatched)}.")
    return notes


def slow_notes(records: Sequence[Record]) -> list[str]:
    """A sentence for each cell of which some processes were slow among many, by round; they stay in the figures."""
    notes = []
    for record in {record.record_id: record for record in records}.values():
        slow = slow_rounds(record)
        if slow:
            medians = {repeat.round: repeat.median_ms for repeat in record.repeats}
            rest = sorted(value for number, value in medians.items() if number not in slow)
            shown = listed([f"{significant(medians[number], 3)} ms" for number in slow])
            notes.append(
                f"{record.name}: {'process' if len(slow) == 1 else 'processes'} of round {listed(slow)} slow among"
                f" {len(medians)} ({shown}; the others {significant(rest[len(rest) // 2], 3)} ms); kept in the figures."
            )
    return notes
