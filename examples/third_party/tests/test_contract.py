"""The contracts that the harness holds every family and backend to, and the YAML files that name them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.config.compose import compose_settings
from harness.config.model import InputSettings
from harness.testing import BackendContract, FamilyContract


class TestDsCnn(FamilyContract):
    """The family, at a size that is exported in a moment."""

    kind = "ds_cnn"
    options: ClassVar = {"channels": 8, "blocks": 1}
    inputs = (InputSettings(name="mfcc", shape=(1, 1, 49, 10)),)
    outputs = ("scores",)


class TestNumpyReference(BackendContract):
    """The backend, with an option that is not its default."""

    kind = "numpy_reference"
    options: ClassVar = {"full_check": True}
    heavy = (*BackendContract.heavy, "google.protobuf")


def test_the_yaml_files_are_valid() -> None:
    """What a user chooses on the command line is what the contracts above have checked."""
    conf = Path(__file__).resolve().parents[1] / "harness_example" / "conf"
    settings = compose_settings("model=ds_cnn", "backend=numpy_reference", "batchsize=4", config_dirs=[conf])
    assert (settings.model.kind, settings.backend.kind) == (TestDsCnn.kind, TestNumpyReference.kind)
    assert settings.model.inputs[0].shape == (4, *TestDsCnn.inputs[0].shape[1:])
    assert tuple(settings.model.outputs) == TestDsCnn.outputs
