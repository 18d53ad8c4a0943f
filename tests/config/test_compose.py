"""Every file of every group composes to settings; ``auto`` takes its values from the concrete file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from harness.config.commandline import forced
from harness.config.compose import Composer, composing
from harness.config.locate import conf_dir, sweeps_dir
from harness.config.settings import settings_from
from harness.errors import ConfigError, HarnessError

CHOICES = sorted(
    f"{file.parent.name}={file.stem}"
    for folder in (conf_dir(), sweeps_dir())
    for file in folder.glob("*/*.yaml")
    if file.parent.name not in {"hydra", "local", "reference"}
)


@pytest.fixture(scope="module")
def composer() -> Iterator[Composer]:
    with composing() as made:
        yield made


def test_there_is_something_to_compose() -> None:
    assert {"model=swin98", "model=swin98_tiny", "backend=onnxruntime", "sweep=swin98_batchsizes"} <= set(CHOICES)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_of_every_group_composes(
    composer: Composer, choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    group, name = choice.split("=")
    overrides = [choice]
    if group == "model" and name in {"onnx", "om", "engine"}:
        (tmp_path / "given.onnx").touch()
        with pytest.raises(ConfigError, match=r"model\.file must be given"):
            composer.cell(overrides)
        overrides.append(f"++model.file={tmp_path / 'given.onnx'}")
    if choice == "tracking=server":
        with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI, which is not set"):
            composer.cell(overrides)
        overrides.append("++tracking.uri=http://host:5000")
    composed = composer.cell(overrides)
    assert composed.choices[group] == name or name == "auto"
    if len(overrides) == 1 and group in {"model", "measure", "precision", "backend", "soc_version"} and name != "auto":
        assert getattr(composed.settings, group).name == name


def test_every_file_says_in_a_comment_which_command_uses_it() -> None:
    for folder in (conf_dir(), sweeps_dir()):
        for file in folder.rglob("*.yaml"):
            comments = [line for line in file.read_text(encoding="utf-8").splitlines()[:4] if line.startswith("# ")]
            assert comments, file


def test_auto_means_what_the_concrete_files_say(composer: Composer) -> None:
    composed = composer.cell(["model=swin98_tiny"])
    settings = composed.settings
    assert composed.device_found
    assert settings.soc_version == compose_in(composer, f"soc_version={settings.soc_version.name}").soc_version
    assert settings.backend.name == settings.soc_version.default_backend
    assert settings.precision.name == settings.backend.default_precision


def compose_in(composer: Composer, *overrides: str):
    return composer.cell(list(overrides)).settings


def test_an_explicit_choice_or_value_wins_over_auto(composer: Composer) -> None:
    composed = composer.cell(["soc_version=cpu", "backend=onnxruntime", "++backend.options.intra_op_threads=1"])
    assert not composed.device_found
    assert composed.settings.backend.options["intra_op_threads"] == 1
    steered = compose_in(composer, "++backend.default_precision=fp32", "++precision.dtype=float16")
    assert (steered.precision.name, steered.precision.dtype) == ("fp32", "float16")


def test_a_default_that_is_steered_from_the_command_line_is_followed(composer: Composer) -> None:
    with pytest.raises(HarnessError, match="backend=elsewhere: no such choice"):
        composer.cell(["++soc_version.default_backend=elsewhere"])


def test_the_order_of_overrides_does_not_matter(composer: Composer) -> None:
    words = ["model=swin98_tiny", "batchsize=4", "++measure.rounds=7"]
    assert len({repr(compose_in(composer, *order)) for order in itertools.permutations(words)}) == 1


def test_the_batch_size_reaches_the_input_shape(composer: Composer) -> None:
    for size in (1, 3):
        settings = compose_in(composer, "model=swin98_tiny", f"batchsize={size}")
        assert settings.batchsize == size
        assert settings.model.inputs[0].shape == (size, 3, 128, 128)


@pytest.mark.parametrize(
    "words",
    [
        ["model=swin98_tiny", "batchsize=4"],
        ["++measure.rounds=7", "measure=smoke", "++model.options.window_size=5"],
        ["++model.inputs.0.low=0", "++model.inputs.0.high=1", "~export.simplify"],
        ["sweep=swin98_batchsizes", "batchsize=2", "++model.checkpoint='a b.pth'"],
        ["++model.inputs=[{name: x, shape: [1, 3, 8, 8]}]", "+limits.export_s=5"],
    ],
)
def test_sharing_compositions_gives_what_hydra_gives(composer: Composer, words: list[str]) -> None:
    """Cells with the same files share a composition and set their values in it; Hydra composes each from the start."""
    words = ["soc_version=cpu", "backend=onnxruntime", "precision=fp32", *words]
    words = [word.replace("+limits", "++limits") for word in words]
    config = composer.loader.load_sweep_config(composer.master, words)
    OmegaConf.set_readonly(config, False)
    OmegaConf.set_struct(config, False)
    del config["hydra"]
    assert compose_in(composer, *words) == settings_from(OmegaConf.to_container(config, resolve=True))


@pytest.mark.parametrize("words", [("evaluate=true", "evaluate.mode=files"), ("evaluate.mode=files", "evaluate=true")])
def test_evaluate_is_a_switch_that_keeps_its_section(composer: Composer, words: tuple[str, ...]) -> None:
    settings = compose_in(composer, *(forced(word) for word in words), "dataset=shapes").evaluate
    assert (settings.enabled, settings.mode, settings.workers) == (True, "files", 2)


@pytest.mark.parametrize(
    ("words", "lacks", "backend"),
    [
        ((), "trtexec is not installed", "torch"),
        ((), None, "tensorrt"),
        (("soc_version=T4",), "trtexec is not installed", "tensorrt"),
        (("backend=tensorrt",), "trtexec is not installed", "tensorrt"),
        (("simulator=nvidia",), "trtexec is not installed", "tensorrt"),
    ],
)
def test_a_gpu_that_was_found_is_driven_by_what_is_installed(
    composer: Composer, words: tuple[str, ...], lacks: str | None, backend: str
) -> None:
    asked: list[str] = []
    here = Composer(composer.loader, composer.master, lambda: "T4", lambda kind: asked.append(kind) or lacks)
    composed = here.cell(["model=swin98_tiny", *words])
    assert (composed.settings.soc_version.name, composed.settings.backend.name) == ("T4", backend)
    assert bool(composed.notes) == (backend == "torch")
    if composed.notes:
        assert asked == ["tensorrt"]
        assert "trtexec is not installed; install it, or give backend=tensorrt to insist" in composed.notes[0]
