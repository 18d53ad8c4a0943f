"""The settings of a record come back without YAML; what it hides and where things are is given, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.config.again import restored
from harness.config.compose import compose_settings
from harness.config.schema import Settings
from harness.errors import ConfigError
from harness.records.redaction import redact

URI = "https://bench:dapi0123456789@mlflow.example.com"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return compose_settings(
        "model=swin98_tiny", "batchsize=2", "measure=smoke", f"tracking.uri={URI}", "soc_version=cpu"
    )


@pytest.fixture
def kept(settings: Settings) -> dict[str, Any]:
    """The settings as they stand in a record."""
    content: dict[str, Any] = redact(TypeAdapter(Settings).dump_python(settings, mode="json"), ())
    return content


def test_settings_come_back_with_what_was_hidden(settings: Settings, kept: dict[str, Any]) -> None:
    assert restored(kept, {"tracking.uri": URI}) == settings
    with pytest.raises(
        ConfigError,
        match=r"tracking\.uri \(https://bench:\*\*\*@mlflow\.example\.com\); give tracking\.uri=VALUE again",
    ):
        restored(kept, {})
    elsewhere = restored(
        kept, {"tracking.uri": "null", "limits.memory_gb": "3", "tracking.enabled": "false", "device": "1,2"}
    )
    assert elsewhere.tracking.uri is None
    assert (elsewhere.limits.memory_gb, elsewhere.tracking.enabled, elsewhere.device) == (3, False, (1, 2))


def test_only_places_can_be_given_anew(kept: dict[str, Any]) -> None:
    known = {"tracking.uri": "null"}
    with pytest.raises(ConfigError, match=r"measure\.rounds=9: a rerun measures what the record measured"):
        restored(kept, {**known, "measure.rounds": "9"})
    with pytest.raises(ConfigError, match=r"tracking\.urj: no such key"):
        restored(kept, {**known, "tracking.urj": "x"})
    with pytest.raises(ConfigError, match=r"limits\.memory_gb=much: expected"):
        restored(kept, {**known, "limits.memory_gb": "much"})


def test_settings_of_another_version_are_refused_by_key(kept: dict[str, Any]) -> None:
    known = {"tracking.uri": "null"}
    lacking = {key: value for key, value in kept.items() if key != "measure"}
    with pytest.raises(ConfigError, match="measure is missing"):
        restored(lacking, known)
    kept["measure"]["warmth"] = 3
    with pytest.raises(ConfigError, match=r"measure\.warmth: no such key"):
        restored(kept, known)


def test_a_published_checkpoint_that_lies_elsewhere_is_looked_for_again(kept: dict[str, Any], tmp_path: Path) -> None:
    known = {"tracking.uri": "null"}
    for path in (str(tmp_path / "net.pth"), "***/net.pth"):
        kept["model"]["checkpoint"] = path
        model = restored(kept, known).model
        assert (model.checkpoint, model.weights) == (None, "pretrained")
    (tmp_path / "net.pth").write_bytes(b"weights")
    kept["model"]["checkpoint"] = str(tmp_path / "net.pth")
    assert restored(kept, known).model.checkpoint == str(tmp_path / "net.pth")
    kept["model"].update(checkpoint=str(tmp_path / "gone.pth"), pretrained=None)
    assert restored(kept, known).model.checkpoint == str(
        tmp_path / "gone.pth"
    )  # the user's own: refused when it is read
