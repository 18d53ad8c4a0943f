"""Published performance tables become references: which column is what, then row by row. What is ambiguous is said.

Three layouts are read, as model READMEs have them: a column a chip (``batchsize | T4 | 310P | 310P/T4``), a row a chip
(``chip | batch size | accuracy | performance``), and a column a batch size. Ratios are never taken for throughputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from harness.parsing.published_cells import (
    Chip,
    Value,
    batch_in,
    chips_in,
    is_best,
    is_missing,
    is_too_large,
    metrics_in,
    model_in,
    value_in,
    without_batch,
)
from harness.parsing.published_columns import Columns, columns_of, turned
from harness.parsing.published_ratios import doubtful_ratios
from harness.parsing.table import Table, plain
from harness.records.references import Citation, Reference

_SEVERAL = re.compile(r"[*x\u00d7] ?4(?!\d)|\d ?卡|单卡|aoe|autotune", re.IGNORECASE)
"""What a header says of a column that its reader must know: how many devices, how it was tuned."""


@dataclass(frozen=True)
class Published:
    """What tables state: the references, and a line on each cell or table that was left out or is not certain."""

    references: tuple[Reference, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass
class _Row:
    """A row of a table while it is read: ``cells`` as stated; ``model`` where the table names one for all its rows."""

    place: str
    header: Sequence[str]
    cells: Sequence[str]
    columns: Columns
    citation: Citation
    remarks: list[str] = field(default_factory=list)

    def cell(self, kind: str) -> str:
        """The text in the column of a kind; empty where there is no such column, or nothing in it."""
        at = self.columns.first(kind)
        return "" if at is None or is_missing(self.cells[at]) else plain(self.cells[at])


def published(tables: Iterable[Table], citation: Citation, *, model: str | None = None) -> Published:
    """The references that tables state. ``model`` names them; None: the table's own model column or label of the row.

    ``citation`` is completed with each table's lines, or with what its own columns say of file, commit, date and lines.
    """
    references: list[Reference] = []
    remarks: list[str] = []
    skipped: list[str] = []
    for table in tables:
        where = f"lines {table.first}-{table.last}"
        upright = turned(table)
        columns = columns_of(upright)
        if columns is None:
            skipped.append(where)
            continue
        cited = replace(citation, lines=f"{table.first}-{table.last}")
        rows = [
            _Row(f"{where}, row {number}", upright.header, cells, columns, cited)
            for number, cells in enumerate(upright.rows, start=1)
            if not all(is_missing(cell) for cell in cells)
        ]
        names = {name for row in rows if (name := _model(row))}
        only = next(iter(names)) if len(names) == 1 else ""
        for row in rows:
            references += _references(row, model or _model(row) or only, where)
            remarks += row.remarks
    if skipped:
        named = ", ".join(skipped[:5]) + (f" and {len(skipped) - 5} more" if len(skipped) > 5 else "")
        remarks.append(f"no throughput or accuracy of a chip, left out: the tables in {named}")
    return Published(tuple(references), tuple(dict.fromkeys(remarks)))


def _model(row: _Row) -> str:
    """The model that a row names, empty where it names none."""
    named = row.cell("model") or row.cell("label")
    if is_best(named):
        return ""
    return named if row.cell("batch") else model_in(named)


def _references(row: _Row, model: str, where: str) -> Iterator[Reference]:
    """A row's references: one for each chip with a throughput, or one for its accuracy alone."""
    if not model:
        row.remarks.append(f"{where}: no model is named, left out; give model=NAME")
        return
    label = row.cell("label")
    batch_text = row.cell("batch") or label
    best = is_best(batch_text) or is_best(label)
    base = Reference(
        model=model,
        citation=_citation(row),
        batchsize=None if best else batch_in(batch_text, bare=batch_text != label or row.columns.label_is_batch),
        best=best,
        dataset=row.cell("dataset") or None,
        precision=row.cell("precision") or None,
        notes=tuple(_notes(row, model)),
        stated=_stated(row.header, row.cells),
    )
    found = list(_throughputs(row))
    doubts = doubtful_ratios(row.header, row.cells)
    for chip, value, head in found:
        own, original = _metrics(row, chip)
        told_apart = sum(chip.name == other.name for other, _, _ in found) > 1 or _SEVERAL.search(head)
        notes = [*base.notes, *([f"column: {head}"] if told_apart else []), *doubts.get(chip.name, ())]
        if value.number is None and not value.too_large:
            notes.append("a time, not a throughput; not converted, as it is not stated what took so long")
        yield replace(
            base,
            chip=chip.name,
            chip_stated=chip.stated,
            batchsize=value.batchsize or base.batchsize,
            best=base.best or is_best(head),
            throughput=value.number,
            throughput_stated=value.text,
            unit=value.unit,
            outcome="oom" if value.too_large else "ok",
            metrics=own,
            original=original,
            unknown=tuple(_unknown(value, base)),
            notes=tuple(notes),
        )
    if not found:
        yield from _without_throughput(row, base)


def _throughputs(row: _Row) -> Iterator[tuple[Chip, Value, str]]:
    """Each chip of a row with its throughput and the header of its column."""
    of_row = _chips_of(row)
    unit = row.cell("unit")
    for at in row.columns.throughputs:
        head = row.header[at]
        column = f"column {head or at + 1}"
        chips = chips_in(head) or of_row
        text = plain(row.cells[at])
        try:
            value = value_in(text, head)
            if value is not None and unit and unit.casefold() not in {"unstated", "unknown"}:
                value = value_in(f"{text} {unit}")
        except ValueError as reason:
            row.remarks.append(f"{row.place}, {column}: {text!r} {reason}; left out")
            continue
        if value is None:
            continue
        if len(chips) == 1:
            yield chips[0], value, head
        else:
            what = f"{len(chips)} chips are named" if chips else "no chip is named"
            row.remarks.append(f"{row.place}, {column}: {what} for {text!r}; left out")


def _chips_of(row: _Row) -> tuple[Chip, ...]:
    """The chips that the row's own cell names; how it states them (``310*4``) is kept."""
    stated = row.cell("chip")
    return tuple(replace(chip, stated=stated) for chip in chips_in(stated))


def _without_throughput(row: _Row, base: Reference) -> Iterator[Reference]:
    """What a row without throughput says of its chip, or of an NPU not named: an accuracy, or that it did not fit."""
    of_row = _chips_of(row)
    places = (*row.columns.own, *row.columns.original)
    too_large = next((plain(cell) for cell in row.cells if is_too_large(cell)), None)
    if not any(re.search(r"\d", row.cells[at]) for at in places) and not (row.cell("chip") and row.columns.throughputs):
        return
    heads = " ".join(row.header[at] for at in row.columns.own)
    for chip in of_row or chips_in(heads) or (Chip("", row.cell("chip") or "NPU"),):
        own, original = _metrics(row, chip)
        yield replace(
            base,
            chip=chip.name or None,
            chip_stated=chip.stated,
            throughput_stated=too_large,
            outcome="oom" if too_large else "ok",
            metrics=own,
            original=original,
        )


def _metrics(row: _Row, chip: Chip) -> tuple[dict[str, float], dict[str, float]]:
    """The accuracies in per cent of a chip, and those of the model's origin."""
    own: dict[str, float] = {}
    original: dict[str, float] = {}
    for at in row.columns.own:
        named = {each.name for each in chips_in(row.header[at])}
        if not named or chip.name in named or not chip.name:
            own |= _accuracies(row, at)
    for at in row.columns.original:
        original |= _accuracies(row, at)
    return own, original


def _accuracies(row: _Row, at: int) -> dict[str, float]:
    """The accuracies of a cell; a percentage of which neither cell nor header says what it is, is said and left out."""
    text = plain(row.cells[at])
    found = metrics_in(text, row.header[at])
    if not found and re.fullmatch(r"\d+(?:\.\d+)? ?%", text):
        row.remarks.append(f"{row.place}, column {row.header[at]}: {text!r} does not say of which metric; left out")
    return found


def _stated(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """All columns of a row by their headers; the second of two alike is told apart by its number."""
    stated: dict[str, str] = {}
    for at, (head, cell) in enumerate(zip(header, cells, strict=True), start=1):
        key = head or f"column {at}"
        stated[key if key not in stated else f"{key} ({at})"] = cell
    return stated


def _notes(row: _Row, model: str) -> Iterator[str]:
    """What the row's label says beside batch size and model, its own note, and whether four devices were counted."""
    for text in dict.fromkeys(filter(None, (row.cell("label"), row.cell("model")))):
        rest = without_batch(text)
        if rest and rest != model and not is_best(text) and not text.isdigit():
            yield f"row: {text}"
    if row.cell("note"):
        yield row.cell("note")
    if row.cell("four_devices"):
        yield f"x4_in_readme: {row.cell('four_devices')}"


def _unknown(value: Value, base: Reference) -> Iterator[str]:
    """What a table of throughputs leaves open, beside what only its page could say."""
    if value.unit is None and not value.too_large:
        yield "unit of the throughput"
    if base.precision is None:
        yield "precision"
    yield from ("boundary", "repeats", "spread")


def _citation(row: _Row) -> Citation:
    """The citation with what the row's own columns say of it."""
    given = {kind: row.cell(kind) for kind in ("file", "commit", "date", "lines") if row.cell(kind)}
    return replace(row.citation, **given) if given else row.citation
