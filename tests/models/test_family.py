"""Finding families by name, and the options of the built-in one."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from harness.errors import ConfigError
from harness.models.family import BUILT_IN, Family, family
from tests.models.recipe import MINUTE, MINUTE_VIDEO

SWIN98 = {
    "image_size": 512,
    "embed_dims": 96,
    "depths": [2, 2, 18, 2],
    "num_heads": [3, 6, 12, 24],
    "window_size": 7,
    "mlp_ratio": 4,
    "decode_channels": 512,
    "num_classes": 150,
}


def refusal(call, *arguments) -> str:
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_families_keep_the_protocol(name):
    found = family(name)
    assert isinstance(found, Family)
    assert found.name == name
    assert all(path.is_file() for path in found.source_files())


def test_options_need_no_torch():
    program = (
        "import sys; from harness.models.family import family; f = family('upernet_swin'); f.source_files();"
        "f.parse_options({'image_size': 64}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(("name", "options"), [("upernet_swin", MINUTE), ("video_swin", MINUTE_VIDEO)])
def test_source_files_hold_everything_that_decides_the_network(name, options):
    program = (
        f"import sys; from harness.models.family import family; f = family('{name}');"
        f"f.build(f.parse_options({options}));"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('harness.models.')), sep='\\n')"
    )
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    bystanders = {"family.py", "options.py"}
    imported = {line for line in output.split() if line.rpartition("/")[2] not in bystanders}
    assert imported <= {str(path) for path in family(name).source_files()}


def test_family_from_an_import_path():
    assert family("harness.models.upernet_swin:FAMILY") is family("upernet_swin")


def test_family_from_an_entry_point(monkeypatch):
    point = importlib.metadata.EntryPoint("mine", "harness.models.upernet_swin:FAMILY", "harness.models")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point] if group == "harness.models" else [])
    assert family("mine") is family("upernet_swin")
    assert "did you mean 'mine'?" in refusal(family, "mine2")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("upernet_swim", "did you mean 'upernet_swin'?"),
        ("resnet", "known: openmmlab, upernet_swin"),
        ("no_such_package:FAMILY", "No module named 'no_such_package'"),
        ("harness.models.family:NOTHING", "no attribute 'NOTHING'"),
        ("pathlib:Path", "is not a model family"),
        (":", "cannot import"),
    ],
)
def test_unknown_family(kind, expected):
    message = refusal(family, kind)
    assert message.startswith(f"model.kind={kind}: ")
    assert expected in message


def test_swin98_is_the_default():
    upernet_swin = family("upernet_swin")
    assert upernet_swin.parse_options(SWIN98) == upernet_swin.parse_options({})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"depth": [2]}, "model.options.depth: upernet_swin has no such option; did you mean 'depths'?"),
        ({"colour": 1}, "known: decode_channels"),
        ({"depths": [2, 2]}, "must describe the same"),
        ({"num_heads": [5, 6, 12, 24]}, "num_heads[0]=5 does not divide the 96 channels"),
        ({"image_size": "big"}, "model.options.image_size='big'"),
        ({"image_size": [512, 0]}, "model.options.image_size.1=0"),
        ({"image_size": [1, 2, 3]}, "model.options.image_size"),
        ({"depths": 2}, "model.options.depths=2: input should be a valid list"),
        ({"window_size": 7.5}, "model.options.window_size=7.5"),
        ({"mlp_ratio": -1}, "model.options.mlp_ratio=-1"),
    ],
)
def test_wrong_option(options, expected):
    assert expected in refusal(family("upernet_swin").parse_options, options)


@pytest.mark.parametrize("image_size", [32, 33, [30, 45], 4])
def test_any_image_size_gives_logits_of_that_size(image_size):
    import torch

    upernet_swin = family("upernet_swin")
    options = upernet_swin.parse_options({**MINUTE, "image_size": image_size})
    with torch.no_grad():
        logits = upernet_swin.build(options)(torch.zeros(2, 3, *options.image_size))
    assert logits.shape == (2, 5, *options.image_size)
