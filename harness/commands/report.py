"""``python -m harness.report``: the tables that people publish, from records of one or several machines and references.

Exit status 0: the report was written, and the records that could not be used are named in it; 1: a whole store could
not be read (the rest is reported), a strict report was refused, or MLflow does not have it; 2: wrong arguments, or
nothing to report.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

from pydantic import Field
from rich.console import Console

from harness.commands.arguments import argument, read_arguments
from harness.config.locate import conf_dir, harness_home
from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from harness.records.found import Found, Run
    from harness.report.document import Content
    from harness.report.rows import Loaded, Problem, Row
    from harness.report.selection import Selection
    from harness.report.table import Document

COMMAND = "python -m harness.report"
STEM = "report"
NAMED = 20
"""How many problems are named on the terminal; the report itself names all."""
MOST_LINKED = 1000
"""Rows whose homes are asked for MLflow runs."""


class RefusedError(HarnessError):
    """The report exists but was asked not to be given in this state."""


@dataclass(frozen=True)
class Report:
    """Write the tables of throughput and accuracy that people publish, from records and published references.

    Of several values (model=swin97,swin98) each is shown. Without baseline and target every device has a column, and
    those beside a T4, or the Ascend device of two, are divided by it. A LaTeX file names in its first line the packages
    that a document needs to input it.
    """

    records: tuple[str, ...] | None = argument(
        "homes, folders of records, bundles, MLflow stores (DIR,FILE.zip,sqlite:///FILE,http://...; null: HARNESS_HOME,"
        " or mlruns)",
        default=None,
    )
    model: tuple[str, ...] = argument("models (nothing: all that were measured)", default=())
    baseline: str | None = argument("the device that others are divided by, such as T4", default=None)
    target: tuple[str, ...] = argument("the devices that are divided by it (nothing: all others)", default=())
    precision: tuple[str, ...] = argument("only these precisions", default=())
    batchsize: tuple[Annotated[int, Field(ge=1)], ...] = argument("only these batch sizes", default=())
    backend: tuple[str, ...] = argument("only these backends", default=())
    measure: tuple[str, ...] = argument("only what was measured with these profiles", default=())
    sweep: tuple[str, ...] = argument("only these sweeps, or those whose ids begin so", default=())
    host: tuple[str, ...] = argument("only these machines", default=())
    source: tuple[str, ...] = argument("only measured, simulated or reference", default=())
    since: str | None = argument("only what was started since this day or time (UTC)", default=None)
    references: bool = argument("show what others published beside the records", default=True)
    acceptance: bool = argument("check the rule that the best 310P be at least 1.6 x the best T4", default=False)
    strict: bool = argument("refuse ratios whose sides are not known to be comparable", default=False)
    lang: Literal["en", "zh"] = argument("the language", default="en")
    format: Literal["terminal", "markdown", "html", "csv", "latex", "json"] | None = argument(
        "how it is written (null: by the output's suffix, else for the terminal)", default=None
    )
    charts: str | None = argument("a folder for the charts as PNG and SVG (null: none)", default=None)
    ui: str = argument("where mlflow ui listens, for the links of the page", default="http://127.0.0.1:5000")
    output: str | None = argument("a file, or a folder for all formats (null: print it)", default=None)
    mlflow: str | None = argument("true: log all formats to the home's MLflow; URI: to that store", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """Write the report and return the exit status."""
    try:
        return _run(read_arguments(Report, sys.argv[1:] if words is None else words, command=COMMAND))
    except RefusedError as error:
        print(f"harness.report: {error}", file=sys.stderr)
        return 1
    except HarnessError as error:
        print(f"harness.report: {error}", file=sys.stderr)
        return 2


def _run(wanted: Report) -> int:
    from harness.report.document import contents, document, refusal
    from harness.report.performance import names_chip
    from harness.report.query import missing_files
    from harness.report.selection import selected

    base = wanted.baseline or ""
    same = [each for each in wanted.target if base and (names_chip(base, each) or names_chip(each, base))]
    if same:
        raise ConfigError(f"baseline={wanted.baseline} target={same[0]}: one device; give another, or leave one out")
    if wanted.output is not None and not wanted.output.strip():
        raise ConfigError("output=: names nothing; give a file, a folder, or null to print the report")
    unread: list[str] = []
    loaded = _loaded(wanted, unread)
    gc.freeze()  # thousands of rows that stay to the end: the collector need not look at them while charts are drawn
    try:
        rows = selected(loaded.rows, _selection(wanted))
    except ConfigError:
        _name(loaded.problems)
        raise
    found = contents(rows, wanted.baseline, wanted.target)
    reason = refusal(found) if wanted.strict else None
    if reason is not None:
        raise RefusedError(reason)
    problems = (*loaded.problems, *missing_files(rows, wanted.lang))
    made = document(found, wanted.lang, problems=problems, acceptance=wanted.acceptance)
    _put(made, found, wanted)
    if wanted.charts is not None:
        _write(_chart_files(found, wanted), _said_to(wanted))
    if wanted.output is not None or wanted.format == "csv":
        _name(problems)
    logged = _log(made, found, wanted) if wanted.mlflow not in {None, "false"} else 0
    return 1 if unread else logged


def _name(problems: Sequence[Problem]) -> None:
    """Say what was left out where the report itself does not stand before the user."""
    for each in problems[:NAMED]:
        print(f"harness.report: {each.place}: {each.message}", file=sys.stderr)
    if len(problems) > NAMED:
        print(f"harness.report: and {len(problems) - NAMED} more", file=sys.stderr)


def _loaded(wanted: Report, unread: list[str]) -> Loaded:
    """All rows of all places; a file of references that cannot be read is a problem like a damaged record.

    Stores that cannot be reached are named in ``unread``.
    """
    from harness.config.references import read_library
    from harness.report.query import load
    from harness.report.rows import Problem

    library = read_library(harness_home()) if wanted.references else None
    loaded = load(_found(wanted.records, unread), library.references if library else ())
    damaged = tuple(Problem("references", each) for each in library.problems) if library else ()
    return replace(loaded, problems=(*loaded.problems, *damaged))


def _found(places: Sequence[str] | None, unread: list[str]) -> Iterator[Found]:
    from harness.records.bundle_read import is_bundle
    from harness.records.places import found_below, is_uri

    if places is None:
        home = harness_home()
        if home.is_dir():
            yield from found_below(home)
        return
    for place in places:
        if is_uri(place):
            yield from _of_store(place, unread)
        elif is_bundle(path := Path(place).expanduser()):
            yield from _of_bundle(path, unread)
        else:
            yield from found_below(path)


def _of_store(uri: str, unread: list[str]) -> Iterator[Found]:
    """The records of an MLflow store; one that cannot be read is a problem, and the rest is reported."""
    from harness.records.found import Found
    from harness.records.redaction import redact_text
    from harness.tracking.fetch import fetch_records

    try:
        yield from fetch_records(uri)
    except HarnessError as error:
        shown = redact_text(uri)
        unread.append(shown)
        yield Found(shown, problem=str(error).removeprefix(f"{shown}: "))


def _of_bundle(path: Path, unread: list[str]) -> Iterator[Found]:
    """The records of a bundle; one that is refused is a problem as a whole, and the rest is reported."""
    from harness.records.found import Found
    from harness.records.places import found_below

    try:
        yield from found_below(path)
    except HarnessError as error:
        unread.append(str(path))
        yield Found(str(path), problem=str(error).removeprefix(f"{path}: "))


def _selection(wanted: Report) -> Selection:
    from harness.report.selection import Selection, moment

    return Selection(
        model=wanted.model,
        chips=tuple(filter(None, (wanted.baseline, *wanted.target))),
        precision=wanted.precision,
        batchsize=wanted.batchsize,
        backend=wanted.backend,
        measure=wanted.measure,
        sweep=wanted.sweep,
        host=wanted.host,
        source=wanted.source,
        devices=tuple(path.stem for path in (conf_dir() / "soc_version").glob("*.yaml")),
        since=moment(wanted.since) if wanted.since else None,
    )


def _put(made: Document, found: Sequence[Content], wanted: Report) -> None:
    """Print the report, or write the file or the folder of all formats, and say where it is."""
    from harness.report.formats.choice import FORMATS, format_of
    from harness.report.formats.terminal import terminal

    if wanted.output is None:
        if wanted.format in {None, "terminal"}:
            Console(width=None if sys.stdout.isatty() else 120).print(*terminal(made), sep="\n")
        else:
            print(_text(str(wanted.format), made, found, wanted), end="")
        return
    output = Path(wanted.output).expanduser()
    if output.is_dir() or wanted.output.endswith("/") or not (output.suffix or wanted.format):
        names = [wanted.format] if wanted.format not in {None, "terminal"} else list(FORMATS)
        files = {output / f"{STEM}{FORMATS[str(name)].suffix}": str(name) for name in names}
    else:
        name = wanted.format or format_of(output.suffix)
        if name is None or name == "terminal":
            endings = ", ".join(each.suffix for each in FORMATS.values())
            raise ConfigError(f"output={wanted.output}: give format=, or a file that ends with one of {endings}")
        files = {output: name}
    texts = {path: _text(name, made, found, wanted) for path, name in files.items()}
    _write({path: text.encode("utf-8", "replace") for path, text in texts.items()}, sys.stdout)


def _text(name: str, made: Document, found: Sequence[Content], wanted: Report) -> str:
    """The report in a format; HTML is the whole page with charts, cells, failures and environments."""
    from harness.report.formats.choice import FORMATS

    if name != "html":
        return FORMATS[name].write(made)
    from harness import __version__
    from harness.report.page import page

    linked = _linked(found)
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return page(made, linked, when=when, version=__version__, ui=wanted.ui)


def _linked(found: Sequence[Content]) -> list[Content]:
    """The contents with the MLflow runs of those cells that lie in a home with a store; without, where it is broken."""
    from harness.records.io import home_of
    from harness.tracking.fetch import find_runs

    own = [row for content in found for row in content.rows if row.run is None and row.folder is not None]
    homes = dict.fromkeys(home for row in own[:MOST_LINKED] if row.folder and (home := home_of(row.folder)))
    runs: dict[str, Run] = {}
    for home in homes:
        try:
            runs |= find_runs(home)
        except HarnessError as error:
            print(f"harness.report: no links to runs: {error}", file=sys.stderr)
    return [
        replace(content, rows=tuple(_linked_row(row, runs.get(row.record_id)) for row in content.rows))
        for content in found
    ]


def _linked_row(row: Row, run: Run | None) -> Row:
    return row if run is None or row.run is not None else replace(row, run=run)


def _said_to(wanted: Report) -> TextIO:
    """Where files and runs are named: not among a report that is printed."""
    return sys.stdout if wanted.output is not None or wanted.format in {None, "terminal"} else sys.stderr


def _chart_files(found: Sequence[Content], wanted: Report) -> dict[Path, bytes]:
    """Every chart in both formats; a report without anything to draw has none."""
    from harness.report.charts import draw_charts

    folder = Path(str(wanted.charts)).expanduser()
    files: dict[Path, bytes] = {}
    for drawn in draw_charts(found, wanted.lang):
        files |= {folder / f"{drawn.name}.{suffix}": content for suffix, content in drawn.files.items()}
    return files


def _write(files: Mapping[Path, bytes], said_to: TextIO) -> None:
    """Write the files whole, and name each where it does not mix with a report."""
    from harness.files import write_atomically

    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror}); give another output") from error
        print(path, file=said_to)


def _log(made: Document, found: Sequence[Content], wanted: Report) -> int:
    """Log all formats to MLflow; 1 where that fails, for the report itself is written."""
    from harness.report.formats.choice import FORMATS
    from harness.tracking.reports import log_report

    texts = {f"{STEM}{each.suffix}": _text(name, made, found, wanted) for name, each in FORMATS.items()}
    uri = None if wanted.mlflow == "true" else wanted.mlflow
    try:
        logged = log_report(texts, harness_home(), uri, tables=[table.name for table in made.tables])
        print(f"MLflow: {logged}", file=_said_to(wanted))
    except HarnessError as error:
        print(f"harness.report: {error}", file=sys.stderr)
        return 1
    return 0
