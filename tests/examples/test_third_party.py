"""The example package and the page on it: every block is an excerpt, every command runs, the contracts hold."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "third_party"
PAGES = {"extending": ROOT / "docs" / "extending.md", "readme": EXAMPLE / "README.md"}
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the file that is named above it, if any."""

    file: str | None
    language: str
    code: str


def blocks(page: str) -> list[Block]:
    found = BLOCK.finditer(PAGES[page].read_text(encoding="utf-8"))
    return [Block(match["file"], match["language"], match["code"]) for match in found]


def commands(page: str) -> list[str]:
    return [line for block in blocks(page) if block.language == "bash" for line in block.code.splitlines()]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_an_excerpt_of_the_example_or_a_command(page: str) -> None:
    found = blocks(page)
    assert found
    assert len(found) * 2 == len(re.findall(r"^```", PAGES[page].read_text(encoding="utf-8"), flags=re.MULTILINE))
    for block in found:
        if block.language != "bash":
            assert block.file is not None, block.code
            assert block.code in (EXAMPLE / block.file).read_text(encoding="utf-8"), block.file


def test_a_reader_finds_every_file_that_is_named() -> None:
    text = PAGES["readme"].read_text(encoding="utf-8")
    named = re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)
    assert len(named) == 6
    assert all((EXAMPLE / name).exists() for name in named)


def environment(*folders: Path, home: Path) -> dict[str, str]:
    """This project, and further folders, importable in every process."""
    path = os.pathsep.join(map(str, (ROOT, *folders)))
    return {**os.environ, "PYTHONPATH": path, "HARNESS_HOME": str(home), "COLUMNS": "200"}


def run(*command: str | Path, **settings: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def registered(tmp_path: Path) -> Path:
    """A folder with what an installation would write beside the packages: their entry points."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / "site" / "harness_example-0.1.0.dist-info"
    info.mkdir(parents=True)
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harness-example\nVersion: 0.1.0\n", encoding="utf-8")
    return info.parent


def test_registered_it_is_a_choice_like_the_built_in_ones(registered: Path, tmp_path: Path) -> None:
    """Without installing: entry points and Hydra's plugin are found on the path, and the backend keeps its contract."""
    known = environment(EXAMPLE, registered, home=tmp_path)
    shown = run(
        sys.executable, "-m", "harness", "model=ds_cnn", "backend=numpy_reference", "batchsize=3", "--cfg", "job",
        cwd=tmp_path, env=known,
    )  # fmt: skip
    assert "kind: numpy_reference" in shown.stdout
    assert "name: mfcc" in shown.stdout
    checked = run(
        sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", EXAMPLE / "tests",
        "-k", "TestNumpyReference or options or says or yaml", cwd=tmp_path, env=known,
    )  # fmt: skip
    assert re.search(r"\b2\d passed", checked.stdout)


@dataclass(frozen=True)
class Installed:
    """An environment of its own with the example in it."""

    python: Path
    site: Path


@pytest.fixture
def bare(tmp_path: Path) -> Installed:
    """An empty environment that sees this one's packages through a ``.pth``."""
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    asked = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    site = Path(asked.stdout.strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Installed(python, site)


def words(command: str, where: Installed) -> tuple[dict[str, str], list[str]]:
    """A command of the page as it is run here, with the variables before it: nothing comes from the network."""
    split = shlex.split(command)
    start = next(index for index, word in enumerate(split) if "=" not in word)
    variables = dict(word.split("=", 1) for word in split[:start])
    name, *rest = split[start:]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(where.site)]
    if name == "pip":
        return variables, [sys.executable, "-m", "pip", "--disable-pip-version-check", *rest[:1], *offline, *rest[1:]]
    return variables, [str(where.python), *(["-m", "pytest", "-W", "error"] if name == "pytest" else []), *rest]


@pytest.mark.slow
def test_every_command_of_the_page_runs_in_an_environment_of_its_own(bare: Installed, tmp_path: Path) -> None:
    """In the page's order: from a folder, installed, measured, checked."""
    home = tmp_path / "home"
    printed = {}
    for command in commands("extending"):
        variables, run_here = words(command, bare)
        known = environment(home=home)
        if "PYTHONPATH" in variables:
            known["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / variables["PYTHONPATH"])])
        printed[command] = run(*run_here, cwd=ROOT, env=known).stdout
    assert re.search(r"\b3\d passed in", printed["pytest examples/third_party/tests"])
    records = [json.loads(path.read_text(encoding="utf-8")) for path in home.glob("records/*/*/record.json")]
    measured = sorted(
        (r["settings"]["backend"]["name"], r["settings"]["batchsize"], r["settings"]["model"]["kind"]) for r in records
    )
    assert measured == [
        ("numpy_reference", 1, "ds_cnn"),
        ("numpy_reference", 2, "ds_cnn"),
        ("onnxruntime", 1, "ds_cnn"),
        ("onnxruntime", 1, "ds_cnn:FAMILY"),
        ("onnxruntime", 2, "ds_cnn"),
    ]
    assert {record["outcome"]["status"] for record in records} == {"ok"}
    charts = {path.name for path in home.glob("sweeps/*/*.png")}
    assert charts == {"throughput.png", "latency.png"}


def test_the_readmes_commands_are_the_pages() -> None:
    """So that the one test runs them all: the page's sweep only leaves tracking out."""
    pages = {command.replace(" tracking=none", "") for command in commands("extending")}
    assert set(commands("readme")) <= pages
