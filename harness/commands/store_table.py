"""The tables of ``python -m harness.store``: what each stage has in the store, and the largest files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from harness.report.digits import MISSING
from harness.report.grid import Grid
from harness.stages.collect import total_bytes
from harness.stages.holdings import Holding, Holdings, Leftover

_DIGITS = 12
"""How many digits of its SHA-256 a file is shown with."""
_UNITS = ("B", "kB", "MB", "GB", "TB")


def size_words(size_bytes: int) -> str:
    """``812 B``, ``4.2 kB``, ``110 MB``: powers of 1000, three digits at most."""
    value, unit = float(size_bytes), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit and value < 9.95 else f"{value:.0f} {_UNITS[unit]}"


def time_words(seconds: float) -> str:
    """A time since 1970 as the local day and minute."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def thing_words(each: Holding | Leftover) -> str:
    """A file or a leftover in one line: size, stage, name, last use."""
    if isinstance(each, Leftover):
        what = f"left of a process  {each.path.parent.name}/{each.path.name}"
    else:
        what = f"{'+'.join(each.stages)}  {file_name(each)}"
    return f"{size_words(each.size_bytes):>7}  {time_words(each.used_s)}  {what}"


def stages_table(held: Holdings) -> Grid:
    """One row a stage, the largest first, then what is left of processes, then the sum.

    ``results`` are what the stage need not do again; some, such as parity's, have no files.
    """
    groups: dict[str, list[Holding | Leftover]] = {}
    for each in held.files:
        groups.setdefault("+".join(each.stages), []).append(each)
    results = Counter(key.stage for key in held.keys)
    for stage in results:
        groups.setdefault(stage, [])
    ordered = sorted(groups.items(), key=lambda group: (-total_bytes(group[1]), group[0]))
    if held.leftovers:
        ordered.append(("left of processes", list(held.leftovers)))
    return Grid(
        columns=("stage", "results", "files", "size", "needed", "not needed", "last use"),
        rows=[_group_row(name, results.get(name), each) for name, each in (*ordered, ("all", list(held.everything)))],
        numbers=frozenset({"results", "files", "size", "needed", "not needed", "last use"}),
        least_needed=("last use", "needed"),
    )


def files_table(files: Sequence[Holding]) -> Grid:
    """One row a file, in the order given."""
    return Grid(
        columns=("file", "stage", "size", "last use", "needed by"),
        rows=[
            {
                "file": file_name(each),
                "stage": "+".join(each.stages),
                "size": size_words(each.size_bytes),
                "last use": time_words(each.used_s),
                "needed by": _sweeps(each.needed_by),
            }
            for each in files
        ],
        numbers=frozenset({"size", "last use"}),
        least_needed=("last use", "needed by"),
    )


def _group_row(name: str, results: int | None, things: Sequence[Holding | Leftover]) -> dict[str, str]:
    needed = [each for each in things if each.needed_by]
    return {
        "stage": name,
        "results": MISSING if results is None else str(results),
        "files": str(len(things)),
        "size": size_words(total_bytes(things)),
        "needed": size_words(total_bytes(needed)),
        "not needed": size_words(total_bytes(things) - total_bytes(needed)),
        "last use": time_words(max(each.used_s for each in things)) if things else MISSING,
    }


def needing_lines(files: Sequence[Holding]) -> Iterator[str]:
    """Every file that is needed, and below it every cell that needs it."""
    for each in files:
        if each.needed_by:
            yield f"{file_name(each)} is needed by"
            yield from (f"  {name}" for name in each.needed_by)


def _sweeps(cells: Sequence[str]) -> str:
    """The newest sweep that needs a file, with how many of its cells, and how many more there are."""
    if not cells:
        return "nobody"
    counts = Counter(cell.partition("/")[0] for cell in cells)
    newest = max(counts)
    more = f", {len(counts) - 1} more" if len(counts) > 1 else ""
    return f"{newest} ({counts[newest]} cell{'s' * (counts[newest] != 1)}){more}"


def file_name(each: Holding) -> str:
    """The first digits of a file's SHA-256, with its ending."""
    return f"{each.path.stem[:_DIGITS]}{each.path.suffix}"
