"""The networks against the official code: the same parameters, the same logits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.models.family import family
from harness.models.weights import load_weights
from tests.models.recipe import TINY, recipe_input, recipe_weights

GOLDEN = Path(__file__).with_name("golden")


def build(image_size, **options):
    upernet_swin = family("upernet_swin")
    return upernet_swin.build(upernet_swin.parse_options({"image_size": image_size, **options}))


@pytest.mark.parametrize(("size", "options"), [("tiny", TINY), ("small", {})])
def test_names_and_shapes_are_the_official_ones_in_the_official_order(size, options):
    official = json.loads((GOLDEN / f"upernet_swin_{size}_keys.json").read_text())
    expected = [(name, shape) for name, shape in official.items() if not name.startswith("auxiliary_head.")]
    found = [(name, list(tensor.shape)) for name, tensor in build(512, **options).state_dict().items()]
    assert found == expected


@pytest.mark.parametrize("case", [0, 1])
@pytest.mark.parametrize("folded", [False, True], ids=["as trained", "as exported"])
def test_logits_are_the_official_ones(case, folded):
    golden = np.load(GOLDEN / "upernet_swin_tiny_logits.npz")
    shape = tuple(int(size) for size in golden[f"{case}_shape"])
    network = build(list(shape[2:]), **TINY)
    network.load_state_dict(recipe_weights(network), strict=False)
    if folded:
        for module in network.modules():
            if hasattr(module, "fold_constants"):
                module.fold_constants()
    with torch.no_grad():
        logits = network(recipe_input(case, shape)).numpy()
    np.testing.assert_allclose(logits[:, ::10, ::8, ::8], golden[f"{case}_logits"], atol=1e-5, rtol=0)
    stats = [logits.mean(dtype=np.float64), logits.std(dtype=np.float64), logits.min(), logits.max()]
    np.testing.assert_allclose(stats, golden[f"{case}_stats"], atol=1e-5)


@pytest.mark.parametrize("case", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_official_checkpoint_file_gives_the_official_logits(shared, case):
    golden = np.load(shared / "golden" / "upernet_swin_tiny_forward.npz")
    shape = tuple(int(size) for size in golden[f"{case}_shape"])
    network = build(list(shape[2:]), **TINY)
    checkpoint = shared / "golden" / "upernet_swin_tiny.pth"
    assert load_weights(network, checkpoint, 0, family("upernet_swin").ignored_checkpoint_prefixes).trained
    with torch.no_grad():
        logits = network(recipe_input(case, shape)).numpy()
    np.testing.assert_allclose(logits[..., ::8, ::8], golden[f"{case}_logits_s8"], atol=1e-5, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), golden[f"{case}_argmax"])


def test_new_weights_count_after_folding():
    network = build(64, **TINY)
    image = recipe_input(7, (1, 3, 64, 64))
    load_weights(network, None, 1)
    for module in network.modules():
        if hasattr(module, "fold_constants"):
            module.fold_constants()
    with torch.no_grad():
        first = network(image)
        load_weights(network, None, 2)
        second = network(image)
        load_weights(network, None, 1)
        again = network(image)
    assert not torch.allclose(first, second, atol=1e-2)
    torch.testing.assert_close(first, again)
