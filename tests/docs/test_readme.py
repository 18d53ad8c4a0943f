"""The two READMEs say the same, and everything in them that somebody can type works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from harness.config.compose import compose_settings
from harness.models.family import family
from tests.docs import pages
from tests.stages import networks

ROOT = pages.ROOT
ENGLISH = pages.commands("en")
HEAVY = "python -m harness model=swin98 batchsize=1,4,8 measure=smoke -m"
"""The command behind `make bench`: minutes, and run as it stands."""

BRIEF = " measure=smoke measure.rounds=1 measure.min_time_s=0.05 measure.warmup_s=0"
EXIT_STATUS = {
    "harness.resume": {0, 2},  # 2: all sweeps of the desk are finished
    "harness.rerun": {0, 1},  # 1: not reproduced, as happens beside other tests
    "harness.gate": {0, 1, 3},  # 1: something is slower, 3: nothing in common with the newest sweep
}
HARNESS = [line for line in ENGLISH if line.startswith("python -m harness") and line != HEAVY]
MAKE = [line for line in ENGLISH if line.startswith("make ")]
PIP = [line for line in ENGLISH if line.startswith("pip ")]
OTHERS = [line for line in ENGLISH if line not in {HEAVY, *HARNESS, *MAKE, *PIP}]


def test_both_languages_say_the_same():
    assert pages.commands("zh") == ENGLISH
    assert pages.files("zh") == pages.files("en") != {}
    assert pages.headings("zh") == pages.headings("en")
    assert {link.replace(".zh-CN", "") for link in pages.links("zh")} == {
        link.replace(".zh-CN", "") for link in pages.links("en")
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_a_page_links_is_there(language):
    missing = [link for link in pages.links(language) if not (ROOT / link).exists()]
    assert not missing


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_of_groups_names_every_choice(language):
    text = pages.READMES[language].read_text(encoding="utf-8")
    for group in sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir()):
        if group in {"hydra", "local", "reference"}:  # launchers and numbers, not parts of a run
            continue
        row = re.search(rf"^\| `{group}` \| (.*?) \|", text, flags=re.MULTILINE)
        assert row, group
        choices = {file.stem for file in (ROOT / "conf" / group).glob("*.yaml")}
        assert set(re.findall(r"`(\w+)`", row[1])) == choices, group


def test_every_command_is_of_a_kind_that_is_executed_below():
    assert {line.split()[0] for line in OTHERS} == {"mlflow", "eval"}, OTHERS


def test_make_knows_every_target():
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for line in MAKE:
        ran = subprocess.run(
            [make, "-n", *shlex.split(line)[1:]], cwd=ROOT, env=environment, capture_output=True, check=False
        )
        assert ran.returncode == 0, (line, ran.stderr)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page shows and names, and a ``bin`` whose commands are those under test."""
    folder = tmp_path_factory.mktemp("desk")
    for name, content in pages.files("en").items():
        target = folder / name
        target.parent.mkdir(parents=True)
        target.write_text(tiny(content), encoding="utf-8")
    networks.dynamic_batch(folder / "net.onnx")
    settings = compose_settings("model=swin98_tiny").model
    network = family(settings.kind).build(family(settings.kind).parse_options(settings.options))
    torch.save(network.state_dict(), folder / "mine.pth")
    write_pictures(folder / "ADEChallengeData2016")
    (folder / "zoo.md").write_text("| batchsize | 310P |\n| --- | --- |\n| 1 | 16.74 fps |\n", encoding="utf-8")
    commands_under_test(folder / "bin")
    for _ in range(2):  # whoever reads on has typed `make bench`, and typed it again
        ran = execute(tiny(HEAVY).replace(" measure=smoke", BRIEF), folder)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def write_pictures(folder: Path) -> None:
    """Two pictures with their annotations, in ADE20K's layout."""
    draw = np.random.default_rng(0)
    for name in ("images/validation", "annotations/validation"):
        (folder / name).mkdir(parents=True)
    for stem in ("ADE_val_00000001", "ADE_val_00000002"):
        picture = draw.integers(0, 256, (140, 180, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "images" / "validation" / f"{stem}.jpg"), picture)
        labels = draw.integers(0, 151, (140, 180), dtype=np.uint8)
        cv2.imwrite(str(folder / "annotations" / "validation" / f"{stem}.png"), labels)


def commands_under_test(folder: Path) -> None:
    """``python`` and ``harness`` of this environment; a link to the interpreter would not find its packages."""
    folder.mkdir()
    scripts = {
        "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        "harness": f"#!{sys.executable}\nfrom harness.__main__ import main\nmain()\n",  # as an installer writes it
    }
    for name, script in scripts.items():
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)


def tiny(text: str) -> str:
    """The same with the network that a test can afford."""
    return re.sub(r"\bswin98\b(?!_)", "swin98_tiny", text)


def execute(line: str, desk: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command as the shell runs it, in the desk's folder."""
    path = os.pathsep.join([str(desk / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if name != "HARNESS_HOME"}
    environment |= {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables}
    return subprocess.run(
        ["bash", "-c", line], cwd=desk, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("line", HARNESS)
def test_a_command_of_the_harness_works(line, desk):
    line = tiny(line).replace("measure=standard", "measure=smoke")
    if "harness " in line and not re.search(r"--(help|cfg)", line):
        line += BRIEF
    if "ade20k" in line:
        line += " model.weights=random model.options.num_classes=150"  # the checkpoint that ships knows other classes
    if "sweep=" in line:
        line += " model=swin98_tiny"
    if "parse" in line:
        shutil.copy(min((ROOT / "tests" / "parsing" / "samples").rglob("ais_bench_perf*")), desk / "FILE")
    if "<" in line:
        record = min((desk / "mlruns" / "records").glob("*/*/record.json")).parent
        line = re.sub(r"mlruns/records/<.*>", str(record.relative_to(desk)), line)
    ran = execute(line, desk, GITHUB_STEP_SUMMARY=str(desk / "summary.md"))  # as a workflow has it
    assert ran.returncode in EXIT_STATUS.get(line.split()[2], {0}), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    for made in re.findall(r"^made +(\S+)", ran.stdout, flags=re.MULTILINE):
        shutil.copy(made, desk)  # carried to the other host


@pytest.mark.slow
def test_the_sweep_of_the_first_page_runs_as_it_stands(tmp_path):
    assert HEAVY in ENGLISH
    commands_under_test(tmp_path / "bin")
    ran = execute(HEAVY, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(re.findall(r"^swin98 .* ok ", ran.stdout, flags=re.MULTILINE)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("line", PIP)
def test_an_installation_works(line, tmp_path):
    """Without a network: dependencies are left out, and the build tool is the one of this environment."""
    pip = [sys.executable, "-m", "pip"]
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_COMPILE": "1"}
    environment = {**os.environ, **offline}
    made = [*pip, "wheel", "--quiet", "--wheel-dir", str(tmp_path / "wheelhouse"), str(ROOT)]
    if "wheelhouse" in line:
        subprocess.run(made, env=environment, check=True)
    where = tmp_path if "wheelhouse" in line else ROOT
    words = [*pip, *shlex.split(line)[1:], "--target", str(tmp_path / "site")]
    subprocess.run(words, cwd=where, env=environment, check=True)
    assert (tmp_path / "site" / "harness" / "conf" / "config.yaml").is_file()


@pytest.mark.slow
def test_tab_completion_is_installed(desk):
    (line,) = [line for line in OTHERS if line.startswith("eval")]
    ran = execute(f"{line} && complete -p harness", desk)
    assert ran.returncode == 0, ran.stderr
    assert "harness" in ran.stdout


@pytest.mark.slow
def test_the_results_open_in_mlflow(desk):
    (line,) = [line for line in OTHERS if line.startswith("mlflow")]
    execute("python -m harness model=swin98_tiny" + BRIEF, desk)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    server = subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=desk,
        env={**os.environ, "PATH": path, "MLFLOW_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        page = wait_for(f"http://127.0.0.1:{port}/", server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
    assert "MLflow" in page


def wait_for(address: str, server: subprocess.Popen[bytes]) -> str:
    """The page, as soon as the server answers; fails when the server ends or takes three minutes."""
    for _ in range(180):
        assert server.poll() is None, f"mlflow ended with status {server.returncode}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(1)
    raise AssertionError(f"{address} did not answer")
