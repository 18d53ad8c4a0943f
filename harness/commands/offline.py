"""Accuracy in three steps, for those who infer elsewhere: write the inputs, infer them, evaluate a folder of outputs.

What a step needs of the configuration is the same ``key=value`` as in ``python -m harness``; the numbers are the same
as those of the streamed evaluation at the same batch size.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.commands.data import check_installed
from harness.config.schema import Settings
from harness.errors import ConfigError
from harness.models.files import OPENMMLAB, is_file
from harness.sweep.manifest import Cell, Manifest

STEPS = {"write": ("inputs",), "infer": ("inputs", "outputs"), "evaluate": ("outputs",)}
"""The steps, and the folders that each must be given."""
USAGE = """usage: python -m harness.offline STEP FOLDERS KEY=VALUE ...

  write     inputs=DIR                model=M dataset=D dataset.root=DIR
  infer     inputs=DIR outputs=DIR    model=M batchsize=N
  evaluate  outputs=DIR [results=DIR] model=M dataset=D dataset.root=DIR

write     puts a file for every sample into a folder, named as the seed's scripts name them
infer     is for machines without ais_bench: it writes outputs as ais_bench does
evaluate  reads outputs (<input's stem>_0.bin) and prints the tables; results=DIR also gets tables, pictures and a page
KEY=VALUE is any key of `python -m harness`, such as model=onnx model.file=FILE, dataset.limit=N, backend=NAME."""


def run_step(step: str, folders: dict[str, Path], settings: Settings, overrides: Sequence[str]) -> None:
    """Do one step; prints what was made or found.

    Raises:
        HarnessError: a folder that is not there, data that cannot be used, outputs that are missing or of another size.
    """
    check_installed()
    settings = replace(settings, evaluate=replace(settings.evaluate, enabled=step != "infer"))
    if step == "infer":
        _infer(_prepared(settings, overrides), folders["inputs"], folders["outputs"])
        return
    if is_file(settings.model):
        from harness.commands.model_file import FileReader

        settings = FileReader({}).cell(_cell(settings, overrides)).settings
    if settings.model.kind == OPENMMLAB:
        from harness.commands.configuration import ConfigurationReader

        settings = ConfigurationReader().settings(settings)
    if step == "write":
        _write(settings, folders["inputs"])
    else:
        _evaluate(settings, folders["outputs"], folders.get("results"))


def _cell(settings: Settings, overrides: Sequence[str]) -> Cell:
    return Cell(index=0, name="offline", overrides=tuple(overrides), settings=settings)


def _prepared(settings: Settings, overrides: Sequence[str]) -> Settings:
    from harness.commands.prepare import prepared

    manifest = Manifest("offline", "", (), (_cell(settings, overrides),))
    cell = prepared(manifest, Console(file=io.StringIO())).cells[0]
    if cell.decided is not None:
        raise ConfigError(cell.decided.message or cell.decided.status)
    return cell.settings


def _write(settings: Settings, inputs: Path) -> None:
    from harness.datasets.check import usable
    from harness.evaluate.accumulate import Settings as How
    from harness.evaluate.files import check_room, count_samples, write_inputs
    from harness.evaluate.plans import opened_plan

    how = How(workers=settings.evaluate.workers, on_bad_sample=settings.dataset.on_bad_sample)
    with opened_plan(settings) as plan:
        items, bad = usable(plan.dataset, how.on_bad_sample, how.workers)
        check_room(inputs, count_samples(plan.dataset, items, how) * plan.sample.size_bytes)
        names = write_inputs(plan.dataset, items, inputs, how)
        unit = plan.unit
    _list_file(inputs).write_text("\n".join(names) + "\n", encoding="utf-8")
    left_out = f"; {len(bad)} left out" if bad else ""
    print(f"{len(names)} inputs of {len(items)} {unit} in {inputs}{left_out}; their order is in {_list_file(inputs)}")


def _list_file(inputs: Path) -> Path:
    """The names in the data set's order, beside the folder, in which ais_bench would take it for an input."""
    return inputs.with_name(f"{inputs.name}.names.txt")


def _infer(settings: Settings, inputs: Path, outputs: Path) -> None:
    from harness.backends.registry import cell_backend
    from harness.config.locate import harness_home
    from harness.evaluate.files import infer_folder
    from harness.evaluate.outputs import SampleFormat
    from harness.evaluate.task import Model
    from harness.stages.evaluation import Reporter
    from harness.stages.execute import execute
    from harness.stages.pipeline import Pipeline, finished
    from harness.stages.store import Store

    if not inputs.is_dir():
        raise ConfigError(f"inputs={inputs}: no such folder; `python -m harness.offline write` makes it")
    found = sorted(path.name for path in inputs.glob("*.bin"))
    if not found:
        raise ConfigError(f"inputs={inputs}: holds no .bin files; `python -m harness.offline write` makes them")
    listed = _list_file(inputs)
    names = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else found
    home = harness_home()
    pipeline = Pipeline(settings, Store(home / "store"), home / "offline")
    while (request := pipeline.advance()) is not None:
        pipeline.accept(request, finished(request, execute(request), started="", wall_s=0.0))
    model = settings.model.inputs[0]
    sample = SampleFormat(tuple(model.shape[1:]), model.dtype)
    with cell_backend(settings).load(pipeline.store.path(pipeline.model)) as session:
        runtime: Any = session
        fed = Model(runtime, model.name, settings.batchsize)
        infer_folder(fed, names, inputs, outputs, sample, progress=Reporter(None, "samples"))
    print(f"{len(names)} outputs in {outputs}, at batch size {settings.batchsize} with {settings.backend.name}")


def _evaluate(settings: Settings, outputs: Path, results: Path | None) -> None:
    from harness.evaluate.files import evaluate_outputs
    from harness.evaluate.written import write_files
    from harness.stages.evaluation import Place, evaluate_with

    def run(plan: Any, items: Any, how: Any) -> Any:
        return evaluate_outputs(plan.dataset, items, outputs, output=plan.output, task=plan.task, settings=how)

    files = replace(settings, evaluate=replace(settings.evaluate, mode="files"))
    if results is None:
        evaluate_with(run, files, Place())
        return
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="harness-offline-") as name:
        found = evaluate_with(run, files, Place(Path(name), draw=True))
        made = write_files(Path(name), found.accuracy, found.findings, found.examples, found.worst)
        for place, file in made.items():
            (results / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, results / place)
    print(f"\ntables, pictures and the page {results / 'tables' / 'accuracy.html'} are in {results}")
