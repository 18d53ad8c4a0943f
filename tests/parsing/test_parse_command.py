"""``python -m harness.parse KIND FILE`` as its user meets it."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.parse import main
from tests.parsing.transcripts import NPU_DUO, TRT10, ais_bench_run

HERE = Path(__file__).parent / "samples"
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-W", "error", "-m", "harness.parse", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False, timeout=60, cwd=ROOT)


@pytest.mark.parametrize(
    ("kind", "name", "key", "value"),
    [
        ("ais_bench", "ais_bench_perf__swin-97__1.txt", "generation", "G2-G3"),
        ("npu_smi", "npu_smi_info__DBNet-MobileNetV3__1.txt", "version", "22.0.4"),
        ("npu-smi", "npu_smi_other__msit-energy-map__1.txt", "cmd", "npu-smi info -m"),
        ("atc", "atc_fail__ICNet-success-W11001__1.txt", "codes", ["W11001"]),
        ("trtexec", "trtexec__benchmark-09-trtexec__1.txt", "p90", 8.5354),
    ],
)
def test_a_log_becomes_json(kind: str, name: str, key: str, value: object) -> None:
    done = run(kind, str(HERE / name))
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)[key] == value


def test_standard_input() -> None:
    done = run("ais_bench", "-", given=ais_bench_run([2.0], 4).encode())
    assert json.loads(done.stdout)["throughput"][0]["throughput"] == 2000.0


def test_powershell_redirects_as_utf_16() -> None:
    done = run("npu_smi", "-", given=NPU_DUO.encode("utf-16"))
    assert len(json.loads(done.stdout)["rows"]) == 2


def test_chinese_prose_in_another_encoding_does_not_hurt() -> None:
    done = run("ais_bench", "-", given="推理结果：\n".encode("gbk") + ais_bench_run([2.0]).encode())
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\r\n", "is empty"),
        (b"\x7fELF\x00\x01", "is binary"),
        (b"hello\n", "no output of atc recognised"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, words: str
) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(data)
    assert main(["atc", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("name", ["missing.txt", ".", "a\x00b", "x" * 5000])
def test_files_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["atc", f"{tmp_path}/{name}"]) == 1
    assert capsys.readouterr().err.startswith("harness.parse: cannot read ")


def test_the_wrong_kind_is_told_the_right_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.txt"
    path.write_text(NPU_DUO, encoding="utf-8")
    assert main(["trtexec", str(path)]) == 1
    assert "it looks like output of npu_smi" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["atc"], ["oops", "x"], ["atc", "a", "b"], ["--help", "x"]])
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert "usage: python -m harness.parse ais_bench|npu_smi|atc|trtexec FILE" in captured.err
    assert captured.err.count("\n") == 1


def test_help() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert b"usage" in done.stdout


def test_raw_times_of_trtexec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "times.json"
    path.write_text(json.dumps([{"computeMs": value} for value in (3.0, 1.0, 2.0, 6.0)]), encoding="utf-8")
    assert main(["trtexec", str(path)]) == 0
    out = json.loads(capsys.readouterr().out)
    assert (out["count"], out["min"], out["max"], out["mean"], out["median"]) == (4, 1.0, 6.0, 3.0, 2.5)


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(TRT10 * 200, encoding="utf-8")
    command = f'"{sys.executable}" -m harness.parse trtexec "{path}" | head -1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False, timeout=60, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == (b"{\n", b"")


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, harness.commands.parse, harness.parsing.ais_bench, harness.parsing.npu_smi, harness.parsing.atc, \
harness.parsing.trtexec; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    heavy = {"torch", "mlflow", "onnx", "onnxruntime", "numpy", "scipy", "hydra", "omegaconf", "pydantic", "rich"}
    assert heavy & set(done.stdout.split()) == set()
