"""A command line becomes a manifest: its cells, their names, what is skipped, where results go, the exit status."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from harness.config.compose import Composed, compose_settings
from harness.config.freeze import cell_names, freeze
from harness.errors import ConfigError


@pytest.mark.parametrize(
    "words", [["-m", "model=swin98_tiny", "batchsize=1,4,8"], ["batchsize=1,4,8", "model=swin98_tiny"]]
)
def test_swept_values_become_cells_in_order(command, empty_folder: Path, words: list[str]) -> None:
    ran = command(*words)
    assert ran.status == 0
    assert [cell.settings.batchsize for cell in ran.manifest.cells] == [1, 4, 8]
    assert [cell.name for cell in ran.manifest.cells] == [f"swin98_tiny-cpu-fp32-bs{size}" for size in (1, 4, 8)]
    assert ran.manifest.interleaved
    assert ran.homes == [empty_folder / "mlruns"]
    assert "device cpu (soc_version=auto)" in ran.out


def test_a_single_run_is_a_sweep_of_one_cell(command) -> None:
    manifest = command("model=swin98_tiny", "measure.rounds=2", "soc_version=cpu").manifest
    assert len(manifest.cells) == 1
    assert set(manifest.cells[0].overrides) == {"model=swin98_tiny", "measure.rounds=2", "soc_version=cpu"}
    assert re.fullmatch(r"\d{8}-\d{6}-swin98_tiny-[0-9a-f]{4}", manifest.sweep_id)
    assert manifest.command == ("python", "-m", "harness", "model=swin98_tiny", "measure.rounds=2", "soc_version=cpu")
    assert manifest.created.endswith("+00:00")


def test_a_named_sweep_and_the_command_line_wins(command) -> None:
    assert [cell.settings.batchsize for cell in command("sweep=swin98_batchsizes").manifest.cells] == [1, 4, 8]
    manifest = command("sweep=swin98_batchsizes", "batchsize=2", "measure=smoke").manifest
    assert [cell.settings.batchsize for cell in manifest.cells] == [2]
    assert manifest.cells[0].settings.measure.name == "smoke"
    assert "-swin98_batchsizes-" in manifest.sweep_id


def test_a_sweep_file_may_list_its_values(command, tmp_path: Path) -> None:
    folder = tmp_path / "own" / "sweep"
    folder.mkdir(parents=True)
    lines = [
        "# @package _global_",
        "defaults:",
        "  - override /model: swin98_tiny",
        "hydra:",
        "  sweeper:",
        "    params:",
        "      batchsize: [1, 2]",
        "      measure.rounds: 3,5",
        "      parity.enabled: [true, false]",
    ]
    (folder / "listed.yaml").write_text("\n".join(lines), encoding="utf-8")
    manifest = command("sweep=listed", "measure.rounds=3", "-cd", str(folder.parent)).manifest
    settings = [cell.settings for cell in manifest.cells]
    assert {(each.batchsize, each.measure.rounds, each.parity.enabled) for each in settings} == {
        (size, 3, enabled) for size in (1, 2) for enabled in (True, False)
    }


def test_ranges_and_globs_sweep(command) -> None:
    manifest = command("batchsize=range(1,4)", "model=glob(swin98_t*)").manifest
    assert [cell.settings.batchsize for cell in manifest.cells] == [1, 2, 3]
    assert {cell.settings.model.name for cell in manifest.cells} == {"swin98_tiny"}


def test_a_device_that_is_elsewhere_is_skipped_in_a_sweep(command, config_dir: Path) -> None:
    ran = command("model=mine", "soc_version=K80,cpu", "--config-dir", str(config_dir))
    skipped, runs = ran.manifest.cells
    assert (skipped.decided.status, skipped.decided.reason, skipped.decided.message) == (
        "skipped",
        "no_device",
        "no K80 here",
    )
    assert skipped.settings.soc_version.name == "K80"
    assert runs.decided is None
    assert ran.status == 0


def test_a_named_device_that_is_here_runs(command, config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.devices

    monkeypatch.setattr(harness.devices, "present", lambda name: name == "K80")
    ran = command("model=mine", "soc_version=K80", "--config-dir", str(config_dir))
    assert ran.manifest.cells[0].decided is None
    assert "soc_version=auto" not in ran.out


def test_the_exit_status_is_that_of_the_sweep(command) -> None:
    assert command("model=swin98_tiny", status=1).status == 1
    assert command("model=swin98_tiny").status == 0


def test_a_wrong_last_cell_stops_the_sweep_before_the_first(command) -> None:
    ran = command("model=swin98_tiny", "batchsize=1,2,0")
    assert (ran.status, ran.manifests) == (2, [])


def test_another_launcher_gets_manifest_and_index_and_composes_nothing(
    command, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``basic`` stands for joblib, submitit and Ray, which ask Hydra's loader as it does."""
    ran_cells: list[tuple[Path, int, Path]] = []

    def run_cell(path: Path, index: int, home: Path) -> int:
        monkeypatch.setattr("hydra._internal.config_loader_impl.ConfigLoaderImpl.load_sweep_config", None)
        ran_cells.append((path, index, home))
        return 1

    monkeypatch.setattr("harness.commands.cell.run_cell", run_cell)
    ran = command("hydra/launcher=basic", "model=swin98_tiny", "batchsize=1,2", "measure.rounds=4", status=1)
    home = empty_folder / "mlruns"
    assert ran.err == ""
    assert ran.status == 1
    assert [cell.settings.batchsize for cell in ran.manifest.cells] == [1, 2]
    assert not ran.manifest.interleaved
    assert ran_cells == [(home / "manifest.json", 0, home), (home / "manifest.json", 1, home)]


def test_a_launcher_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    command, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if "ray_launcher" in name else found(name, *rest)
    )
    ran = command("hydra/launcher=ray", "model=swin98_tiny")
    assert ran.status == 2
    assert "pip install 'npu-harness[ray]'" in ran.err


def test_another_sweeper_with_another_launcher_is_refused(command) -> None:
    ran = command("hydra/sweeper=basic", "hydra/launcher=basic", "model=swin98_tiny", "batchsize=1,2")
    assert (ran.status, ran.manifests) == (2, [])
    assert "hydra/sweeper" in ran.err


def test_another_launcher_starts_nothing_when_a_cell_is_wrong(command, empty_folder: Path) -> None:
    ran = command("hydra/launcher=basic", "model=swin98_tiny", "batchsize=1,0")
    assert (ran.status, ran.manifests, ran.err.count("\n")) == (2, [], 1)
    assert list(empty_folder.iterdir()) == []


def test_names_are_short_and_unique_and_safe() -> None:
    base = compose_settings("model=swin98_tiny")
    other = compose_settings("model=swin98_tiny", "measure.rounds=9")
    bigger = compose_settings("model=swin98_tiny", "batchsize=2")
    assert cell_names([base, bigger]) == ["swin98_tiny-cpu-fp32-bs1", "swin98_tiny-cpu-fp32-bs2"]
    names = cell_names([base, other, base, bigger])
    assert len(set(names)) == 4
    assert names[3] == "swin98_tiny-cpu-fp32-bs2"
    assert re.fullmatch(r"swin98_tiny-cpu-fp32-bs1-[0-9a-f]{8}", names[0])
    assert names[2] == f"{names[0]}-2"
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
    assert cell_names([other, base])[1] == names[0], "a name depends on the cell, not on its place"


def test_the_only_cell_on_an_absent_device_is_refused() -> None:
    cell = Composed(compose_settings("model=swin98_tiny"), device_found=False, choices={})
    with pytest.raises(ConfigError, match="there is no cpu here"):
        freeze([cell], [[]], command=(), present=lambda _: False)
    manifest = freeze([cell, cell], [[], []], command=(), present=lambda _: False)
    assert {each.decided.status for each in manifest.cells if each.decided} == {"skipped"}
