"""What is settled once before a sweep starts: each model's checkpoint, and the cells that cannot run here.

Everything that can be refused is refused here, in one line, before a folder is made or a manifest written.
"""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from harness.config.schema import ModelSettings
from harness.models.connect import Network
from harness.models.download_bar import download_bar
from harness.models.pretrained import Resolved, cache_dir, resolve
from harness.stages.preflight import preflight
from harness.sweep.manifest import Cell, Manifest


def prepared(manifest: Manifest, console: Console) -> Manifest:
    """The manifest with every checkpoint decided and frozen, and with the cells decided that cannot run here.

    Raises:
        ConfigError: a file that is named is not there, or the published weights that were insisted on cannot be had.
    """
    found: dict[str, Resolved] = {}
    network = Network()  # one try a sweep: what did not answer once is not asked again
    cells = [_with_checkpoint(cell, found, network, console) for cell in manifest.cells]
    cells = [cell if cell.decided else replace(cell, decided=preflight(cell.settings)) for cell in cells]
    return replace(manifest, cells=tuple(cells))


def _with_checkpoint(cell: Cell, found: dict[str, Resolved], network: Network, console: Console) -> Cell:
    model = cell.settings.model
    key = repr(replace(model, inputs=(), options={}))  # what decides the weights, whatever the batch size
    if key not in found:
        found[key] = _resolved(model, network, console)
        if found[key].note:
            console.print(f"{model.name}: {found[key].note}", highlight=False, markup=False, soft_wrap=True)
    checkpoint, note = found[key].checkpoint, found[key].note
    frozen = replace(model, checkpoint=str(checkpoint) if checkpoint else None)
    notes = (*cell.notes, note) if note else cell.notes
    return replace(cell, settings=replace(cell.settings, model=frozen), notes=notes)


def _resolved(model: ModelSettings, network: Network, console: Console) -> Resolved:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    with download_bar(console) as progress:
        return resolve(model, cache_dir(), report=say, network=network, progress=progress)
