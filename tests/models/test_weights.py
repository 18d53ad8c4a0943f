"""Loading weights: random ones that repeat, checkpoints that fit, and one line for each that does not."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.models.family import family
from harness.models.weights import load_weights
from tests.models.recipe import MINUTE, TINY, recipe_weights

FAMILY = family("upernet_swin")


def build(**changes):
    return FAMILY.build(FAMILY.parse_options({**MINUTE, **changes}))


@pytest.fixture
def network():
    return build()


@pytest.fixture
def state(network):
    return recipe_weights(network)


def save(path: Path, content: object, **options) -> Path:
    torch.save(content, path, **options)
    return path


def refusal(path: Path, network) -> str:
    """The one line that loading ``path`` is refused with."""
    with pytest.raises(HarnessError) as caught:
        load_weights(network, path, 0, FAMILY.ignored_checkpoint_prefixes)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_random_weights_repeat_and_differ_by_seed(network):
    info = load_weights(network, None, 3)
    assert (info.kind, info.seed, info.trained, info.sha256) == ("random", 3, False, None)
    first = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(99)
    other = build()
    load_weights(other, None, 3)
    assert all(torch.equal(first[name], tensor) for name, tensor in other.state_dict().items())
    load_weights(other, None, 4)
    assert not torch.equal(first["decode_head.conv_seg.weight"], other.state_dict()["decode_head.conv_seg.weight"])


def test_random_weights_are_the_same_on_every_machine(network):
    load_weights(network, None, 0)
    weight = network.state_dict()["decode_head.conv_seg.weight"].numpy()
    assert hashlib.sha256(weight.tobytes()).hexdigest()[:16] == "b17fc6b24b5e7854"


def test_random_weights_keep_activations_in_a_sane_range():
    network = FAMILY.build(FAMILY.parse_options({**TINY, "image_size": 64}))
    load_weights(network, None, 0)
    image = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32))
    with torch.no_grad():
        logits = network(image)
    assert 0.05 < logits.std() < 20
    assert len(logits.argmax(1).unique()) > 5


def test_loading_freezes_the_parameters(network):
    load_weights(network, None, 0)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("layout", ["openmmlab", "bare", "data parallel"])
def test_checkpoint_layouts(tmp_path, network, state, zipped, layout):
    wrapped = {
        "openmmlab": {"meta": {"CLASSES": ("wall",), "epoch": 1}, "state_dict": state, "optimizer": {"state": {}}},
        "bare": state,
        "data parallel": {f"module.{name}": tensor for name, tensor in state.items()},
    }
    path = save(tmp_path / "weights.pth", wrapped[layout], _use_new_zipfile_serialization=zipped)
    info = load_weights(network, path, 0)
    assert (info.kind, info.name, info.trained, info.seed) == ("checkpoint", "weights.pth", True, None)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_auxiliary_head_and_derived_buffers_are_tolerated(tmp_path, network, state):
    state["auxiliary_head.conv_seg.bias"] = torch.zeros(150)
    state["backbone.stages.0.blocks.0.attn.w_msa.relative_position_index"] = torch.zeros(49, 49, dtype=torch.int64)
    load_weights(network, save(tmp_path / "a.pth", state), 0, FAMILY.ignored_checkpoint_prefixes)
    # What the checkpoint says of positions is honoured: all pairs now use the first row of the table.
    attention = network.get_submodule("backbone.stages.0.blocks.0.attn.w_msa")
    bias = attention.constants()["position_bias"]
    assert torch.equal(bias, attention.relative_position_bias_table[0].reshape(-1, 1, 1).expand_as(bias))


def test_missing_unknown_and_misshapen_parameters_are_named(tmp_path, network, state):
    del state["decode_head.conv_seg.bias"]
    state["decode_head.extra.weight"] = torch.zeros(1)
    state["backbone.norm0.weight"] = torch.zeros(3)
    message = refusal(save(tmp_path / "a.pth", state), network)
    assert "1 missing (decode_head.conv_seg.bias)" in message
    assert "1 unknown (decode_head.extra.weight)" in message
    assert "1 of another shape (backbone.norm0.weight [3] instead of [8])" in message


def test_another_swin_is_recognised(tmp_path, network):
    other = FAMILY.build(FAMILY.parse_options({**MINUTE, "embed_dims": 16, "num_classes": 9, "window_size": 4}))
    message = refusal(save(tmp_path / "a.pth", other.state_dict()), network)
    assert "it looks like UPerNet with Swin, embed_dims=16, depths=[2, 2], window_size=4, num_classes=9" in message
    assert message.count("backbone.") <= 6  # a few examples, not hundreds


@pytest.mark.parametrize(
    ("names", "likely"),
    [
        ({"layer1.0.conv1.weight": (64, 64, 1, 1)}, "a ResNet"),
        ({"backbone.cls_token": (1, 1, 768)}, "a Vision Transformer"),
        (
            {"backbone.patch_embed.proj.weight": (96, 3, 2, 4, 4), "backbone.layers.0.blocks.1.norm1.weight": (96,)},
            "Video Swin, embed_dims=96, depths=[2]",
        ),
    ],
)
def test_other_networks_are_recognised(tmp_path, network, names, likely):
    state = {name: torch.zeros(1).expand(shape) for name, shape in names.items()}
    assert f"(it looks like {likely})" in refusal(save(tmp_path / "a.pth", state), network)


def test_missing_file(tmp_path, network):
    assert "cannot read it (No such file or directory)" in refusal(tmp_path / "none.pth", network)
    assert "cannot read it (Is a directory)" in refusal(tmp_path, network)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x00" * 100])
def test_file_of_another_kind(tmp_path, network, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    assert "not a checkpoint" in refusal(path, network)


def test_zip_that_is_no_checkpoint(tmp_path, network):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "hello")
    assert "not a checkpoint" in refusal(path, network)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_truncated_file(tmp_path, network, state, zipped, share):
    path = save(tmp_path / "a.pth", {"state_dict": state}, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut off" in refusal(path, network)


class Attack:
    """Runs a command when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("kind", ["zip", "before torch 1.6", "bare pickle"])
def test_pickle_that_wants_to_run_code(tmp_path, network, state, kind):
    path, proof = tmp_path / "a.pth", tmp_path / "ran"
    content = {"state_dict": state, "meta": Attack(proof)}
    if kind == "bare pickle":
        path.write_bytes(pickle.dumps({"meta": Attack(proof)}, protocol=2))
    else:
        save(path, content, _use_new_zipfile_serialization=kind == "zip")
    assert "wants to run code" in refusal(path, network)
    assert not proof.exists()


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {}}, {"a": 1, "b": torch.zeros(1)}, torch.zeros(3)])
def test_tensors_that_are_no_state_dict(tmp_path, network, content):
    assert "state_dict" in refusal(save(tmp_path / "a.pth", content), network)
