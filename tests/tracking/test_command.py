"""``python -m harness.publish``: what it prints, its exit status, and what its parent need not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.publish import main
from tests.tracking.synthetic import make_record

ROOT = Path(__file__).resolve().parents[2]


def test_a_sweep_is_published_in_two_lines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [str(make_record(home, cell=cell, batchsize=cell + 1)[0]) for cell in range(2)]
    monkeypatch.chdir(home.parent)
    done = subprocess.run(
        [sys.executable, "-m", "harness.publish", f"home={home}", *folders],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(home.parent)},
    )
    assert done.stderr == ""
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first == "MLflow: 2 published in experiment harness of sqlite:///mlruns/mlflow.db"
    assert second.startswith(
        "  look: mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db   then http://127.0.0.1:5000/#/exp"
    )
    assert sorted(path.name for path in home.parent.iterdir()) == ["mlruns"]


def test_again_is_said_to_be_unchanged(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = make_record(home)
    assert main([str(folder)]) == 0
    assert "1 published" in capsys.readouterr().out
    assert main([str(home / "records")]) == 0
    assert "1 unchanged" in capsys.readouterr().out


def test_a_delay_is_one_line_for_all_and_status_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "mlflow.db").write_bytes(b"no database" * 100)
    for cell in range(3):
        make_record(home, cell=cell, name=f"c{cell}", rounds=1, onnx=None)
    assert main([str(home / "records")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("MLflow: 3 not published yet (")
    assert line.endswith("Nothing is lost: the records are complete")


def test_without_a_folder_all_records_of_the_home_are_sent(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for sweep in ("one", "two"):
        make_record(home, sweep=sweep, rounds=1)
    monkeypatch.setenv("HARNESS_HOME", str(home))
    assert main([]) == 0
    assert "2 published" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["home=/no/such/home"], ["/no/such/folder"], ["url=http://host"]])
def test_wrong_arguments_are_refused_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("harness.publish: ")
    assert arguments[0].partition("=")[0].strip("/") in line or "/no/such/home/records: no such folder" in line


def test_mlflow_is_imported_by_nobody_who_only_asks() -> None:
    code = (
        "import sys, harness.tracking.publish, harness.commands.publish\n"
        "import harness.records.io, harness.records.provenance\n"
        "heavy = {'mlflow', 'torch', 'onnx', 'onnxruntime', 'sqlalchemy', 'numpy', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
