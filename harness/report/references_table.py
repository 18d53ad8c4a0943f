"""The table of references: what was published of which model on which chip, and where that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.records.references import Citation, Reference
from harness.report.digits import MISSING
from harness.report.grid import Grid
from harness.report.words import MARKS

COLUMNS = ("model", "chip", "batch", "throughput", "unit", "accuracy %", "of the original %", "source")
NOT_KNOWN = "not known"


def references_table(references: Sequence[Reference], hidden: int = 0) -> Grid:
    """The table; ``hidden`` is how many more there are, which a note says."""
    notes = [f"{MARKS['reference']} reference: published by somebody else, not measured here."] if references else []
    if any(each.throughput and each.unit is None for each in references):
        notes.append(f"unit {NOT_KNOWN}: its source does not state it; comparable only within that source.")
    if hidden > 0:
        notes.append(f"and {hidden} more")
    if not references:
        notes.append("No references.")
    return Grid(
        columns=COLUMNS,
        rows=[_row(each) for each in references],
        notes=notes,
        numbers=frozenset({"batch", "throughput"}),
        least_needed=("of the original %", "accuracy %", "unit"),
    )


def _row(reference: Reference) -> dict[str, str]:
    throughput = MISSING
    if reference.outcome == "oom":
        throughput = "did not fit"
    elif reference.throughput is not None:
        throughput = _printed(reference) + MARKS["reference"]
    elif reference.throughput_stated:
        throughput = reference.throughput_stated + MARKS["reference"]
    sizes = ["best" if reference.best else "", str(reference.batchsize or "")]
    unit = reference.unit or NOT_KNOWN
    return {
        "model": reference.model,
        "chip": reference.chip or reference.chip_stated or MISSING,
        "batch": " ".join(filter(None, sizes)) or MISSING,
        "throughput": throughput,
        "unit": unit if reference.throughput is not None else MISSING,
        "accuracy %": _metrics(reference.metrics),
        "of the original %": _metrics(reference.original),
        "source": _where(reference.citation),
    }


def _where(citation: Citation) -> str:
    """Publisher, the end of the file's path, and the lines; the whole citation stands in JSON."""
    file = "/".join((citation.file or "").split("/")[-2:])
    lines = f"lines {citation.lines}" if citation.lines and not file else citation.lines
    place = ":".join(filter(None, (file, lines)))
    return " ".join(filter(None, (citation.source, place, f"({citation.date})" if citation.date else "")))


def _printed(reference: Reference) -> str:
    """The number with the digits that its source prints, without the unit."""
    stated = (reference.throughput_stated or "").split()
    number = next((word for word in stated if word.replace(".", "", 1).isdigit()), None)
    return number if number and float(number) == reference.throughput else f"{reference.throughput:g}"


def _metrics(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in metrics.items()) or MISSING
