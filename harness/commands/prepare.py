"""What is settled once before a sweep starts: each model's file or checkpoint, and the cells that cannot run here.

Everything that can be refused is refused here, in one line, before a folder is made or a manifest written.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace

from rich.console import Console

from harness.commands.configuration import ConfigurationReader
from harness.commands.data import check_data_named, checked_data
from harness.commands.model_file import FileReader
from harness.config.freeze import cell_names
from harness.config.model import ModelSettings
from harness.errors import ConfigError
from harness.models.connect import Network
from harness.models.download_bar import download_bar
from harness.models.files import CONVERTED, OPENMMLAB, is_file
from harness.models.pretrained import PACKAGED, Resolved, cache_dir, resolve
from harness.models.published import file_name
from harness.stages.preflight import preflight
from harness.sweep.changed import frozen_files
from harness.sweep.manifest import Cell, Manifest

INSTALL = "pip install 'npu-harness[export]'"


def prepared(manifest: Manifest, console: Console, *, plan: bool = False) -> Manifest:
    """The manifest with every file and checkpoint frozen, and with the cells decided that cannot run here.

    ``plan``: nothing is downloaded, and a note says what would be.

    Raises:
        ConfigError: a file that is named is not there or none, the published weights that were insisted on cannot be
            had, a tool that is needed is not installed, or the only cell is not supported.
    """
    found: dict[str, Resolved] = {}
    network = Network()  # one try a sweep: what did not answer once is not asked again
    files = FileReader({})
    configurations = ConfigurationReader()
    cells = []
    for given in manifest.cells:
        _check_ends(given)
        cell = given
        if cell.settings.model.kind == OPENMMLAB and not cell.decided:
            cell = replace(cell, settings=configurations.settings(cell.settings))
        if cell.settings.evaluates and not cell.decided:
            check_data_named(cell.settings)
        known = (
            files.cell(cell)
            if is_file(cell.settings.model)
            else _with_checkpoint(cell, found, None if plan else network, console)
        )
        cells.append(_with_simplify(known))
    cells = [cell if cell.decided else replace(cell, decided=preflight(cell.settings)) for cell in cells]
    cells = checked_data(cells, console)
    if any(is_file(cell.settings.model) for cell in cells):
        names = cell_names([cell.settings for cell in cells])  # a file may say another precision
        cells = [replace(cell, name=name) for cell, name in zip(cells, names, strict=True)]
        _refuse_alone(cells)
    for line in dict.fromkeys(f"{cell.settings.model.name}: {note}" for cell in cells for note in cell.notes):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not plan:
        cells = [cell if cell.decided else replace(cell, files=frozen_files(cell.settings)) for cell in cells]
    return replace(manifest, cells=tuple(cells))


def _with_checkpoint(cell: Cell, found: dict[str, Resolved], network: Network | None, console: Console) -> Cell:
    if cell.decided:  # nothing is fetched for a cell that will not run
        return cell
    model = cell.settings.model
    if model.kind != OPENMMLAB and not _installed("torch"):
        raise ConfigError(
            f"model={model.name}: exporting it needs torch, which is not installed here; {INSTALL}, or export it "
            "elsewhere with export_only=true and measure that file with model=onnx model.file=FILE"
        )
    key = repr(replace(model, inputs=(), options={}))  # what decides the weights, whatever the batch size
    if key not in found:
        found[key] = _resolved(model, network, console)
    checkpoint, note = found[key].checkpoint, found[key].note
    frozen = replace(model, checkpoint=str(checkpoint) if checkpoint else None)
    notes = (*cell.notes, note) if note else cell.notes
    return replace(cell, settings=replace(cell.settings, model=frozen), notes=notes)


def _with_simplify(cell: Cell) -> Cell:
    """``export.simplify=auto`` said as true or false, with a note where onnxsim is missing."""
    asked = cell.settings.export.simplify
    converted = cell.settings.model.kind == CONVERTED
    here = _installed("onnxsim")
    if asked is True and not here and not converted and cell.decided is None:
        raise ConfigError(f"export.simplify=true: onnxsim is not installed here; {INSTALL}, or export.simplify=false")
    decided = not converted and (here if asked == "auto" else asked)
    note = f"not simplified: onnxsim is not installed here ({INSTALL})"
    notes = (*cell.notes, note) if asked == "auto" and not here and not converted else cell.notes
    export = replace(cell.settings.export, simplify=decided)
    return replace(cell, settings=replace(cell.settings, export=export), notes=notes)


def _check_ends(cell: Cell) -> None:
    settings = cell.settings
    if settings.model.graph.rules and cell.decided is None and not _installed("onnxscript"):
        rules = ", ".join(settings.model.graph.rules)
        raise ConfigError(
            f"model.graph.rules=[{rules}]: onnxscript is not installed here; {INSTALL}, or 'model.graph.rules=[]'"
        )
    if settings.export_only and settings.convert_only:
        raise ConfigError("export_only=true, convert_only=true: a cell can only end once; give one of them")
    if settings.model.kind == CONVERTED and settings.find_max_batch:
        raise ConfigError(f"find_max_batch=true: {settings.model.file} is converted for one batch size; leave it out")
    if settings.model.kind == CONVERTED and (settings.export_only or settings.convert_only):
        key = "export_only" if settings.export_only else "convert_only"
        raise ConfigError(f"{key}=true: {settings.model.file} is converted already; leave {key} out")


def _refuse_alone(cells: list[Cell]) -> None:
    """A file that cannot be measured is a row among others; alone it is a refusal."""
    reasons = {(cell.decided.reason, cell.decided.message) if cell.decided else None for cell in cells}
    only = reasons.pop() if len(reasons) == 1 else None
    if only is not None and only[0] == "model_file":
        raise ConfigError(only[1] or "")


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _resolved(model: ModelSettings, network: Network | None, console: Console) -> Resolved:
    """The model's weights; without a network those that are here already."""
    published = model.pretrained
    if network is None and published is not None and model.checkpoint is None and model.weights != "random":
        file = cache_dir() / file_name(published)
        if not published.url.startswith(PACKAGED):
            return Resolved(file) if file.is_file() else Resolved(None, f"{file.name} will be downloaded first")
    network = network or Network()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    with download_bar(console) as progress:
        return resolve(model, cache_dir(), report=say, network=network, progress=progress)
