"""The accuracy table as it is published, with merged cells: model, batch size, device, own float32, published."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from harness.records.references import Reference
from harness.records.schema import Source
from harness.report.accuracy_entries import Agreement, Entry, agreements, entries, metric_names
from harness.report.digits import MISSING, rounded
from harness.report.figures import ACCURACY_PLACES, accuracy_text
from harness.report.reference_notes import remarks
from harness.report.report_words import cited_words, enumerated, phrase
from harness.report.rows import Row
from harness.report.series import Key, Series, labels
from harness.report.table import Cell, Column, Language, Table
from harness.report.words import MARKS

ASCEND = "NPU"
"""What the published tables call the device where only one stands in them."""

Shape = tuple[Column, Callable[[Entry], Cell], bool]
"""A column, what fills it, and whether equal cells of one series that lie below each other are merged."""


def accuracy_merged(model: str, rows: Sequence[Row], language: Language) -> Table | None:
    """The table of one model's rows, or None where none has an accuracy."""
    found = entries(rows)
    if not found:
        return None
    names = labels(
        [Series(key, {}) for key in dict.fromkeys(entry.key for entry in found)], phrase(language, "published")
    )
    shapes = _shapes(model, found, names, language)
    columns = [
        _merged([cell(entry) for entry in found], [entry.key for entry in found], merge) for _, cell, merge in shapes
    ]
    findings = [_finding(each, names, language) for each in agreements(found)]
    return Table(
        name=f"accuracy-{model}",
        title=phrase(language, "accuracy", model=model),
        columns=tuple(column for column, _, _ in shapes),
        rows=tuple(zip(*columns, strict=True)),
        lead=(" " if language == "en" else "").join(findings),
        notes=tuple(_notes(found, names, language)),
    )


def _shapes(model: str, found: Sequence[Entry], names: Mapping[Key, str], language: Language) -> list[Shape]:
    several = len(names) > 1
    (first, *_) = names
    device = (
        phrase(language, "each_device")
        if several
        else ASCEND
        if first.soc_version.startswith("Ascend")
        else names[first]
    )
    shapes: list[Shape] = [(Column("model", phrase(language, "model"), number=False), lambda _: Cell(model), True)]
    if several:
        title = Column("device", phrase(language, "chip"), number=False)
        shapes.append((title, lambda entry: Cell(names[entry.key], source=entry.row.source), True))
    shapes.append((Column("batchsize", phrase(language, "batchsize")), _batchsize(found, language), False))
    for metric in metric_names(found):
        title = Column(metric, phrase(language, "metric", metric=metric, device=device))
        shapes.append((title, _value(metric, lambda entry: entry.metrics, None), True))
        if any(metric in entry.own for entry in found):
            title = Column(f"{metric} own fp32", phrase(language, "metric_own", metric=metric))
            shapes.append((title, _value(metric, lambda entry: entry.own, "measured"), True))
        if any(metric in entry.original for entry in found):
            title = Column(f"{metric} published", phrase(language, "metric_original", metric=metric))
            shapes.append((title, _value(metric, lambda entry: entry.original, "reference"), True))
    return shapes


def _batchsize(found: Sequence[Entry], language: Language) -> Callable[[Entry], Cell]:
    """The batch size; of a cell that was evaluated more than once, all but the newest say that they are earlier."""
    newest: dict[tuple[Key, int], Entry] = {}
    for entry in found:
        newest.setdefault((entry.key, entry.batchsize), entry)

    def cell(entry: Entry) -> Cell:
        text = str(entry.batchsize)
        earlier = newest[entry.key, entry.batchsize] is not entry
        return Cell(phrase(language, "earlier", size=text) if earlier else text, value=entry.batchsize)

    return cell


def _value(
    metric: str, of: Callable[[Entry], Mapping[str, float]], own_source: Source | None
) -> Callable[[Entry], Cell]:
    """A metric in per cent with the mark of its source, or of the row's; what others published keeps its digits."""

    def cell(entry: Entry) -> Cell:
        value = of(entry).get(metric)
        if value is None or not math.isfinite(value):
            return Cell(MISSING)
        source = own_source or entry.row.source
        return Cell(f"{accuracy_text(value, source)}%{MARKS[source]}", value=value, source=source)

    return cell


def _merged(cells: Sequence[Cell], keys: Sequence[Key], merge: bool) -> list[Cell]:
    """Equal cells below each other as one; a value is merged within a series only, the model's name over all."""
    made = list(cells)
    start = 0
    for place in range(1, len(made)):
        alike = made[place].text == cells[start].text and (made[place].value is None or keys[place] == keys[start])
        if merge and alike and made[place].text != MISSING:
            made[start] = replace(made[start], rows=made[start].rows + 1)
            made[place] = replace(made[place], rows=0)
        else:
            start = place
    return made


def _finding(each: Agreement, names: Mapping[Key, str], language: Language) -> str:
    """Whether the batch sizes agree, and where the accuracy stands against what was published."""
    source = each.source_row.source
    known = {"device": names[each.key], "metric": each.metric, "against": _against(each, language)}
    if len(each.batchsizes) == 1:
        return phrase(language, "one_batch", **known, value=accuracy_text(each.value, source))
    sizes = enumerated(language, each.batchsizes)
    if each.agrees:
        return phrase(language, "batches_agree", **known, sizes=sizes)
    return phrase(language, "batches_differ", **known, sizes=sizes, apart=rounded(each.apart, ACCURACY_PLACES))


def _against(each: Agreement, language: Language) -> str:
    if each.above is None:
        return ""
    points = rounded(abs(each.above), ACCURACY_PLACES)
    if float(points) == 0:
        return phrase(language, "equal")
    return phrase(language, "above" if each.above > 0 else "below", points=points)


def _notes(found: Sequence[Entry], names: Mapping[Key, str], language: Language) -> Iterable[str]:
    yield from dict.fromkeys(_data(entry, names, language) for entry in found if entry.dataset)
    if any(entry.own for entry in found):
        yield phrase(language, "own_note")
    cited = {entry.row.place: entry for entry in found if entry.row.reference}
    originals = {(each.original_source, each.original_mode) for each in found if each.original_source}
    for source, mode in sorted(originals - {(place, None) for place in cited}, key=str):
        words = phrase(language, "mode", mode=mode) if mode else ""
        yield phrase(language, "original_note", source=cited_words(language, source or ""), mode=words)
    if any(entry.row.weights is not None and not entry.row.weights.trained for entry in found):
        yield phrase(language, "untrained")
    for place, entry in cited.items():
        yield phrase(language, "cited", device=names[entry.key], citation=cited_words(language, place))
    published: dict[str, list[Reference]] = {}
    for entry in found:
        if entry.row.reference is not None:
            published.setdefault(names[entry.key], []).append(entry.row.reference)
    yield from remarks(published, language)
    sources = {entry.row.source for entry in found} | ({"reference"} if originals else set())
    yield from (phrase(language, f"mark_{each}") for each in ("simulated", "reference") if each in sources)


def _data(entry: Entry, names: Mapping[Key, str], language: Language) -> str:
    device, accuracy = names[entry.key], entry.row.accuracy
    if accuracy is None:
        mode = phrase(language, "mode", mode=entry.mode) if entry.mode else ""
        return phrase(language, "data_reference", device=device, dataset=entry.dataset, mode=mode)
    known = {"items": accuracy.device.items, "unit": accuracy.unit, "dataset": accuracy.dataset, "mode": accuracy.mode}
    return phrase(language, "data", device=device, **known)
