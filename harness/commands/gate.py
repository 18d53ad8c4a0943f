"""``python -m harness.gate``: is a sweep as good as an earlier one, or as what was published? For CI.

Exit status 0: nothing is worse; 1: something is; 2: wrong arguments, or a side cannot be read; 3: nothing comparable.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from rich.console import Console

from harness.commands.arguments import argument, read_arguments
from harness.config.locate import harness_home
from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from harness.records.found import Found
    from harness.report.gate import Judgement
    from harness.report.rows import Row

COMMAND = "python -m harness.gate"
SUMMARY = "GITHUB_STEP_SUMMARY"
PASSED, WORSE, WRONG, NOTHING = 0, 1, 2, 3
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_FORMATS = {".md": "markdown", ".markdown": "markdown", ".json": "json"}


@dataclass(frozen=True)
class Gate:
    """Compare a sweep with an earlier one, cell by cell; the exit status says whether anything is worse.

    0: nothing is worse; 1: throughput or accuracy fell by more than tolerance and noise, or a cell failed that did not
    before; 2: wrong arguments; 3: nothing could be compared. Baseline and sweep are each a sweep's id or its start,
    SWEEP/CELL, a folder of records, a home or a bundle, an MLflow store's URI or run id, or a JSON file that this
    command wrote; a baseline may also be the word references: what others published.
    """

    baseline: str = argument("what the sweep is compared with")
    sweep: str | None = argument("what is compared (null: the newest sweep)", default=None)
    throughput_tolerance: str = argument("the throughput that may be lost", default="2%")
    accuracy_tolerance: Annotated[float, Field(ge=0, lt=100)] = argument(
        "the points of accuracy that may be lost, of 100", default=0.5
    )
    boundary: Literal["compute", "end_to_end"] = argument("which throughput is compared", default="compute")
    complete: bool = argument("fail also where a cell of the baseline is missing now", default=False)
    strict: bool = argument("compare no cells whose fingerprints differ", default=False)
    mixed: bool = argument("compare what was simulated with what was not all the same", default=False)
    lang: Literal["en", "zh"] = argument("the language", default="en")
    format: Literal["terminal", "markdown", "json"] = argument("how it is printed", default="terminal")
    output: tuple[str, ...] = argument(
        f"also write it: FILE.md, FILE.json, or summary (adds to the file that {SUMMARY} names)", default=()
    )
    home: str | None = argument("the folder with the records (null: HARNESS_HOME, or mlruns)", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """Print what was found and return the exit status."""
    try:
        return _run(read_arguments(Gate, sys.argv[1:] if words is None else words, command=COMMAND))
    except HarnessError as error:
        print(f"harness.gate: {error}", file=sys.stderr)
        return WRONG


def _run(wanted: Gate) -> int:
    from harness.report.gate import Tolerances, judged
    from harness.report.gate_file import gate_json
    from harness.report.gate_table import gate_table, headline

    targets = [_target(each) for each in wanted.output]
    tolerances = Tolerances(_share(wanted.throughput_tolerance), wanted.accuracy_tolerance)
    if not wanted.baseline.strip():
        raise ConfigError("baseline=: names nothing; give a sweep, a folder of records, a gate's JSON, or references")
    home = harness_home(wanted.home)
    now = _rows(wanted.sweep or _newest_sweep(home), home)
    known = {row.record_id for row in now}
    before = [row for row in _rows(wanted.baseline, home) if not row.record_id or row.record_id not in known]
    if not before:
        raise ConfigError(f"baseline={wanted.baseline}: nothing but the sweep itself; give an earlier one")
    found = judged(now, before, tolerances, boundary=wanted.boundary, mixed=wanted.mixed, strict=wanted.strict)
    verdict, status = _verdict(found, complete=wanted.complete)
    first = headline(found, wanted.baseline, wanted.lang, missing=len(found.only_before) if wanted.complete else 0)
    table = gate_table(found, wanted.lang)
    markdown = f"{first}\n\n{table.markdown()}"
    as_json = gate_json(found, now, verdict=verdict, status=status, headline=first, baseline=wanted.baseline)
    if wanted.format == "terminal":
        Console(width=None if sys.stdout.isatty() else 140).print(table)
        print(first)
    else:
        print(as_json if wanted.format == "json" else markdown, end="")
    for path, kind, is_added in targets:
        _write(path, as_json if kind == "json" else markdown, is_added=is_added)
    return status


def _verdict(found: Judgement, *, complete: bool) -> tuple[str, int]:
    if found.fallen:
        return "worse", WORSE
    if complete and found.only_before:
        return "incomplete", WORSE
    return ("nothing_comparable", NOTHING) if found.is_empty else ("passed", PASSED)


def _rows(name: str, home: Path) -> list[Row]:
    """The rows of a side.

    Raises:
        HarnessError: there is nothing of this name, or it cannot be read.
    """
    from harness.report.query import load
    from harness.report.reading import record_row

    if name == "references":
        from harness.config.references import read_library

        library = read_library(home)
        _warn(library.problems)
        return list(load((), library.references).rows)
    path = Path(name).expanduser()
    if path.suffix == ".json" and path.is_file():
        from harness.report.gate_file import read_gate

        return read_gate(path)
    found = _found(name, path, home)
    if found is None:
        from harness.records.find import named_records
        from harness.records.io import record_folder
        from harness.records.places import found_below

        records = named_records(name, home)
        folders = [record_folder(home, record.sweep_id, record.name) for record in records]
        if not all(folder.is_dir() for folder in folders):
            return [record_row(record, name) for record in records]
        found = [each for folder in folders for each in found_below(folder)]
    loaded = load(found)
    _warn(f"{problem.place}: {problem.message}" for problem in loaded.problems)
    if not loaded.rows:
        raise ConfigError(f"{name}: no record that can be read")
    return list(loaded.rows)


def _found(name: str, path: Path, home: Path) -> Iterable[Found] | None:
    """What a folder, a sweep, a store's URI or a run's id holds; None for the beginning of a sweep's id, and a cell."""
    from harness.records.bundle_read import is_bundle
    from harness.records.places import found_below, is_uri

    if is_uri(name):
        from harness.tracking.fetch import fetch_records

        return fetch_records(name)
    if _RUN_ID.fullmatch(name):
        from harness.tracking.fetch import fetch_run

        return [fetch_run(os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}", name)]
    sweep = home / "records" / name
    folder = next((each for each in (path, sweep) if each.is_dir() or is_bundle(each)), None)
    return None if folder is None else found_below(folder)


def _newest_sweep(home: Path) -> str:
    root = home / "records"
    sweeps = sorted((path.name for path in root.iterdir() if path.is_dir()), reverse=True) if root.is_dir() else []
    if not sweeps:
        raise ConfigError(f"{root}: no sweep; measure one first, or give sweep= or home=")
    return sweeps[0]


def _share(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    if not match or float(match[1]) >= 100:
        raise ConfigError(f"throughput_tolerance={text}: expected a percentage below 100, such as 2%")
    return float(match[1]) / 100


def _target(text: str) -> tuple[Path, str, bool]:
    """The file, its format, and whether it is added to."""
    if text == "summary":
        named = os.environ.get(SUMMARY)
        if not named:
            raise ConfigError(f"output=summary: {SUMMARY} is not set; outside of a workflow give output=FILE.md")
        return Path(named), "markdown", True
    kind = _FORMATS.get(Path(text).suffix.lower())
    if kind is None:
        raise ConfigError(f"output={text}: expected summary, or a file that ends with .md or .json")
    return Path(text).expanduser(), kind, False


def _write(path: Path, text: str, *, is_added: bool) -> None:
    from harness.files import write_atomically

    try:
        if is_added:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
        else:
            write_atomically(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise HarnessError(f"{path}: cannot be written ({error.strerror or error}); give another output") from error


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"harness.gate: {line}", file=sys.stderr)
