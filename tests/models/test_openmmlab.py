"""Configurations of OpenMMLab's: what they mean, how their networks are exported, and what failures say."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from harness.commands.configuration import ConfigurationReader
from harness.config.commandline import forced
from harness.config.compose import compose_settings
from harness.config.model import PipelineSettings
from harness.config.schema import Settings
from harness.errors import ConfigError
from harness.evaluate.plans import check_task
from harness.graph.run import run_onnx
from harness.graph.simplify import simplify_onnx
from harness.models.openmmlab.environment import WORKER
from harness.models.openmmlab.failures import explained
from harness.models.openmmlab.pipeline import wanted
from harness.models.swin3d import VideoSwin
from harness.models.weights import fill_random
from harness.stages import export
from harness.stages.request import Request
from tests.models import fake_openmmlab

NORMALIZE = {"type": "Normalize", "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
VIDEO = {
    "library": "mmaction",
    "type": "Recognizer3D",
    "crop_size": None,
    "test_cfg": {"average_clips": "prob", "max_testing_views": 4},
    "pipeline": [
        {"type": "DecordInit"},
        {"type": "SampleFrames", "clip_len": 32, "frame_interval": 2, "num_clips": 4, "test_mode": True},
        {"type": "DecordDecode"},
        {"type": "Resize", "scale": [-1, 224]},
        {"type": "ThreeCrop", "crop_size": 224},
        {"type": "Flip", "flip_ratio": 0},
        NORMALIZE,
        {"type": "FormatShape", "input_format": "NCTHW"},
        {"type": "Collect", "keys": ["imgs"]},
    ],
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration, with packages in PYTHONPATH that stand in for mmcv and mmsegmentation."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return fake_openmmlab.write(tmp_path)


def described(config: Path, *overrides: str) -> Settings:
    words = ("model=openmmlab", f"model.config={config}", "soc_version=cpu", *overrides)
    return ConfigurationReader().settings(compose_settings(*words))


def test_a_network_is_described_and_exported_by_the_other_interpreter(config: Path, tmp_path: Path) -> None:
    settings = described(config, "batchsize=2")
    model = settings.model
    assert (model.name, model.task, model.inputs[0].shape) == ("tiny", "segmentation", (2, 3, 16, 18))
    assert model.options["num_classes"] == 5
    assert model.options["versions"]["mmcv"] == "1.7.0"
    asked = PipelineSettings(mean=(1, 2, 3), std=(4, 5, 6), scale=(64, 16), stride=(12, 10))
    assert model.pipeline == asked
    request = Request(stage="export", settings=settings, store=tmp_path, record=tmp_path)
    files, info = export.run(request, {}, tmp_path)
    assert info["weights"]["kind"] == "random"
    simplify_onnx(files["exported"], tmp_path / "simple.onnx")
    operators = {node.op_type for node in onnx.load(str(tmp_path / "simple.onnx")).graph.node}
    assert not operators & {"Shape", "Range", "Loop", "GatherND"}
    from harness.backends.inputs import random_inputs

    (found,) = run_onnx(files["exported"], random_inputs(model.inputs, settings.seed)).values()
    with np.load(files["reference"]) as stored:
        np.testing.assert_allclose(found[:1], stored[stored.files[0]], atol=1e-5)
    assert found.shape == (2, 5, 16, 18)


def test_a_checkpoint_of_another_network_is_refused(config: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": {"backbone.0.weight": torch.zeros(1)}}, tmp_path / "other.pth")
    settings = described(config, f"model.checkpoint={tmp_path / 'other.pth'}")
    request = Request(stage="export", settings=settings, store=tmp_path, record=tmp_path)
    with pytest.raises(Exception, match=r"other\.pth: a checkpoint of another model.*missing.*another shape"):
        export.run(request, {}, tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model = dict(type='EncoderDecoder', data_preprocessor=dict())", "newer line"),
        ("model = dict(type='YOLOX')", "segmentors of mmsegmentation and recognisers of mmaction2"),
        ("import no_such_module_at_all", "imports what is not there"),
        ("x = 1", "no model"),
        ("model = dict(type='Recognizer3D')", "pip install 'mmaction2==0.24.1'"),
    ],
)
def test_what_a_configuration_lacks_is_said(config: Path, text: str, expected: str) -> None:
    config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        described(config)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("import", "ModuleNotFoundError: No module named 'mmcv'", "py -m pip install 'mmcv-full==1.7.0' --no-build"),
        ("import", "ModuleNotFoundError: No module named 'mmcv._ext'", "py -m pip uninstall mmcv; py -m pip install"),
        ("import", "AssertionError: MMCV==1.7.2 is used but incompatible", "'mmcv-full==1.7.0'"),
        ("import", "ImportError: libGL.so.1: cannot open shared object file", "'opencv-python-headless<5'"),
        ("import", "ModuleNotFoundError: No module named 'pkg_resources'", "'setuptools<81'"),
        ("import", "ImportError: _ext.so: undefined symbol: _ZN2at", "--force-reinstall"),
        ("import", "AttributeError: module 'numpy' has no attribute 'int'", "'numpy<2'"),
        ("import", "Module onnx is not installed!", "py -m pip install onnx"),
        ("mmcv2", "mmcv has no Config", "mmcv 1.7.2 is of the line 2.x"),
        ("registry", "'Foo is not in the models registry'", "Foo is not in the models registry' of mmsegmentation"),
        ("export", "Exporting the operator einsum ...", "torch 2.9.1 cannot export it (Exporting the operator einsum"),
        ("memory", "DefaultCPUAllocator: can't allocate memory", "too little memory"),
    ],
)
def test_failures_name_the_package_and_the_line_that_installs_it(kind: str, words: str, expected: str) -> None:
    failure = {"kind": kind, "words": words, "package": "mmseg", "versions": {"torch": "2.9.1", "mmcv": "1.7.2"}}
    line = str(explained(failure, "py", "FILE.py", None))
    assert expected in line
    assert "\n" not in line


def test_an_environment_without_mmcv_says_so(tmp_path: Path) -> None:
    if importlib.util.find_spec("mmcv"):
        pytest.skip("this interpreter has mmcv")
    (tmp_path / "tiny.py").write_text(fake_openmmlab.CONFIG)
    with pytest.raises(
        ConfigError, match=rf"cannot import mmcv .*{sys.executable} -m pip install 'mmcv-full==1\.7\.0'"
    ):
        described(tmp_path / "tiny.py")


def test_video_swins_pipeline_is_the_projects() -> None:
    wants = wanted(VIDEO, "auto")
    assert (wants.shape, wants.batch_axes) == ((12, 3, 32, 224, 224), 2)
    assert (wants.pipeline.interval, wants.pipeline.crops, wants.pipeline.short) == (2, 3, 224)
    assert wants.pipeline.refused == ()


def test_what_the_project_does_not_do_is_refused_by_name(config: Path) -> None:
    other = {**VIDEO, "type": "Recognizer2D", "pipeline": [*VIDEO["pipeline"], {"type": "Imgaug"}], "test_cfg": {}}
    assert wanted(other, "auto").pipeline.refused == (
        "Imgaug",
        "test_cfg.average_clips=None",
        "Recognizer2D, which takes single frames",
    )
    config.write_text(fake_openmmlab.CONFIG.replace('mode="slide"', 'mode="whole"'))
    whole = described(config, "dataset=shapes")
    with pytest.raises(
        ConfigError, match=r"tiny's own test pipeline .*test_cfg\.mode=whole.*model\.options\.mode=slide"
    ):
        check_task(whole)
    check_task(described(config, "dataset=shapes", "model.options.mode=slide"))


def test_the_provider_on_the_command_line_is_a_choice_of_model() -> None:
    assert forced("model.provider=openmmlab") == "model=openmmlab"
    with pytest.raises(ConfigError, match=r"use model\.provider=openmmlab"):
        compose_settings("model=swin98_tiny", "model.config=FILE.py")


def test_the_backbone_for_mmaction2_is_video_swins() -> None:
    found = importlib.util.spec_from_file_location("backbone", WORKER.with_name("swin_transformer3d.py"))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    sizes = {"depths": (2, 2), "num_heads": (1, 2), "window_size": (4, 5, 5), "patch_size": (2, 4, 4)}
    own = VideoSwin((9, 50, 50), embed_dims=16, mlp_ratio=4.0, num_classes=3, **sizes).eval()
    theirs = module.SwinTransformer3D(embed_dim=16, patch_norm=True, drop_path_rate=0.1, **sizes).eval()
    fill_random(own, 0)
    theirs.load_state_dict(own.backbone.state_dict())
    video = torch.randn(2, 3, 9, 50, 50)
    with torch.no_grad():
        np.testing.assert_allclose(theirs(video).flatten(2).transpose(1, 2), own.backbone(video), atol=1e-5)


@pytest.mark.parametrize("file", sorted(WORKER.parent.glob("*.py")), ids=lambda file: file.name)
def test_what_runs_there_is_python_3_7_and_needs_nothing_of_the_project(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 7))
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    named += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not any(name.startswith("harness") for name in named)
