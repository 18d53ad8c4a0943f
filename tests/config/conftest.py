"""Runs the command line in this process up to the moment where cells would start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness.commands.elsewhere
import harness.commands.run
from harness.__main__ import main
from harness.sweep.manifest import Manifest


@dataclass
class Ran:
    """What a command line did: exit status, what it printed, and the manifests that it would have run."""

    status: int
    out: str
    err: str
    manifests: list[Manifest]
    homes: list[Path]

    @property
    def manifest(self) -> Manifest:
        (only,) = self.manifests
        return only


CommandLine = Callable[..., Ran]


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with no home of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("HARNESS_HOME", "HARNESS_DEBUG", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def command(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """``command("model=swin98", "-m")`` runs these words; no cell is run, each manifest is kept.

    Hydra's ``--info`` and ``--hydra-help`` set up logging for the rest of the process, which here outlives them.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*words: str, status: int = 0) -> Ran:
        manifests: list[Manifest] = []
        homes: list[Path] = []

        def take(manifest: Manifest, home: Path) -> int:
            manifests.append(manifest)
            homes.append(home)
            return status

        def launched(manifest: Manifest, home: Path, launch: harness.commands.elsewhere.Launch) -> int:
            launch(home / "manifest.json", range(len(manifest.cells)))
            return take(manifest, home)

        monkeypatch.setattr(harness.commands.run, "run_manifest", take)
        monkeypatch.setattr(harness.commands.elsewhere, "run_elsewhere", launched)
        capfd.readouterr()
        try:
            code = main(list(words))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err, manifests, homes)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """A user's own configuration: a model, a model with a wrong value, a device that is not here."""
    folder = tmp_path / "my conf"
    for group in ("model", "soc_version"):
        (folder / group).mkdir(parents=True)
    model = """\
name: mine
kind: upernet_swin
task: segmentation
inputs:
  - name: input
    shape: ["${batchsize}", 3, 64, 64]
options: {image_size: 64, embed_dims: 24, depths: [2, 2], num_heads: [1, 2], decode_channels: 8}
"""
    write = {
        "model/mine.yaml": model,
        "model/typo.yaml": model.replace("task: segmentation", "task: segmentaton"),
        "model/incomplete.yaml": "name: incomplete\nkind: upernet_swin\n",
        "model/extra.yaml": model + "checkpont: a.pth\n",
        "model/broken.yaml": "name: broken\n  kind: [\n",
        "model/list.yaml": "- a\n- b\n",
        "model/empty.yaml": "",
        "model/dangling.yaml": model.replace("${batchsize}", "${batchsiz}"),
        "model/required.yaml": model + "checkpoint: ???\n",
        "model/stranger.yaml": model.replace("upernet_swin", "upernet_swim"),
        "soc_version/K80.yaml": "name: K80\ndefault_backend: onnxruntime\n",
        "soc_version/odd.yaml": "name: cpu\ndefault_backend: teleport\n",
    }
    for name, text in write.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
