"""The seed's other way: inputs written as files, inferred elsewhere, outputs read back; each a step of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from harness.datasets.check import stop_at
from harness.datasets.protocol import Dataset, Item, Prepared
from harness.errors import HarnessError
from harness.evaluate.accumulate import Accumulator, Evaluation, Settings
from harness.evaluate.ahead import ahead
from harness.evaluate.batches import infer
from harness.evaluate.outputs import SampleFormat, check_outputs, find_outputs, output_stem, read_values
from harness.evaluate.progress import OnProgress, simple_progress
from harness.evaluate.task import Array, Model, ResultT, Task


def write_inputs(dataset: Dataset, items: Sequence[Item], folder: Path, settings: Settings) -> tuple[str, ...]:
    """Write every sample as a file of raw float32 bytes; returns the names in order.

    Each file appears whole or not at all. Raises HarnessError when two outputs would get the same name, and when the
    folder holds other ``.bin`` files, because ais_bench would infer them as well; an item that breaks raises its
    SampleError, or is left out when ``settings`` say so.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def write(item: Item) -> tuple[str, ...]:
        prepared = dataset.load(item)
        for name, sample in zip(prepared.names, prepared.samples, strict=True):
            unfinished = folder / f"{name}.part"
            np.ascontiguousarray(sample).tofile(unfinished)
            unfinished.replace(folder / name)
        return prepared.names

    names: list[str] = []
    with closing(ahead(write, items, workers=settings.workers, waiting=settings.waiting)) as written:
        for ready in written:
            if ready.problem and settings.on_bad_sample == "stop":
                raise stop_at(ready.item, ready.problem) from ready.problem
            names.extend(ready.value or ())
    outputs = {output_stem(name) for name in names}
    if len(outputs) < len(names):
        raise HarnessError(
            f"{len(names)} inputs would make only {len(outputs)} outputs, because ais_bench cuts names at the first "
            "dot; rename the files"
        )
    foreign = sorted({path.name for path in folder.glob("*.bin")} - set(names))
    if foreign:
        raise HarnessError(
            f"{folder} holds {len(foreign)} other .bin files (first: {foreign[0]!r}), which ais_bench would infer as "
            "well; remove them or take an empty folder"
        )
    return tuple(names)


def count_samples(dataset: Dataset, items: Sequence[Item], settings: Settings) -> int:
    """How many samples the items make, from their outlines alone."""
    return sum(1 for _ in _names(dataset, items, settings))


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raise HarnessError when files of this size do not fit the folder's disk: ADE20K's take 590 GB."""
    folder.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise HarnessError(
            f"the files take {needed_bytes / 1e9:.1f} GB, and {folder} has {free_bytes / 1e9:.1f} GB left; take "
            "another folder, a smaller dataset.limit, or evaluate.mode=stream, which writes nothing",
            reason="disk_full",
        )


def infer_folder(
    model: Model,
    names: Sequence[str],
    inputs: Path,
    outputs: Path,
    sample: SampleFormat,
    *,
    resume: bool = False,
    progress: OnProgress | None = None,
) -> None:
    """Infer input files in the order given and write one output file for each, as ais_bench does.

    For machines whose runtime is not driven by ais_bench. Each output appears whole or not at all; with ``resume`` the
    batches whose outputs are all there already are left out. Raises HarnessError when an input is missing or of another
    size than ``sample``.
    """
    outputs.mkdir(parents=True, exist_ok=True)
    targets = [outputs / f"{output_stem(name)}.bin" for name in names]
    there = next((place for place, target in enumerate(targets) if not target.exists()), len(names)) if resume else 0
    first = there - there % model.batch_size if there < len(names) else there
    started, done = time.monotonic(), first

    def load(item: Item) -> Prepared:
        return Prepared(item, (item.id,), (read_values(inputs / item.id, sample),), None, None)

    items = [Item(name, index) for index, name in enumerate(names)][first:]
    with closing(ahead(load, items, workers=1, waiting=model.batch_size)) as loaded:
        for complete, _ in infer(model, loaded):
            for one in complete:
                if one.problem:
                    raise one.problem
                target = targets[one.item.index]
                unfinished = target.with_name(f"{target.name}.part")
                np.ascontiguousarray(one.outputs[0]).tofile(unfinished)
                unfinished.replace(target)
            done += len(complete)
            if progress:
                progress(simple_progress(done, len(names), done - first, time.monotonic() - started))


def evaluate_outputs(
    dataset: Dataset,
    items: Sequence[Item],
    folder: Path,
    *,
    output: SampleFormat,
    task: Task[ResultT],
    settings: Settings,
) -> Evaluation[ResultT]:
    """Count the outputs in ``folder`` as the streaming evaluation counts them: same state, progress and result.

    Raises HarnessError when outputs are missing or have another size; all of them are looked at before any is counted.
    """
    found = find_outputs(folder)
    check_outputs(_names(dataset, items, settings), found, folder, output)
    counted = Accumulator(task, items, 0, settings)
    todo = items[len(counted.sample_counts) :]

    def load(item: Item) -> tuple[Prepared, list[Array]]:
        outline = dataset.outline(item)
        return outline, [read_values(found[output_stem(name)], output) for name in outline.names]

    try:
        # One item ahead is enough to keep the disk busy; a single image can have half a gigabyte of outputs.
        with closing(ahead(load, todo, workers=1, waiting=1)) as loaded:
            for ready in loaded:
                if ready.value is not None:
                    counted.count(*ready.value)
                elif ready.problem is not None:
                    counted.leave_out(ready.item, ready.problem)
    finally:
        counted.save()
    return counted.evaluation()


def _names(dataset: Dataset, items: Sequence[Item], settings: Settings) -> Iterator[str]:
    with closing(ahead(dataset.outline, items, workers=settings.workers, waiting=16)) as outlines:
        for ready in outlines:
            yield from ready.value.names if ready.value else ()
