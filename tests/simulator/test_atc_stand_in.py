"""The stand-in of ATC refuses what ATC refuses, with its codes; what it makes follows from what it was given alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.parsing.atc import parse
from harness.simulator.atc import convert, read_flags
from harness.simulator.atc_report import AtcError
from harness.simulator.om import read_description
from tests.simulator.conftest import Tool, network

WORDS = ("--framework=5", "--model=net.onnx", "--output=net", "--soc_version=Ascend310P3")


@pytest.fixture
def place(folder: Path) -> Path:
    network(folder / "net.onnx", "batch")
    (folder / "bad.ini").write_text("Gelu\n")
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--soc_version=Ascend310P",), "E10001"),
        (("--framework=",), "E10054"),
        (("--input_shape=x:1,4;z:1,4",), "E10016"),
        (("--input_shape=x1,4",), "E10002"),
        (("--input_shape=x:1,5;onnx::y:1,4",), "E10050"),
        (("--input_shape=x:0,4;onnx::y:1,4",), "E10011"),
        (("--input_shape=x:4;onnx::y:1,4",), "E10049"),
        ((), "E10012"),
        (("--precision_mode=force_fp16", "--precision_mode_v2=fp16"), "E10047"),
        (("--dynamic_batch_size=1,4", "--dynamic_image_size=1,2;3,4"), "E10009"),
        (("--dynamic_batch_size=4", "--input_shape=x:-1,4;onnx::y:-1,4"), "E10035"),
        (("--op_precision_mode=bad.ini",), "E10001"),
        (("--op_precision_mode=absent.ini",), "E10001"),
        (("--auto_tune_mode=RL,GA",), "E10001"),
        (("--enable_small_channel=2",), "E10006"),
        (("--log=loud",), "E10001"),
        (("--out_nodes=Nothing:0", "--input_shape=x:1,4;onnx::y:1,4"), "E11017"),
        (("--model=bad.ini",), "E10041"),
        (("--model=absent.onnx",), "E10410"),
    ],
)
def test_codes(place: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: str) -> None:
    monkeypatch.chdir(place)
    with pytest.raises(AtcError) as refused:
        convert(read_flags([*WORDS, *words]))
    assert refused.value.code == code
    assert not (place / "net.om").exists()


def test_a_failure_in_atc_s_words(tool: Tool, place: Path) -> None:
    done = tool("atc", *WORDS, "--input_shape=z:1,4", check=False)
    assert done.returncode == 255, done.stdout + done.stderr
    log = parse(done.stdout)
    assert (log.status, log.codes) == ("failed", ("E10016",))
    assert "E10016" in next((place / "plog").rglob("plog-*.log")).read_text()
    unknown = tool("atc", *WORDS, "--nonsense=1", check=False)
    assert unknown.returncode == 1
    assert "unknown command line flag 'nonsense'" in unknown.stderr


def test_operators_on_the_list_are_refused_by_name(tool: Tool, place: Path) -> None:
    shape = "--input_shape=x:1,4;onnx::y:1,4"
    log = parse(tool("atc", *WORDS, shape, unsupported_operators=["Relu"], check=False).stdout)
    assert log.operators == (("Relu_2", "Relu"),)
    assert log.failure is not None
    assert log.failure.reason == "operator_unsupported"
    assert parse(tool("atc", *WORDS, shape).stdout).status == "success"
    assert (place / "kernel_meta").is_dir()


def test_equal_conversions_give_equal_bytes(tool: Tool, place: Path) -> None:
    made = []
    for extra in ((), (), ("--output_type=FP16",)):
        tool("atc", *WORDS, "--input_shape", "x:2,4;onnx::y:2,4", *extra)
        made.append((place / "net.om").read_bytes())
    assert made[0] == made[1] != made[2]
    assert [each["dtype"] for each in read_description(place / "net.om")["outputs"]] == ["float16", "float16"]
