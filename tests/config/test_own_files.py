"""A user's own configuration, and where results go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.config.compose import compose_settings
from harness.config.locate import harness_home


def test_a_users_own_model_behaves_like_a_built_in_one(command, config_dir: Path) -> None:
    ran = command("model=mine", "batchsize=1,2", "model.checkpoint=own.pth", "--config-dir", str(config_dir))
    assert ran.status == 0
    assert [cell.name for cell in ran.manifest.cells] == ["mine-cpu-fp32-bs1", "mine-cpu-fp32-bs2"]
    assert ran.manifest.cells[1].settings.model.inputs[0].shape == (2, 3, 64, 64)
    assert ran.manifest.cells[0].settings.model.checkpoint == "own.pth"


def test_a_relative_config_dir_is_seen_from_the_current_folder(command, config_dir: Path, empty_folder: Path) -> None:
    ran = command("model=mine", "-cd", os.path.relpath(config_dir, empty_folder))
    assert ran.manifest.cells[0].settings.model.name == "mine"


def test_settings_can_be_had_without_the_command_line(config_dir: Path) -> None:
    assert compose_settings("model=swin98_tiny", "measure.rounds=4").measure.rounds == 4
    assert compose_settings("model=mine", config_dirs=[config_dir]).model.name == "mine"


def test_results_go_below_the_current_folder_or_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESS_HOME", raising=False)
    assert harness_home() == tmp_path / "mlruns"
    monkeypatch.setenv("HARNESS_HOME", "elsewhere/../results")
    assert harness_home() == tmp_path / "results"
    monkeypatch.setenv("HARNESS_HOME", "~/results")
    assert harness_home() == Path.home() / "results"


def test_this_machines_own_settings_apply_by_themselves(command, config_dir: Path) -> None:
    (config_dir / "local").mkdir()
    (config_dir / "local" / "default.yaml").write_text("# @package _global_\nseed: 7\n", encoding="utf-8")
    assert command("model=mine", "-cd", str(config_dir)).manifest.cells[0].settings.seed == 7
    assert command("model=mine", "seed=8", "-cd", str(config_dir)).manifest.cells[0].settings.seed == 8


def test_a_file_that_a_built_in_one_would_hide_is_refused(command, config_dir: Path) -> None:
    (config_dir / "model" / "swin98.yaml").write_text("name: other\n", encoding="utf-8")
    ran = command("model=swin98", "--config-dir", str(config_dir))
    assert (ran.status, ran.manifests) == (2, [])
    assert "model/swin98 is built in" in ran.err


def test_files_are_found_on_hydras_search_path_too(command, config_dir: Path) -> None:
    ran = command("model=mine", "soc_version=K80,auto", f"hydra.searchpath=['file://{config_dir}']")
    assert [cell.settings.soc_version.name for cell in ran.manifest.cells] == ["K80", "cpu"]
