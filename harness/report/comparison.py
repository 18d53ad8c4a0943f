"""Two records against each other: the ratio of their throughputs, its interval, one word, and the rounds it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.records.schema import Record
from harness.report.words import setting
from harness.timing.statistics import (
    Ratio,
    log_ratios,
    outlying,
    paired_ratio,
    required_rounds,
    welch_ratio,
)


@dataclass(frozen=True)
class Comparison:
    """B against A: ``ratio`` is that of the throughputs, B over A, or None where one of them was not measured.

    ``unpaired`` says why rounds were not paired. ``needed`` is the number of paired rounds that finds the difference
    asked about, or None where no pilot says so. ``differing`` names what else than the device differs.
    """

    a: Record
    b: Record
    ratio: Ratio | None
    floor: float
    unpaired: str | None
    needed: int | None
    differing: tuple[str, ...]

    @property
    def word(self) -> str:
        """``faster``, ``slower``, or ``~`` for what the figures do not show; a dash without figures."""
        return self.ratio.word(self.floor) if self.ratio is not None else "-"


def compared(a: Record, b: Record, *, difference: float = 0.03, floor: float = 0.0) -> Comparison:
    """Compare two records, by round where they were measured in the same rounds, else with Welch's interval.

    ``difference`` is the relative one for which ``needed`` is planned, ``floor`` the |ln ratio| that noise alone makes.
    """
    differing = differences(a.fingerprint, b.fingerprint)
    of_a, of_b = throughputs(a), throughputs(b)
    if not of_a or not of_b:
        return Comparison(a, b, None, floor, None, None, differing)
    unpaired = why_unpaired(a, b, of_a, of_b)
    if unpaired is not None:
        ratio = welch_ratio(list(of_b.values()), list(of_a.values()))
        return Comparison(a, b, ratio, floor, unpaired, None, differing)
    both = sorted(of_a.keys() & of_b.keys())
    top, bottom = [of_b[number] for number in both], [of_a[number] for number in both]
    needed = required_rounds(log_ratios(top, bottom), difference) if len(both) > 1 else None
    return Comparison(a, b, paired_ratio(top, bottom), floor, None, needed, differing)


def throughputs(record: Record) -> dict[int, float]:
    """Samples/s by round; empty for a record without repeats."""
    batchsize = record.settings.get("batchsize", 1)
    return {each.round: 1000 * batchsize / each.mean_ms for each in record.repeats if each.mean_ms > 0}


class Swept(Protocol):
    """What decides whether rounds may be paired; records and the rows of a report have it."""

    @property
    def sweep_id(self) -> str:
        """The sweep."""

    @property
    def interleaved(self) -> bool:
        """Whether its cells were measured in rounds."""


def why_unpaired(a: Swept, b: Swept, of_a: Mapping[int, float], of_b: Mapping[int, float]) -> str | None:
    """Why rounds cannot be paired, or None where they can; ``of_a`` and ``of_b`` hold samples/s by round."""
    if a.sweep_id != b.sweep_id:
        return "measured in different sweeps"
    if not (a.interleaved and b.interleaved):
        return "measured one after the other, not in rounds"
    return None if of_a.keys() & of_b.keys() else "measured in no common round"


def slow_rounds(record: Record) -> tuple[int, ...]:
    """The rounds whose process stands out as slow among those of the cell, by its median."""
    medians = [repeat.median_ms for repeat in record.repeats]
    if not medians or min(medians) <= 0:
        return ()
    return tuple(record.repeats[index].round for index in outlying(medians))


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two fingerprints, as ``precision: fp32, fp16``; hashes are shortened, maps gone into."""
    found: list[str] = []
    for key in [*a, *(key for key in b if key not in a)]:
        mine, other = a.get(key), b.get(key)
        if mine == other:
            continue
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            found += [f"{key}.{each}" for each in differences(mine, other)]
        else:
            found.append(f"{key}: {_shown(mine)}, {_shown(other)}")
    return tuple(found)


def matched(a: Sequence[Record], b: Sequence[Record]) -> tuple[list[tuple[Record, Record]], list[Record]]:
    """The pairs of two sides that belong together, and the records that have no counterpart.

    One record a side is a pair. Of several, those with equal names; where no name is on both sides (two devices), those
    of equal model and batch size, if each side has but one of them.
    """
    if len(a) == len(b) == 1:
        return [(a[0], b[0])], []
    for key in (_name, _point):
        left, right = _by(key, a), _by(key, b)
        pairs = [(left[each], right[each]) for each in left if each in right]
        if pairs:
            paired = {id(record) for pair in pairs for record in pair}
            return pairs, [record for record in (*a, *b) if id(record) not in paired]
    return [], [*a, *b]


def _by(key: Any, records: Sequence[Record]) -> dict[Any, Record]:
    """The records by a key, without those that share it."""
    keys = [key(record) for record in records]
    return {each: record for each, record in zip(keys, records, strict=True) if keys.count(each) == 1}


def _name(record: Record) -> str:
    return record.name


def _point(record: Record) -> tuple[str, str]:
    return setting(record, "model", "name"), setting(record, "batchsize")


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text[:8] if len(text) == 64 and text.isalnum() else text
