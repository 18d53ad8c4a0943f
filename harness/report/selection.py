"""Selects the rows that a user asks for, and refuses what nothing matches, with the nearest name that exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from harness.config.nearest import suggestion
from harness.errors import ConfigError
from harness.report.performance import names_chip
from harness.report.rows import Row


@dataclass(frozen=True)
class Selection:
    """What to show; an empty field means all. ``chips`` are the devices that are named as baseline or target.

    ``devices`` are names that mean a device though no row is of it; the report says then that nothing is known.

    A reference that does not state its precision or backend is kept whatever is asked for; sweep, profile, host and
    start are those of records, and select no references. ``since`` is a time in UTC.
    """

    model: tuple[str, ...] = ()
    chips: tuple[str, ...] = ()
    precision: tuple[str, ...] = ()
    batchsize: tuple[int, ...] = ()
    backend: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    since: datetime | None = None


_VALUES: Mapping[str, Callable[[Row], str | None]] = {
    "model": lambda row: row.model,
    "precision": lambda row: row.precision,
    "batchsize": lambda row: None if row.batchsize is None else str(row.batchsize),
    "backend": lambda row: row.backend,
    "measure": lambda row: row.profile,
    "sweep": lambda row: row.sweep_id or None,
    "host": lambda row: row.host,
    "source": lambda row: row.source,
}
_SOURCES = ("measured", "simulated", "reference")


def moment(text: str) -> datetime:
    """A day or a time in ISO 8601 as a time in UTC; one without a zone is meant in UTC.

    Raises:
        ConfigError: it is neither.
    """
    try:
        read = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)  # Python 3.10 knows no Z
    except ValueError as error:
        raise ConfigError(f"since={text}: expected a day or a time, as 2026-11-22 or 2026-11-22T08:30:00") from error
    return read.astimezone(timezone.utc) if read.tzinfo else read.replace(tzinfo=timezone.utc)


def selected(rows: Sequence[Row], selection: Selection) -> tuple[Row, ...]:
    """The rows that fit. Without ``model`` the references of models that were measured, or all where nothing was.

    Raises:
        ConfigError: a value that no row has, with the nearest that one has, or values that no row has together.
    """
    if not rows:
        raise ConfigError("nothing to report: no record and no reference was found; give records=DIR or measure first")
    asked = {name: tuple(map(str, getattr(selection, name))) for name in _VALUES}
    for name, wanted in asked.items():
        _refuse_unknown(name, wanted, rows)
    chips = {row.soc_version for row in rows if row.soc_version}
    for chip in selection.chips:
        if not any(names_chip(chip, known) for known in {*chips, *selection.devices}):
            raise ConfigError(
                f"{chip}: no record and no reference of this device; {suggestion(chip, chips, 'devices')}"
            )
    kept = [row for row in rows if _fits(row, asked, selection.since)]
    if not selection.model:
        measured = {row.model for row in kept if row.reference is None}
        kept = [row for row in kept if row.model in measured] if measured else kept
    if not kept:
        given = " ".join(f"{name}={','.join(values)}" for name, values in asked.items() if values)
        since = f" since={selection.since:%Y-%m-%d}" if selection.since else ""
        raise ConfigError(f"{given}{since}: no record and no reference has all of this; ask for less".lstrip(": "))
    return tuple(kept)


def _refuse_unknown(name: str, wanted: Sequence[str], rows: Sequence[Row]) -> None:
    value = _VALUES[name]
    known = {found for row in rows if (found := value(row)) is not None} | (
        set(_SOURCES) if name == "source" else set()
    )
    for each in wanted:
        if not any(_same(name, each, found) for found in known):
            kind = {"batchsize": "batch sizes", "precision": "precisions"}.get(name, f"{name}s")
            recent = sorted(known)[-20:] if name == "sweep" else known
            none = "no record and no reference"
            if all(row.reference is not None for row in rows):
                none = "no reference, and there are no records here (HARNESS_HOME or records=DIR says where they are)"
            raise ConfigError(f"{name}={each}: {none}; {suggestion(each, recent, kind)}")


def _fits(row: Row, asked: Mapping[str, tuple[str, ...]], since: datetime | None) -> bool:
    for name, wanted in asked.items():
        found = _VALUES[name](row)
        if wanted and found is None and row.reference is not None and name not in {"model", "batchsize"}:
            continue
        if wanted and not any(found is not None and _same(name, each, found) for each in wanted):
            return False
    return since is None or row.reference is not None or _started(row, since)


def _started(row: Row, since: datetime) -> bool:
    try:
        return moment(row.started) >= since
    except ConfigError:  # a damaged record's start is no time
        return False


def _same(name: str, given: str, found: str) -> bool:
    """Whether a row has what was given; a sweep may be given by the beginning of its id."""
    return found == given or (name == "sweep" and found.startswith(given))
