"""Measuring on a machine with neither torch nor onnxsim: an environment that holds the plain dependencies and no more.

The environment is made without a network: a bare virtual environment that sees, of the packages installed here, those
that pyproject.toml names as dependencies (and what these need), not those of its extras.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.stages import networks

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def needed() -> dict[str, metadata.Distribution]:
    """The distributions that a plain installation brings, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [(Requirement(line), "") for line in project["dependencies"]]
    found: dict[str, metadata.Distribution] = {}
    asked: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for each in ("", *requirement.extras):
            if (requirement.name.lower(), each) in asked:
                continue
            asked.add((requirement.name.lower(), each))
            distribution = metadata.distribution(requirement.name)
            found[requirement.name.lower()] = distribution
            waiting += [(Requirement(line), each) for line in distribution.requires or ()]
    return found


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of the bare environment, which finds this checkout."""
    folder = tmp_path_factory.mktemp("bare")
    packages = folder / "packages"
    packages.mkdir()
    for distribution in needed().values():
        site = Path(str(distribution.locate_file("")))
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(site / top)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    inside = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    Path(inside, "packages.pth").write_text(f"{packages}\n{ROOT}\n", encoding="utf-8")
    return python


def run(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "HARNESS_HOME"}}
    environment["COLUMNS"] = "200"
    return subprocess.run(
        [python, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


BRIEF = ("-m", "harness", "measure=smoke", "measure.rounds=1", "measure.min_time_s=0.05", "measure.warmup_s=0")


def test_the_environment_is_bare(bare: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u; print([n for n in ('torch', 'onnxsim', 'pytest', 'onnx') if u.find_spec(n)])"
    assert run(bare, tmp_path, "-c", code).stdout.strip() == "['onnx']"
    helped = run(bare, tmp_path, "-m", "harness", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")


def test_a_file_is_measured_and_published(bare: Path, tmp_path: Path) -> None:
    networks.outside_data(tmp_path / "net.onnx")
    done = run(bare, tmp_path, *BRIEF, "model=onnx", "model.file=net.onnx", "batchsize=1,4", "-m")
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(path.read_text()) for path in (tmp_path / "mlruns" / "records").glob("*/*/record.json")]
    assert len(found) == 2
    for record in found:
        assert record["outcome"]["status"] == "ok"
        assert [step["stage"] for step in record["steps"]] == ["adopt", "parity", "measure"]
        assert any(note.startswith("not simplified: onnxsim is not installed here") for note in record["notes"])
        assert record["settings"]["export"]["simplify"] is False
    assert done.stdout.count("not simplified: onnxsim is not installed here (pip install 'npu-harness[export]')") == 1
    assert "MLflow: 2 published" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["model=swin98"],
            ["needs torch", "pip install 'npu-harness[export]'", "export_only=true", "model=onnx model.file=FILE"],
        ),
        (
            ["model=onnx", "model.file=net.onnx", "export.simplify=true"],
            ["onnxsim is not installed here", "pip install 'npu-harness[export]'", "export.simplify=false"],
        ),
    ],
)
def test_what_needs_more_says_what_to_install(bare: Path, tmp_path: Path, words: list[str], told: list[str]) -> None:
    networks.dynamic_batch(tmp_path / "net.onnx")
    done = run(bare, tmp_path, *BRIEF, *words)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    for part in told:
        assert part in line
    assert not (tmp_path / "mlruns").exists()
