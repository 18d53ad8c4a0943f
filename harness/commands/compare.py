"""``python -m harness.compare A B``: is B faster than A, and how sure is that."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from rich.console import Console

from harness.commands.arguments import argument, read_arguments
from harness.config.locate import harness_home
from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from harness.records.schema import Record

COMMAND = "python -m harness.compare A B"


@dataclass(frozen=True)
class Compare:
    """Compare B with A: the ratio of their throughputs, its 95 % interval, and one word: faster, slower or ~.

    A and B are each a record's folder, a sweep, SWEEP/CELL, or the name of a cell (then its newest record). Of two
    sweeps all cells that both have are compared.
    """

    positional: tuple[str, ...] = argument("A and B", default=())
    difference: Annotated[float, Field(gt=0, lt=10)] = argument(
        "the relative difference for which `rounds needed` is planned", default=0.03
    )
    mixed: bool = argument("compare what was simulated with what was measured all the same", default=False)
    floor: Annotated[float, Field(ge=0, lt=10)] | None = argument(
        "what is noise, as a relative difference (null: what harness.calibrate found for the device, if it did)",
        default=None,
    )
    home: str | None = argument("the folder with the records (null: HARNESS_HOME, or mlruns)", default=None)
    method: Literal["none", "en", "zh"] = argument("add the paragraph that says how it was measured", default="none")
    format: Literal["terminal", "markdown", "json"] = argument("how it is printed", default="terminal")


def main(words: Sequence[str] | None = None) -> int:
    """Print the comparison; the exit status is 0, or 2 for wrong arguments."""
    try:
        _run(read_arguments(Compare, sys.argv[1:] if words is None else words, command=COMMAND))
    except HarnessError as error:
        print(f"harness.compare: {error}", file=sys.stderr)
        return 2
    return 0


def _run(wanted: Compare) -> None:
    from harness.records.find import named_records
    from harness.report.comparison import compared, matched
    from harness.report.comparison_table import comparison_json, comparison_table
    from harness.report.method import method_card

    if len(wanted.positional) != 2:
        raise ConfigError(f"give two names, A and B ({len(wanted.positional)} given); --help says what they may be")
    home = harness_home(wanted.home)
    a, b = (named_records(name, home) for name in wanted.positional)
    pairs, unmatched = matched(a, b)
    if not pairs:
        raise ConfigError(f"{' and '.join(wanted.positional)} have no cell in common: neither a name, nor a batch size")
    other = next((pair for pair in pairs if pair[0].source != pair[1].source), None)
    if other is not None and not wanted.mixed:
        one, two = other
        raise ConfigError(
            f"{one.name} was {one.source} and {two.name} {two.source}: their ratio says nothing of the devices; "
            "give mixed=true to compare them all the same"
        )
    rows = [compared(*pair, difference=wanted.difference, floor=_floor(wanted, home, *pair)) for pair in pairs]
    if wanted.format == "json":
        print(json.dumps([comparison_json(row) for row in rows], indent=1))
        return
    table = comparison_table(rows, wanted.difference, unmatched)
    card = "" if wanted.method == "none" else method_card([*a, *b], wanted.method)
    if wanted.format == "markdown":
        print(table.markdown(), end="")
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(table)
    if card:
        print(f"\n{card}")


def _floor(wanted: Compare, home: Path, *records: Record) -> float:
    """The |ln ratio| below which a difference is noise: as asked for, else the larger floor of the two devices."""
    if wanted.floor is not None:
        return math.log1p(wanted.floor)
    from harness.records.floors import noise_floor

    found = [noise_floor(home, record) for record in records]
    return max((each.floor for each in found if each is not None), default=0.0)
