"""What is settled about accuracy before a sweep starts: trained weights, fitting data, whole samples.

Everything is looked at before anything is built, so that nobody waits for a measurement to learn of a missing file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.config.schema import Settings
from harness.errors import ConfigError, HarnessError
from harness.models.files import is_file
from harness.models.pretrained import RANDOM_INSTEAD
from harness.sweep.manifest import Cell

INSTALL = "pip install 'npu-harness[evaluate]'"
NEEDED = {"cv2": "opencv-python-headless", "numba": "numba", "av": "av"}
SHOWN = 3
"""How many left-out samples a note names; the record names all."""


def check_data_named(settings: Settings) -> None:
    """What can be refused at once, before weights are looked for: a library, a data set or its folder is missing.

    Raises:
        ConfigError: as said, in one line.
    """
    from harness.datasets.registry import open_dataset
    from harness.evaluate.plans import check_task

    check_installed()
    check_task(settings)
    open_dataset(settings.dataset)


def checked_data(cells: Sequence[Cell], console: Console) -> list[Cell]:
    """The cells, with absolute paths and with notes on what is left out of their data.

    Raises:
        ConfigError: one line on the first cell whose accuracy cannot be computed, or would mean nothing.
    """
    notes: dict[str, tuple[str, ...]] = {}
    done = []
    for given in cells:
        if not given.settings.evaluates or given.decided:
            done.append(_with_unused(given))
            continue
        cell = replace(given, settings=_absolute(given.settings))
        settings = cell.settings
        _check_weights(cell)
        seen = repr((settings.dataset, settings.model.task))
        if seen not in notes:
            notes[seen] = _looked_through(settings, console)
        _check_fit(settings)
        done.append(replace(cell, notes=(*cell.notes, *notes[seen])))
    return done


def _absolute(settings: Settings) -> Settings:
    """A manifest may be gone on with from another folder."""
    data, evaluate = settings.dataset, settings.evaluate
    return replace(
        settings,
        dataset=replace(data, root=_path(data.root)),
        evaluate=replace(evaluate, folder=_path(evaluate.folder)),
    )


def _path(given: str | None) -> str | None:
    return None if given is None else str(Path(given).expanduser().absolute())


def _with_unused(cell: Cell) -> Cell:
    data = cell.settings.dataset
    if data.kind == "none" or cell.settings.evaluate.enabled:
        return cell
    return replace(cell, notes=(*cell.notes, f"dataset={data.name} is not used: accuracy needs evaluate=true"))


def _check_weights(cell: Cell) -> None:
    """Accuracy of random weights is a number that means nothing: only who asks for them by name gets it."""
    model = cell.settings.model
    if is_file(model) or model.checkpoint is not None or model.weights == "random":
        return
    why = "; ".join(note.removesuffix(RANDOM_INSTEAD) for note in cell.notes) or f"{model.name} has no trained weights"
    raise ConfigError(
        f"evaluate=true: {why}; the accuracy of random weights means nothing: give model.checkpoint=FILE, or ask for "
        "it by name with model.weights=random"
    )


def check_installed() -> None:
    """Refuse an evaluation that this installation is not made for. Raises ConfigError."""
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ConfigError(f"evaluate=true: not installed here: {', '.join(missing)}; {INSTALL}")


def _check_fit(settings: Settings) -> None:
    from harness.graph.enlarge import RULE, left_to_host

    if left_to_host(settings.model) and settings.evaluate.mode == "files":
        raise ConfigError(
            f"evaluate.mode=files: outputs that {RULE} makes smaller are evaluated in memory only; use"
            f" evaluate.mode=stream, or leave {RULE} out of model.graph.rules"
        )
    from harness.evaluate.plans import opened_plan

    with opened_plan(settings):
        pass


def _looked_through(settings: Settings, console: Console) -> tuple[str, ...]:
    """Notes on the samples that are left out.

    Raises:
        ConfigError: the data is not there, or some samples cannot be used and none may be left out; all are named.
    """
    from harness.datasets.check import usable
    from harness.evaluate.plans import check_task, opened_plan

    check_task(settings)
    data = settings.dataset
    with opened_plan(settings) as plan:
        total = len(plan.dataset.items)
        with console.status(f"{data.name}: looking through {total} {plan.unit}"):
            try:
                items, bad = usable(plan.dataset, data.on_bad_sample, settings.evaluate.workers)
            except HarnessError as error:
                raise ConfigError(str(error)) from error
    if not bad:
        return ()
    named = "; ".join(f"{each.item_id}: {each.reason}" for each in bad[:SHOWN]) + ("; ..." if len(bad) > SHOWN else "")
    return (f"{data.name}: {len(bad)} of {total} {plan.unit} are left out, {len(items)} stay: {named}",)
