"""How soon a resumed sweep of 10 000 cells starts its first step: ``python benchmarks/resume.py [CELLS]``.

Nine tenths of the cells are finished, the others have one round of three. Nothing is measured: the time ends where the
first child would be started; starting Python and its imports, a second or so, is not in it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness.commands.resume import main
from harness.config.compose import compose_settings
from harness.records.io import record_folder, write_record
from harness.records.schema import Outcome, Record, Repeat, Step
from harness.stages.pipeline import preparation
from harness.sweep import run as sweep_run
from harness.sweep.folder import MANIFEST_FILE, UNFINISHED_FILE, sweep_folder
from harness.sweep.manifest import Cell, Manifest, write_manifest

ROUNDS = 3
REPEAT = Repeat(1, "2026-01-01T00:00:00+00:00", "compute", 20, 5.0, 5.0, 4.0, 6.0, 2, 9.0, 0.1, 2.0, "round-01.npz")
SURROUNDINGS = {f"fact {number}": "x" * 40 for number in range(150)}
"""What fills a record to its usual 10 KB."""


def prepare(home: Path, count: int) -> None:
    """Write the manifest and the records of a sweep that was killed."""
    settings = compose_settings("model=swin98_tiny", "soc_version=cpu", "measure=smoke", "tracking=none")
    settings = replace(settings, parity=replace(settings.parity, enabled=False))
    settings = replace(settings, export=replace(settings.export, simplify=False))
    cells = tuple(Cell(index, f"cell-{index:05d}", (f"seed={index}",), settings) for index in range(count))
    manifest = Manifest("big", "2026-01-01T00:00:00+00:00", ("harness",), cells)
    folder = sweep_folder(home, "big")
    write_manifest(manifest, folder / MANIFEST_FILE)
    (folder / UNFINISHED_FILE).touch()
    made = [Step(stage, Outcome("ok"), key="0" * 64) for stage in preparation(settings)]
    for cell in cells:
        rounds = ROUNDS if cell.index < count * 9 // 10 else 1
        record = Record(
            record_id=f"{cell.index:032x}",
            sweep_id="big",
            cell=cell.index,
            name=cell.name,
            started=manifest.created,
            finished=manifest.created,
            settings={},
            overrides=cell.overrides,
            outcome=Outcome("ok"),
            source="measured",
            device={},
            steps=(*made, *(Step("measure", Outcome("ok"), round=number + 1) for number in range(rounds))),
            repeats=tuple(replace(REPEAT, round=number + 1) for number in range(rounds)),
            environment=SURROUNDINGS,
        )
        place = record_folder(home, "big", cell.name)
        if cell.index == 0:
            write_record(record, place)  # with a sync; the others are written faster
            continue
        place.mkdir(parents=True)
        (place / "record.json").write_bytes(json.dumps(asdict(record)).encode())


def first_step(run: Any, request: Any, progress: Any) -> None:
    """Stand in for the first child: say when it would have been started, and end."""
    del progress
    wall_s, busy_s = time.monotonic() - BEGAN, processor_s() - USED
    print(f"{run.cell.name} {request.stage}: would start after {wall_s:.1f} s, {busy_s:.1f} s of processor time")
    raise SystemExit(0)


def processor_s() -> float:
    """What this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        os.environ["HARNESS_HOME"] = place
        prepare(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
        USED, BEGAN = processor_s(), time.monotonic()
        sweep_run.run_step = first_step  # type: ignore[assignment]
        main(["big"])
