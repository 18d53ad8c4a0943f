"""``python -m harness.rerun RECORD_OR_RUN``: measure a record's cell again, and say whether its result was reproduced.

Exit status 0: reproduced; 1: not, undecided for want of rounds or quiet, or the new cell failed; 2: wrong arguments, or
it cannot be measured again here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from harness.commands.arguments import argument, read_arguments
from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from harness.commands.rerun_source import Source
    from harness.commands.screen import Screen
    from harness.config.schema import Settings
    from harness.records.schema import Record
    from harness.sweep.cell import CellRun
    from harness.sweep.manifest import Manifest

COMMAND = "python -m harness.rerun RECORD"
REPRODUCED, NOT_REPRODUCED, REFUSED, INTERRUPTED = 0, 1, 2, 130
_SETTING = re.compile(r"([A-Za-z_]\w*(?:\.\w+)+)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Rerun:
    """Measure again what a record says, with its own settings and no YAML; say what differs, and whether it came again.

    RECORD is a record's folder, SWEEP/CELL, BUNDLE.zip:CELL, or the id of an MLflow run. The new record is a sweep of
    its own and says what it repeats. What the record hides as a secret, and where things are on this machine, is given
    as on the main command line: tracking.uri=URI, model.file=FILE, dataset.root=DIR.
    Exit status 0: reproduced; 1: not, or undecided, or the new cell failed; 2: it cannot be measured again here.
    """

    positional: tuple[str, ...] = argument("RECORD, and settings as KEY=VALUE", default=())
    plan: bool = argument("only show what differs and what would be done", default=False)
    tolerance: Annotated[float, Field(ge=0, le=1000)] = argument(
        "a difference of throughput in per cent that is none", default=0.0
    )
    accuracy: Literal["again", "kept"] = argument(
        "again: also evaluate again; kept: take what the store knows of the same files, which shows nothing",
        default="again",
    )
    tracking_uri: str | None = argument(
        "the MLflow store of the run (null: MLFLOW_TRACKING_URI, or the home's)", default=None
    )
    device: str | None = argument("the device id here, where it is another one", default=None)
    home: str | None = argument("the folder for the new record (null: HARNESS_HOME, or mlruns)", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """Measure again and return the exit status."""
    words = sys.argv[1:] if words is None else words
    try:
        wanted = read_arguments(Rerun, words, command=COMMAND)
        return rerun(wanted, ("python", "-m", "harness.rerun", *words))
    except HarnessError as error:
        print(f"harness.rerun: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, ConfigError) else NOT_REPRODUCED
    except KeyboardInterrupt:
        print("harness.rerun: interrupted", file=sys.stderr)
        return INTERRUPTED


def rerun(wanted: Rerun, command: Sequence[str]) -> int:
    """Do what was asked; returns the exit status.

    Raises:
        ConfigError: nothing was started, in one line why.
        HarnessError: the new record could not be written.
    """
    from harness.commands.plan import plan_lines
    from harness.commands.prepare import prepared
    from harness.commands.rerun_source import find_source
    from harness.commands.run import begin, check_home
    from harness.commands.screen import screen
    from harness.commands.stopping import stopping
    from harness.config.locate import harness_home
    from harness.records.io import read_record, record_folder

    name, given = _words(wanted)
    home = harness_home(wanted.home)
    source = find_source(name, home, wanted.tracking_uri)
    settings = _settings(source.record, _with_store(source.record, given, wanted.tracking_uri))
    console = screen()
    with stopping() as stop:
        check_home(home)
        made = prepared(_manifest(source, settings, command), console, plan=wanted.plan)
        cell = replace(made.cells[0], name=source.record.name)
        manifest = replace(made, cells=(cell,))
        _show_differences(source, cell.settings, console)
        if wanted.plan:
            for line in plan_lines(manifest, home):
                _say(console, line)
            return 0
        begin(
            manifest,
            home,
            console,
            before_measuring=partial(_before_measuring, source.record, console, again=wanted.accuracy == "again"),
        )
        if stop.number is not None:
            return stop.status(NOT_REPRODUCED)
        new = read_record(record_folder(home, manifest.sweep_id, cell.name))
        return _show_result(source.record, new, home, wanted.tolerance, console)


def _words(wanted: Rerun) -> tuple[str, dict[str, str]]:
    """The record's name and the settings that were given."""
    settings = [(match[1], match[2]) for word in wanted.positional if (match := _SETTING.fullmatch(word))]
    names = [word for word in wanted.positional if not _SETTING.fullmatch(word)]
    if len(names) != 1:
        raise ConfigError(f"give one record ({len(names)} given); --help says what it may be")
    given = dict(settings)
    if len(given) != len(settings):
        raise ConfigError(f"{' '.join(wanted.positional)}: a setting is given twice; give it once")
    if wanted.device is not None:
        given["device"] = wanted.device
    return names[0], given


def _with_store(record: Record, given: dict[str, str], uri: str | None) -> dict[str, str]:
    """The settings with the store that the record was read from, where the record hides its password."""
    from harness.records.redaction import HIDDEN, redact_text

    tracking = record.settings.get("tracking")
    hidden = str(tracking.get("uri")) if isinstance(tracking, Mapping) else ""
    if uri is None or HIDDEN not in hidden or redact_text(uri) != hidden:
        return given
    return {"tracking.uri": uri, **given}


def _settings(record: Record, given: Mapping[str, str]) -> Settings:
    """The settings to measure again with.

    Raises:
        ConfigError: they cannot be restored, the device is not here, or stand-ins would take the place of a device
            that was measured, or the other way round.
    """
    from harness.config.again import restored
    from harness.config.freeze import absent, needs_device
    from harness.devices import detect, present
    from harness.sweep.cell import source_of

    cell = f"{record.sweep_id}/{record.name}"
    try:
        settings = restored(record.settings, given)
    except ConfigError as error:
        by = f"harness {record.harness_version}, schema version {record.schema_version}"
        raise ConfigError(f"{cell}: its settings cannot be restored: {error} (written by {by})") from error
    here = source_of(settings)
    if here != record.source:
        among = "this process runs among stand-ins" if here == "simulated" else "this process has no stand-ins"
        raise ConfigError(f"{cell}: was {record.source}, and here it would be {here} ({among}): nothing to compare")
    missing = absent(settings, present) if needs_device(settings) else None
    if missing is not None and missing.status == "skipped":
        name = settings.soc_version.name
        known = "" if settings.simulator.active else f" (this machine has {detect()})"
        raise ConfigError(f"{cell}: was measured on {name}, and there is none here{known}; rerun it where there is one")
    return settings


@dataclass(frozen=True)
class _Restored:
    """A cell that was never composed, as :func:`harness.config.freeze.freeze` takes it."""

    settings: Settings
    device_found: bool = False
    choices: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _manifest(source: Source, settings: Settings, command: Sequence[str]) -> Manifest:
    from harness.config.freeze import freeze
    from harness.devices import detect, present

    made = freeze(
        [_Restored(settings)],
        [source.record.overrides],
        command=command,
        present=present,
        detect=detect,
    )
    return replace(made, cells=(replace(made.cells[0], rerun_of=source.original),))


def _show_differences(source: Source, settings: Settings, console: Screen) -> None:
    from harness.commands.rerun_checks import difference_lines, differences
    from harness.commands.run import device_of

    record = source.record
    host = record.environment.get("hostname")
    where = f" on {host}" if host else ""
    _say(console, f"rerun  {source.original.words}, {record.source} {record.started[:16].replace('T', ' ')} UTC{where}")
    found = differences(source, settings, device_of(settings))
    if not found:
        _say(console, "same   machine, device, software and input files are those of the record")
        return
    _say(console, f"differs from the record: {len(found)} {'things' if len(found) > 1 else 'thing'}")
    for line in difference_lines(found, console.width):
        _say(console, line)


def _before_measuring(old: Record, console: Screen, runs: Sequence[CellRun], *, again: bool) -> None:
    """Say, before the first measurement, which files that were made on the way are others.

    ``again``: accuracy is computed anew too; taken from the store it would equal itself.
    """
    from harness.commands.rerun_checks import MAKERS, difference_lines, made_otherwise

    for run in runs:
        if not run.prepared:
            continue
        if again and run.cell.settings.evaluates:
            run.pipeline.forget("evaluate")
        found, same = made_otherwise(old, run)
        if same:
            _say(console, f"same   artifacts: {', '.join(same)}")
        if found:
            _say(console, "differs: artifacts that were made anew")
            for line in difference_lines(found, console.width):
                _say(console, line)
            makers = ", ".join(MAKERS)
            _say(
                console, f"  (other versions of {makers}, and some converters each time, write other bytes for the same"
            )
            _say(console, "  the same network; parity says what it computes)")


def _show_result(old: Record, new: Record, home: Path, tolerance: float, console: Screen) -> int:
    import math

    from harness.records.floors import noise_floor
    from harness.report.reproduction import reproduction, reproduction_table

    known = noise_floor(home, new)
    floor = max(known.floor if known else 0.0, math.log1p(tolerance / 100))
    found = reproduction(old, new, floor=floor)
    console.print()
    if found.lines:
        console.print(reproduction_table(found, (old, new)))
    simulated = " (simulated)" if new.source == "simulated" else ""
    _say(console, f"{found.verdict}{simulated}: {found.reason}")
    return REPRODUCED if found.verdict == "reproduced" else NOT_REPRODUCED


def _say(console: Screen, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
