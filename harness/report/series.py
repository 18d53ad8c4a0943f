"""The series of a report: the rows of one device, measured in one way, by batch size. A table has a column for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.records.references import FAMILIES
from harness.records.schema import Source
from harness.report.rows import Row

_ORDER: Mapping[Source, int] = {"reference": 0, "simulated": 1, "measured": 2}


@dataclass(frozen=True)
class Key:
    """What rows of one series have in common. The host is no part of it: two boxes with a T4 measure one thing."""

    soc_version: str
    source: Source
    backend: str | None
    precision: str | None
    hardware: str | None


@dataclass(frozen=True)
class Series:
    """Rows with figures by batch size, newest first: the first is the one that counts, the others are named.

    ``ended`` are the rows without figures that are the newest of their batch size.
    """

    key: Key
    by_batch: Mapping[int, tuple[Row, ...]]
    ended: tuple[Row, ...] = ()

    @property
    def best(self) -> Row | None:
        """The row of the batch size with the highest throughput."""
        counted = [rows[0] for rows in self.by_batch.values()]
        return max(counted, key=lambda row: row.throughput.mean if row.throughput else 0.0, default=None)

    @property
    def unit(self) -> str | None:
        """The unit of its throughputs; None where a source does not state it."""
        return next((rows[0].unit for rows in self.by_batch.values() if rows[0].throughput), None)


def series_of(rows: Sequence[Row]) -> tuple[Series, ...]:
    """The series of one model's rows, published ones first. Rows without a device or a batch size belong to none."""
    groups: dict[Key, dict[int, list[Row]]] = {}
    for row in rows:
        if row.soc_version is not None and row.batchsize is not None and _counts(row):
            groups.setdefault(key_of(row, rows), {}).setdefault(row.batchsize, []).append(row)
    made = [_series(key, by_batch) for key, by_batch in groups.items()]
    return tuple(sorted(made, key=lambda each: (each.key.soc_version, _ORDER[each.key.source])))


def labels(series: Iterable[Series], published: str) -> dict[Key, str]:
    """A short name for each series: ``T4``, ``310P``, and what tells it apart where two would be called alike.

    ``published`` is the word for references.
    """
    keys = [each.key for each in series]
    names = dict.fromkeys(keys, "")
    socs = {key: short_name(key.soc_version, [other.soc_version for other in keys]) for key in keys}
    for key in keys:
        rivals = [other for other in keys if socs[other] == socs[key]]
        parts = [socs[key]]
        if len({other.source == "reference" for other in rivals}) > 1 and key.source == "reference":
            parts.append(f"({published})")
        own = [other for other in rivals if (other.source == "reference") == (key.source == "reference")]
        for value, values in (
            (key.precision, {other.precision for other in own}),
            (key.backend, {other.backend for other in own}),
            (key.hardware, {other.hardware for other in own}),
            (key.source, {other.source for other in own}),
        ):
            if len(values) > 1 and value:
                parts.append(value)
        names[key] = " ".join(parts)
    return names


def short_name(soc_version: str, others: Iterable[str] = ()) -> str:
    """``310P`` for Ascend310P3, as the tables of its makers say; the whole name where another 310P stands beside it."""
    for family in sorted(FAMILIES):
        members = {other for other in others if other.startswith(family)}
        if soc_version.startswith(family) and len(members | {soc_version}) == 1:
            return family.removeprefix("Ascend")
    return soc_version.removeprefix("Ascend")


def _counts(row: Row) -> bool:
    """References of accuracy alone have no place in a table of throughputs."""
    return row.source != "reference" or row.throughput is not None or row.outcome.status != "ok"


def key_of(row: Row, rows: Sequence[Row]) -> Key:
    """A source that names a family, or no precision, is taken for the only device, or precision, that fits."""
    soc_version, precision = row.soc_version or "", row.precision
    if row.source == "reference":
        if soc_version in FAMILIES:
            members = {other.soc_version for other in rows if (other.soc_version or "").startswith(soc_version)}
            whole = members - {soc_version, None}
            soc_version = str(next(iter(whole))) if len(whole) == 1 else soc_version
        if precision is None:
            stated = {each.precision for each in rows if each.source == "reference" and each.soc_version == soc_version}
            known = stated - {None}
            precision = next(iter(known)) if len(known) == 1 else None
    return Key(soc_version, row.source, row.backend, precision, row.hardware)


def _series(key: Key, groups: Mapping[int, Sequence[Row]]) -> Series:
    by_batch, ended = {}, []
    for size, rows in sorted(groups.items()):
        ordered = sorted(rows, key=lambda row: row.started, reverse=True)
        figures = [row for row in ordered if row.throughput is not None]
        if figures:
            by_batch[size] = _distinct(figures)
        if ordered[0].throughput is None:
            ended.append(ordered[0])
    return Series(key, by_batch, tuple(ended))


def _distinct(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows; a number that two sources state alike is kept once, with its unit where one of them states that.

    Numbers with a unit come first, as they can be compared with more.
    """
    stated: dict[object, Row] = {}
    for row in sorted(rows, key=lambda row: row.unit is None):
        number = row.throughput.mean if row.throughput else None
        if row.source != "reference":
            stated[id(row)] = row
        elif not any((number, unit) in stated for unit in (row.unit, *(_units(rows) if row.unit is None else ()))):
            stated[number, row.unit] = row
    return tuple(stated.values())


def _units(rows: Sequence[Row]) -> Iterable[str]:
    return dict.fromkeys(row.unit for row in rows if row.unit is not None)
