"""swin97 to swin100: their YAMLs, and the names and shapes of their parameters against the official networks'.

swin98's are golden. The others follow from the configurations of mmsegmentation 0.28 and the Swin and UPerNet papers
(arXiv:2103.14030, section 3 and table 7; arXiv:1807.10221), and are derived here without the code under test.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from harness.config.model import ModelSettings
from harness.models.family import family

CONF = Path(__file__).resolve().parents[2] / "conf" / "model"
CONFIGURATIONS = {
    # channels of the first stage, blocks, heads, window
    "swin97": (96, (2, 2, 6, 2), (3, 6, 12, 24), 7),
    "swin98": (96, (2, 2, 18, 2), (3, 6, 12, 24), 7),
    "swin99": (128, (2, 2, 18, 2), (4, 8, 16, 32), 7),
    "swin100": (128, (2, 2, 18, 2), (4, 8, 16, 32), 12),
}
OPENMMLAB = {
    "swin97": ("upernet_swin_tiny_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K", "20210531_112542-e380ad3e"),
    "swin98": ("upernet_swin_small_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K", "20210526_192015-ee2fff1c"),
    "swin99": ("upernet_swin_base_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K", "20210526_192340-593b0e13"),
    "swin100": (
        "upernet_swin_base_patch4_window12_512x512_160k_ade20k_pretrain_384x384_1K",
        "20210531_132020-05b22ea4",
    ),
}
PUBLISHED_MILLIONS = {"swin97": 60, "swin98": 81, "swin99": 121}
"""Parameters with the auxiliary head (github.com/SwinTransformer/Swin-Transformer-Semantic-Segmentation, README)."""

Shapes = dict[str, tuple[int, ...]]


def settings(name: str) -> ModelSettings:
    config = OmegaConf.create({"batchsize": 1, "model": OmegaConf.load(CONF / f"{name}.yaml")})
    return TypeAdapter(ModelSettings).validate_python(OmegaConf.to_container(config, resolve=True)["model"])


def built(name: str):
    """The network without memory for its parameters."""
    import torch

    kind = family(settings(name).kind)
    with torch.device("meta"):
        return kind.build(kind.parse_options(settings(name).options)).to("meta")


def built_shapes(name: str) -> Shapes:
    return {key: tuple(value.shape) for key, value in built(name).state_dict().items()}


def norm(at: str, channels: int) -> Shapes:
    return {f"{at}.weight": (channels,), f"{at}.bias": (channels,)}


def linear(at: str, wide: int, narrow: int) -> Shapes:
    return {f"{at}.weight": (wide, narrow), f"{at}.bias": (wide,)}


def conv_module(at: str, wide: int, narrow: int, kernel: int) -> Shapes:
    running = {f"{at}.bn.running_mean": (wide,), f"{at}.bn.running_var": (wide,), f"{at}.bn.num_batches_tracked": ()}
    return {f"{at}.conv.weight": (wide, narrow, kernel, kernel), **norm(f"{at}.bn", wide), **running}


def expected_shapes(channels: int, depths: tuple[int, ...], heads: tuple[int, ...], window: int) -> Shapes:
    """Backbone and decode head of mmsegmentation's network; stage s has ``channels * 2**s`` channels."""
    shapes: Shapes = {"backbone.patch_embed.projection.weight": (channels, 3, 4, 4)}
    shapes |= {"backbone.patch_embed.projection.bias": (channels,)} | norm("backbone.patch_embed.norm", channels)
    widths = [channels * 2**stage for stage in range(4)]
    for stage, width in enumerate(widths):
        at = f"backbone.stages.{stage}"
        for number in range(depths[stage]):
            block = f"{at}.blocks.{number}"
            attention = f"{block}.attn.w_msa"
            shapes |= norm(f"{block}.norm1", width) | norm(f"{block}.norm2", width)
            shapes[f"{attention}.relative_position_bias_table"] = ((2 * window - 1) ** 2, heads[stage])
            shapes[f"{attention}.relative_position_index"] = (window**2, window**2)
            shapes |= linear(f"{attention}.qkv", 3 * width, width) | linear(f"{attention}.proj", width, width)
            shapes |= linear(f"{block}.ffn.layers.0.0", 4 * width, width)
            shapes |= linear(f"{block}.ffn.layers.1", width, 4 * width)
        if stage < 3:
            shapes |= norm(f"{at}.downsample.norm", 4 * width)
            shapes[f"{at}.downsample.reduction.weight"] = (2 * width, 4 * width)
        shapes |= norm(f"backbone.norm{stage}", width)
    head = "decode_head"
    shapes |= {f"{head}.conv_seg.weight": (150, 512, 1, 1), f"{head}.conv_seg.bias": (150,)}
    for scale in range(4):
        shapes |= conv_module(f"{head}.psp_modules.{scale}.1", 512, widths[3], 1)
    shapes |= conv_module(f"{head}.bottleneck", 512, widths[3] + 4 * 512, 3)
    for level in range(3):
        shapes |= conv_module(f"{head}.lateral_convs.{level}", 512, widths[level], 1)
        shapes |= conv_module(f"{head}.fpn_convs.{level}", 512, 512, 3)
    return shapes | conv_module(f"{head}.fpn_bottleneck", 512, 4 * 512, 3)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_parameters_have_the_official_names_and_shapes(name):
    assert built_shapes(name) == expected_shapes(*CONFIGURATIONS[name])


def test_derivation_gives_the_official_network_where_that_is_known(shared):
    official = json.loads((shared / "golden" / "upernet_swin_small_keys.json").read_text())
    kept = {key: tuple(shape) for key, shape in official.items() if not key.startswith("auxiliary_head.")}
    assert expected_shapes(*CONFIGURATIONS["swin98"]) == kept


@pytest.mark.parametrize("name", PUBLISHED_MILLIONS)
def test_number_of_parameters_is_the_published_one(name):
    channels = CONFIGURATIONS[name][0]
    auxiliary = 4 * channels * 256 * 9 + 2 * 256 + 256 * 150 + 150
    own = sum(parameter.numel() for parameter in built(name).parameters())
    assert round((own + auxiliary) / 1e6) == PUBLISHED_MILLIONS[name]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_logits_have_the_size_of_the_image(name):
    import torch

    with torch.device("meta"):
        assert built(name)(torch.empty(2, 3, 512, 512)).shape == (2, 150, 512, 512)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_published_checkpoint_is_openmmlabs(name):
    config, stamp = OPENMMLAB[name]
    chosen = settings(name)
    assert chosen.weights == "auto"
    assert chosen.checkpoint is None
    root = "https://download.openmmlab.com/mmsegmentation/v0.5/swin"
    assert chosen.pretrained.url == f"{root}/{config}/{config}_{stamp}.pth"
    assert chosen.pretrained.sha256_prefix == stamp.rpartition("-")[2]


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_hash_of_every_published_checkpoint_is_the_one_in_its_name(path):
    published = OmegaConf.load(path).get("pretrained")
    if published is not None and published.get("sha256_prefix") is not None:
        assert isinstance(published.sha256_prefix, str)
        file = urlsplit(published.url).path.rpartition("/")[2]
        assert re.fullmatch(r".*-([0-9a-f]{8})\.\w+", file)[1] == published.sha256_prefix[:8]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_network_reads_crops_of_512(name):
    (only,) = settings(name).inputs
    assert (only.name, only.shape, only.dtype) == ("input", (1, 3, 512, 512), "float32")
    assert settings(name).name == name
