"""The noise floor: what two records of one cell say, where it is kept, and what compare makes of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from harness.calibrate import main as calibrate_main
from harness.commands.calibrate import floor_of, told
from harness.commands.compare import main as compare_main
from harness.errors import HarnessError
from harness.records.floors import keep_floor, noise_floor, read_floors
from tests.commands.test_compare import written

HERE = {
    "settings": {
        "model": {"name": "net"},
        "batchsize": 4,
        "soc_version": {"name": "cpu"},
        "backend": {"name": "onnxruntime"},
    },
    "device": {"kind": "cpu", "cpu_model": "Example CPU"},
    "environment": {"hostname": "bench-01"},
}


def test_the_floor_is_the_95th_percentile_of_single_rounds(tmp_path: Path) -> None:
    ratios = [0.01, -0.02, 0.03, -0.04, 0.005, 0.0, 0.001, -0.002, 0.003, 0.015]
    one = written(tmp_path, "a", [100.0] * 10, **HERE)
    other = written(tmp_path, "b", [100 * math.exp(each) for each in ratios], **HERE)
    floor = floor_of(one, other)
    assert floor.floor == pytest.approx(0.04)
    assert (floor.host, floor.soc_version, floor.hardware, floor.backend) == (
        "bench-01",
        "cpu",
        "Example CPU",
        "onnxruntime",
    )
    assert told(one, other, floor) == ["noise floor of cpu (Example CPU) with onnxruntime: 4.1 % over 10 rounds of a"]
    with pytest.raises(HarnessError, match="two at least"):
        floor_of(one, written(tmp_path, "c", [100.0], **HERE))


def test_a_cell_that_differs_from_itself_is_pointed_out(tmp_path: Path) -> None:
    one = written(tmp_path, "a", [100, 101, 100, 99], **HERE)
    other = written(tmp_path, "b", [110, 111, 110, 109], **HERE)
    assert "differs from itself by 9.1 %" in told(one, other, floor_of(one, other))[1]


def test_compare_prints_a_tilde_below_the_floor_of_its_own_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = written(tmp_path, "a", [100, 101, 100, 99], **HERE)
    written(tmp_path, "b", [98, 99, 98, 97], **HERE)
    elsewhere = HERE | {"environment": {"hostname": "bench-02"}}
    written(tmp_path, "far-a", [100, 101, 100, 99], **elsewhere)
    written(tmp_path, "far-b", [98, 99, 98, 97], **elsewhere)

    def word(*words: str) -> str:
        assert compare_main([*words, f"home={tmp_path}", "format=json"]) == 0
        return json.loads(capsys.readouterr().out)[0]["word"]

    assert word("a", "b") == "faster"
    keep_floor(tmp_path, replace(floor_of(one, one), floor=0.05))
    assert word("a", "b") == "~"
    assert word("a", "b", "floor=0") == "faster"
    assert word("far-a", "far-b") == "faster"
    assert compare_main(["a", "b", f"home={tmp_path}"]) == 0
    assert "noise floor of 5.1 %" in " ".join(capsys.readouterr().out.split())


def test_a_floor_replaces_that_of_the_same_place_only(tmp_path: Path) -> None:
    floor = floor_of(*(written(tmp_path, "a", [100, 101], **HERE),) * 2)
    keep_floor(tmp_path, floor)
    keep_floor(tmp_path, replace(floor, backend="other"))
    keep_floor(tmp_path, replace(floor, floor=0.1))
    assert sorted((each.backend, each.floor) for each in read_floors(tmp_path)) == [("onnxruntime", 0.1), ("other", 0)]
    (tmp_path / "noise_floors.json").write_text("[{")
    with pytest.raises(HarnessError, match="calibrate again"):
        noise_floor(tmp_path, written(tmp_path, "b", [1.0], **HERE))


def test_wrong_words_are_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate_main(["swin98"]) == 2
    assert capsys.readouterr().err == "harness.calibrate: swin98: expected key=value, such as model=swin98_tiny\n"
    assert calibrate_main(["model=no_such_model"]) == 2
    assert "no_such_model" in capsys.readouterr().err
