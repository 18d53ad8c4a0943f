"""OpenMMLab's own networks in a real environment, named by OPENMMLAB_PYTHON; docs/openmmlab.md builds one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.commands.configuration import ConfigurationReader
from harness.config.compose import compose_settings
from harness.config.schema import Settings
from harness.graph.run import run_onnx
from harness.graph.simplify import simplify_onnx
from harness.models.family import family
from harness.models.weights import fill_random
from harness.stages import export
from harness.stages.request import Request

PYTHON = os.environ.get("OPENMMLAB_PYTHON")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON,
        reason="OPENMMLAB_PYTHON names no interpreter that has mmcv-full, mmsegmentation and mmaction2",
    ),
]

SWIN98 = "mmseg:swin/upernet_swin_small_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K.py"
NETWORKS = {
    "mmseg:hrnet/fcn_hr18s_512x512_80k_ade20k.py": (),
    "mmseg:pspnet/pspnet_r18-d8_512x512_80k_loveda.py": (),
    "mmseg:segformer/segformer_mit-b0_512x512_160k_ade20k.py": (),
    "mmseg:ocrnet/ocrnet_hr18s_512x512_80k_ade20k.py": (),
    "mmaction:recognition/slowonly/slowonly_r50_4x16x1_256e_kinetics400_rgb.py": (
        "model.inputs=[{name: input, shape: [1, 3, 3, 4, 256, 256]}]",
    ),
}
"""Configurations, and what else is said about them."""

VIDEO_SWIN = """
model = dict(
    type="Recognizer3D",
    backbone=dict(type="SwinTransformer3D", patch_size=(2, 4, 4), embed_dim=96, depths=[2, 2, 18, 2],
                  num_heads=[3, 6, 12, 24], window_size=(8, 7, 7), mlp_ratio=4.0, qkv_bias=True, qk_scale=None,
                  drop_rate=0.0, attn_drop_rate=0.0, drop_path_rate=0.1, patch_norm=True),
    cls_head=dict(type="I3DHead", in_channels=768, num_classes=400, spatial_type="avg", dropout_ratio=0.5),
    test_cfg=dict(average_clips="prob", max_testing_views=4))
test_pipeline = [
    dict(type="DecordInit"),
    dict(type="SampleFrames", clip_len=32, frame_interval=2, num_clips=4, test_mode=True),
    dict(type="DecordDecode"),
    dict(type="Resize", scale=(-1, 224)),
    dict(type="ThreeCrop", crop_size=224),
    dict(type="Flip", flip_ratio=0),
    dict(type="Normalize", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_bgr=False),
    dict(type="FormatShape", input_format="NCTHW"),
    dict(type="Collect", keys=["imgs", "label"], meta_keys=[]),
    dict(type="ToTensor", keys=["imgs"]),
]
"""
"""What the Video-Swin-Transformer repository's configuration of Swin3D-small says, its bases written out."""


def configuration(named: str) -> Path:
    """A file of the configurations that travel with an installed package; skips where the package brings none."""
    package, _, file = named.partition(":")
    code = f"import importlib.util as u; print(u.find_spec({package!r}).submodule_search_locations[0])"
    done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=True, cwd="/")
    path = Path(done.stdout.strip()) / ".mim" / "configs" / file
    if not path.is_file():
        pytest.skip(f"{package} was installed without its configurations")
    return path


def exported(settings: Settings, folder: Path) -> dict[str, Path]:
    """The files of the stage export: the graph and what torch computes for the first sample."""
    folder.mkdir()
    request = Request(stage="export", settings=settings, store=folder, record=folder)
    files, info = export.run(request, {}, folder)
    assert info["weights"]["trained"] == (settings.model.checkpoint is not None)
    return files


def theirs(config: Path, *overrides: str) -> Settings:
    words = ("model=openmmlab", f"model.config={config}", f"openmmlab.python={PYTHON}", "soc_version=cpu")
    return ConfigurationReader().settings(compose_settings(*words, *overrides))


def outputs(files: dict[str, Path], settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Torch's output, and that of the simplified graph."""
    from harness.backends.inputs import random_inputs

    simple = files["exported"].with_name("simplified.onnx")
    simplify_onnx(files["exported"], simple)
    arrays = random_inputs(settings.model.inputs, settings.seed)
    (found,) = run_onnx(simple, arrays).values()
    with np.load(files["reference"]) as stored:
        return stored[stored.files[0]], found


@pytest.mark.parametrize("name", ["swin98", "video_swin"])
def test_the_same_state_dict_gives_the_same_outputs(name: str, tmp_path: Path) -> None:
    one_view = () if name == "swin98" else ("model.inputs=[{name: input, shape: [1, 1, 3, 32, 224, 224]}]",)
    own = compose_settings(f"model={name}", "soc_version=cpu", *one_view)
    network_family = family(own.model.kind)
    network = network_family.build(network_family.parse_options(own.model.options))
    fill_random(network, 5)
    checkpoint = tmp_path / "same.pth"
    torch.save({"meta": {}, "state_dict": network.state_dict()}, checkpoint)
    del network
    if name == "swin98":
        config = configuration(SWIN98)
    else:
        config = tmp_path / "swin_small.py"
        config.write_text(VIDEO_SWIN)
        whole = theirs(config)
        assert whole.model.inputs[0].shape == (1, 12, 3, 32, 224, 224)
        assert not whole.model.pipeline.refused
    same = f"model.checkpoint={checkpoint}"
    own = compose_settings(f"model={name}", "soc_version=cpu", same, *one_view)
    other = theirs(config, same, *one_view)
    assert other.model.inputs == own.model.inputs
    ours, graph = outputs(exported(own, tmp_path / "own"), own)
    torch_theirs, graph_theirs = outputs(exported(other, tmp_path / "theirs"), other)
    print(name, "torch", np.abs(ours - torch_theirs).max(), "graphs", np.abs(graph - graph_theirs).max())
    np.testing.assert_allclose(torch_theirs, ours, atol=1e-4)
    np.testing.assert_allclose(graph_theirs, graph, atol=1e-4)


@pytest.mark.parametrize("named", NETWORKS)
def test_other_networks_export_simplify_and_run(named: str, tmp_path: Path) -> None:
    settings = theirs(configuration(named), *NETWORKS[named])
    expected, found = outputs(exported(settings, tmp_path / "made"), settings)
    first = found[: len(expected)]  # torch computed the first view of the first sample
    print(named, found.shape, np.abs(first - expected).max() / np.ptp(expected))
    assert first.shape == expected.shape
    assert np.abs(first - expected).max() <= 1e-3 * np.ptp(expected)
