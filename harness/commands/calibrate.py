"""How far a cell lies from itself: one sweep of two equal cells, and the noise floor that follows from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from harness.commands.run import run_manifest
from harness.config.freeze import CellSource, freeze
from harness.errors import HarnessError
from harness.records.floors import Floor, keep_floor, place_of
from harness.records.io import read_record, record_folder
from harness.records.schema import Record
from harness.report.comparison import compared, throughputs
from harness.timing.statistics import aa_floor, log_ratios

ROUNDS = 10
USAGE = """usage: python -m harness.calibrate KEY=VALUE ...

Measures one cell against itself, in 10 rounds (or measure.rounds), and keeps this device's noise floor: the 95th
percentile of |ln ratio| over the rounds. Tables of comparison print ~ for what lies below it.
KEY=VALUE is any key of `python -m harness` for one cell, such as model=swin98_tiny batchsize=1 measure=standard."""


def calibrate(composed: CellSource, overrides: Sequence[str], home: Path) -> int:
    """Measure and keep the floor; ``composed`` is one cell as composed. Returns the exit status.

    Raises:
        HarnessError: as the sweep, or a cell that was not measured in two rounds at least.
    """
    from harness.devices import present

    plan = freeze([composed] * 2, [tuple(overrides)] * 2, command=("calibrate", *overrides), present=present)
    status = run_manifest(plan, home)
    one, other = (read_record(record_folder(home, plan.sweep_id, cell.name)) for cell in plan.cells)
    floor = floor_of(one, other)
    keep_floor(home, floor)
    print("\n".join(told(one, other, floor)))
    return status


def floor_of(one: Record, other: Record) -> Floor:
    """The floor that two records of the same cell show.

    Raises:
        HarnessError: they share fewer than two rounds.
    """
    a, b = throughputs(one), throughputs(other)
    both = sorted(a.keys() & b.keys())
    if len(both) < 2:
        raise HarnessError(f"{one.name}: measured in {len(both)} rounds; a noise floor needs two at least")
    host, soc_version, hardware, backend = place_of(one)
    return Floor(
        host=host,
        soc_version=soc_version,
        hardware=hardware,
        backend=backend,
        floor=aa_floor(log_ratios([a[number] for number in both], [b[number] for number in both])),
        rounds=len(both),
        cell=one.name,
        sweep_id=one.sweep_id,
        measured=one.finished,
    )


def told(one: Record, other: Record, floor: Floor) -> list[str]:
    """What a user learns: the floor, and whether the cell differs from itself, which it should not."""
    row = compared(one, other)
    lines = [
        (
            f"noise floor of {floor.soc_version} ({floor.hardware}) with {floor.backend}:"
            f" {100 * math.expm1(floor.floor):.2g} % over {floor.rounds} rounds of {floor.cell}"
        )
    ]
    if row.word != "~" and row.ratio is not None:
        lines.append(
            f"warning: the cell differs from itself by {100 * abs(row.ratio.ratio - 1):.2g} %: chance (one in twenty),"
            " or something that the rotation of the rounds does not balance; calibrate again"
        )
    return lines
