"""``python -m harness.doctor`` says what there is, what is missing and what to do, and whether the device can run."""

from __future__ import annotations

import pytest

from harness.commands.doctor import main


def test_the_stand_ins_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulator=cann"]) == 0
    said = capsys.readouterr().out
    for words in ("device 0", "Ascend310P3 (NPU 4, chip 0), health OK", "CANN 5.1.RC2", "22.0.2", "ais_bench 0.0.2"):
        assert words in said
    assert "soc_version=Ascend310P3 (auto), simulated: can run here" in said


def test_what_is_missing_comes_with_the_command_that_fixes_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["soc_version=Ascend310P3"]) == 1
    said = capsys.readouterr().out
    assert "fix: install the NPU's driver" in said
    assert "set_env.sh" in said
    assert "ais_bench and aclruntime wheels" in said
    assert "soc_version=Ascend310P3: cannot run here: to measure and convert it lacks devices, toolkit, atc" in said


def test_another_chip_and_a_device_that_nobody_drives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soc_version=Ascend910A", "simulator=cann"]) == 1
    assert "no Ascend910A here" in capsys.readouterr().out
    assert main(["soc_version=T4"]) == 1
    assert main(["soc_version=cpu"]) == 0
    assert main(["soc_versoin=cpu"]) == 2
    assert "did you mean 'soc_version'" in capsys.readouterr().err


def test_a_gpu_is_told_with_what_drives_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.commands.doctor_gpu.built_for_cuda", lambda: "12.8")
    assert main(["simulator=nvidia"]) == 0
    said = capsys.readouterr().out
    assert "T4 (Tesla T4)" in said
    assert "driver 550.54.15, CUDA 12.4, 70 W" in said
    assert "soc_version=T4 (auto), simulated: can run here" in said
