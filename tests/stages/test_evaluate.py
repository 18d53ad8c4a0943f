"""Accuracy as a stage: both modes, the own reference, what is cached, what is refused before anything is built."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter
from rich.console import Console

from harness.commands.offline import run_step
from harness.commands.prepare import prepared
from harness.config.commandline import forced
from harness.config.compose import composing
from harness.config.freeze import freeze
from harness.errors import ConfigError, HarnessError
from harness.offline import main
from harness.records.schema import Accuracy
from harness.stages.execute import execute
from harness.stages.pipeline import Pipeline, finished
from harness.stages.store import Store
from harness.sweep.manifest import Cell
from tests.stages.driving import QUICK
from tests.stages.segmenter import segmenter

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
WORDS = ("dataset=shapes", "dataset.limit=4", "evaluate=true", "parity.enabled=false", "export.simplify=false")


@pytest.fixture(scope="module")
def settle():
    """Settles a cell from its words; one composer for all tests of the module, which shares most of the work."""
    with pytest.MonkeyPatch.context() as patch, composing(config_dirs=(PLUGINS / "conf",)) as composer:
        patch.syspath_prepend(str(PLUGINS))

        def settled(*words: str) -> Cell:
            given = [*QUICK, "tracking=none", *WORDS, *words]
            composed = composer.cell([forced(word) for word in given])
            manifest = freeze([composed], [given], command=("test",), present=lambda _: True)
            return prepared(manifest, Console(file=io.StringIO())).cells[0]

        yield settled


@pytest.fixture
def evaluated(settle, tmp_path: Path):
    """Takes a cell through its stages, with a store that the cells of a test share."""
    return lambda *words: Evaluated(tmp_path, settle(*words))


class Evaluated:
    """A cell taken through its stages in this process; ``ran`` are those that were not cached."""

    def __init__(self, root: Path, cell: Cell) -> None:
        self.cell, self.store = cell, Store(root / "store")
        self.pipeline = Pipeline(cell.settings, self.store, root / "records" / "cell")
        self.ran = []
        while (request := self.pipeline.advance(evaluating=True)) is not None:
            (request.record / "steps").mkdir(parents=True, exist_ok=True)
            self.ran.append(request.stage)
            result = execute(request)
            self.pipeline.accept(request, finished(request, result, started="", wall_s=0.0))

    def accuracy(self, stage: str = "evaluate") -> Accuracy:
        return TypeAdapter(Accuracy).validate_python(self.pipeline.info(stage)["accuracy"])

    def file(self, name: str) -> bytes:
        return self.store.path(self.pipeline.steps["evaluate"].artifacts[name]).read_bytes()


def network(root: Path, **facts: int) -> tuple[str, ...]:
    root.mkdir(parents=True, exist_ok=True)
    return ("model=onnx", f"model.file={segmenter(root / 'net.onnx', **facts)}", "model.task=segmentation")


def test_both_modes_give_the_same_bits_and_nothing_is_done_twice(evaluated, tmp_path, capsys):
    words = (*network(tmp_path), "batchsize=3")
    streamed = evaluated(*words)
    assert streamed.ran == ["adopt", "evaluate"], "float32 on ONNX Runtime is its own reference"
    printed = capsys.readouterr().out
    assert "| triangle |" in printed
    assert "4/4 images" in printed
    filed = evaluated(*words, "evaluate.mode=files")
    assert filed.ran == ["evaluate"]
    for name in ("tables/items.csv", "tables/per_class.csv", "tables/confused.csv", "tables/accuracy.txt"):
        assert filed.file(name) == streamed.file(name)
    assert filed.accuracy().device.metrics == streamed.accuracy().device.metrics
    assert filed.accuracy().device.samples == streamed.accuracy().device.samples > 4
    assert evaluated(*words, "evaluate.mode=files").ran == []
    assert not list((tmp_path / "store" / "unfinished").iterdir())


def test_files_are_kept_where_the_user_wants_them_and_each_step_can_be_done_alone(
    evaluated, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    words = (*network(tmp_path), "batchsize=2", "evaluate.mode=files", f"evaluate.folder={tmp_path / 'kept'}")
    done = evaluated(*words)
    settings, kept = done.cell.settings, tmp_path / "kept" / "cell"
    capsys.readouterr()
    run_step("evaluate", {"outputs": kept / "outputs", "results": tmp_path / "res"}, settings, words)
    assert done.file("tables/accuracy.txt").decode() in capsys.readouterr().out
    assert (tmp_path / "res/tables/items.csv").read_bytes() == done.file("tables/items.csv")
    run_step("write", {"inputs": tmp_path / "in"}, settings, words)
    assert contents(tmp_path / "in") == contents(kept / "inputs")
    run_step("infer", {"inputs": tmp_path / "in", "outputs": tmp_path / "out"}, settings, words)
    assert contents(tmp_path / "out") == contents(kept / "outputs")
    assert len(contents(tmp_path / "out")) == done.accuracy().device.samples


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("words", [["evaluate"], ["wrote"], ["infer", "inputs=a"], ["evaluate", "outputs=a", "swin98"]])
def test_a_step_that_lacks_something_is_refused(words, capsys):
    assert main(words) == 2
    assert "harness.offline: " in capsys.readouterr().err


def test_one_reference_serves_all_batch_sizes_and_a_float32_cell_is_one(evaluated, tmp_path):
    words = (*network(tmp_path), "backend=rounded")
    one = evaluated(*words, "batchsize=1")
    assert one.ran == ["adopt", "evaluate", "reference"]
    assert one.accuracy("reference").device.backend == "onnxruntime"
    assert one.accuracy().device.metrics != one.accuracy("reference").device.metrics
    assert one.accuracy().data_sha256 == one.accuracy("reference").data_sha256
    assert evaluated(*words, "batchsize=3").ran == ["adopt", "evaluate"]
    other = network(tmp_path / "other")
    evaluated(*other)
    assert "reference" not in evaluated(*other, "backend=rounded").ran


def test_other_data_or_another_network_is_evaluated_anew(evaluated, tmp_path):
    words = network(tmp_path)
    evaluated(*words)
    assert evaluated(*words, "dataset.seed=1").ran == ["evaluate"]
    assert evaluated(*words, "dataset.limit=3").ran == ["evaluate"]
    segmenter(tmp_path / "net.onnx")
    assert evaluated(*words).ran == ["adopt", "evaluate"]


def test_a_network_of_other_classes_gives_no_number(evaluated, tmp_path):
    with pytest.raises(HarnessError, match=r"\[1, 150, 64, 64\].*\[1, 8, 64, 64\]"):
        evaluated(*network(tmp_path, classes=150))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("model=swin97", "model.weights=auto", "model.pretrained=null"), "accuracy of random weights means nothing"),
        (("model=swin98_tiny", "dataset=none"), "give dataset=NAME"),
        (("model=swin98_tiny", "dataset=ade20k", "dataset.root=nowhere"), "dataset.root=.*nowhere"),
        (("model=swin98_tiny", "dataset=ade20k"), "dataset.root must be given"),
        (("model=swin98_tiny", "model.task=video"), "for segmentation models, and swin98_tiny does video"),
        (("model=swin98_tiny", "model.options.num_classes=150"), "has 8 classes and swin98_tiny 150"),
    ],
)
def test_accuracy_that_cannot_be_is_refused_before_anything_is_built(settle, words, told):
    with pytest.raises(ConfigError, match=told):
        settle(*words)


def test_random_weights_are_evaluated_for_who_asks_by_name(settle):
    assert settle("model=swin98_tiny", "model.weights=random").settings.evaluates


def ade20k(root: Path, broken: tuple[str, ...]) -> Path:
    """Four pictures with annotations, of which those named are damaged in a way of their own."""
    folders = [root / kind / "validation" for kind in ("images", "annotations")]
    random = np.random.default_rng(0)
    for folder in folders:
        folder.mkdir(parents=True)
    for name in ("good", "cut", "empty", "alone", "odd", "label"):
        picture = random.integers(0, 256, (70, 90, 3), np.uint8)
        labels = random.integers(0, 151, (70, 90), np.uint8)
        file, truth = folders[0] / f"{name}.jpg", folders[1] / f"{name}.png"
        cv2.imwrite(str(file), picture)
        if name in broken and name == "odd":
            labels = labels[:50]
        if name in broken and name == "label":
            labels[0, 0] = 151
        cv2.imwrite(str(truth), labels)
        if name in broken and name in {"cut", "empty"}:
            file.write_bytes(file.read_bytes()[: 900 if name == "cut" else 0])
        if name in broken and name == "alone":
            truth.unlink()
    return root


BROKEN = {"cut": "truncated", "empty": "empty", "alone": "no annotation", "odd": "90x50", "label": "label 151"}


def test_bad_data_stops_the_run_before_it_begins_and_all_of_it_is_named(settle, tmp_path):
    root = ade20k(tmp_path / "data", tuple(BROKEN))
    words = ("dataset=ade20k", f"dataset.root={root}", "dataset.limit=null", *network(tmp_path, classes=150))
    with pytest.raises(ConfigError) as refused:
        settle(*words)
    for name, why in BROKEN.items():
        assert f"{name}: " in str(refused.value)
        assert why in str(refused.value)


def test_bad_data_is_left_out_counted_and_named_on_request(evaluated, tmp_path):
    root = ade20k(tmp_path / "data", ("cut", "alone"))
    words = ("dataset=ade20k", f"dataset.root={root}", "dataset.limit=null", "dataset.on_bad_sample=skip")
    done = evaluated(*words, *network(tmp_path, classes=150))
    assert [bad.item for bad in done.accuracy().bad] == ["alone", "cut"]
    assert done.accuracy().device.items == 4
    assert "2 of 6 images are left out" in done.cell.notes[-1]
    assert b"cut.jpg is truncated" in done.file("tables/left_out.csv")
