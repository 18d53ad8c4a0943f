"""The wheel carries its configuration and works from any folder, without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built by the hatchling that is installed here: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare environment with the wheel in it; its dependencies are seen through a ``.pth`` to this environment's."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    inside = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    install += ["--target", inside, str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    Path(inside, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def run(python: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "HARNESS_HOME"}}
    return subprocess.run([python, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_holds_the_configuration_and_the_plug_ins(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("conf", "sweeps"):
        for file in (ROOT / folder).rglob("*.yaml"):
            if "local" not in file.parts:
                assert f"harness/{file.relative_to(ROOT).as_posix()}" in names
    assert "hydra_plugins/harness_launcher/launcher.py" in names
    assert "hydra_plugins/__init__.py" not in names, "a namespace shared with other plug-ins"
    assert "harness/py.typed" in names
    for file in (ROOT / "harness" / "models" / "shipped").iterdir():
        assert f"harness/models/shipped/{file.name}" in names
    assert any(name.startswith("harness/models/shipped/") and name.endswith(".pth") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_it_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = run(installed, "-c", "import harness; print(harness.__file__)", cwd=tmp_path).stdout
    assert str(ROOT) not in where
    helped = run(installed, "-m", "harness", "--help", cwd=tmp_path)
    assert helped.returncode == 0
    assert "swin98_tiny" in helped.stdout
    shown = run(installed, "-m", "harness", "--cfg", "job", "sweep=swin98_batchsizes", "batchsize=2", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "batchsize: 2" in shown.stdout
    refused = run(installed, "-m", "harness", "model=swin89", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("harness: model=swin89: no such choice; did you mean 'swin98'?")
    assert list(tmp_path.iterdir()) == []


def test_the_console_script_is_there(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "harness = harness.__main__:main" in archive.read(points).decode()


def test_an_editable_installation_copies_nothing(tmp_path: Path) -> None:
    """Copies of the configuration in site-packages would be read in place of the checkout's, or confuse who looks."""
    code = "import sys; from hatchling.build import build_editable; print(build_editable(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    names = [name for name in zipfile.ZipFile(built).namelist() if ".dist-info/" not in name]
    assert [Path(name).suffix for name in names] == [".pth"]
