"""``--help``, ``--cfg``, ``--info`` and completion work, quickly: what they import is asserted, not timed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.config.keys import exists
from harness.config.locate import conf_dir

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "mlflow", "onnx", "onnxruntime", "onnxsim", "cv2", "av", "scipy", "pandas", "pydantic", "matplotlib"}


def imported_by(*words: str, cwd: Path, **environment: str) -> tuple[set[str], str]:
    """The top-level modules that a fresh process has loaded at its end, and its standard output."""
    code = "import sys, atexit; sys.argv[0] = 'harness'; from harness.__main__ import main\n"
    code += "atexit.register(lambda: print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr))\n"
    code += "sys.exit(main())"
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split()), done.stdout


@pytest.mark.parametrize("words", [["--help"], ["-h", "model=swin98_tiny"], ["--version"], ["--hydra-help"]])
def test_help_imports_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    modules, printed = imported_by(*words, cwd=tmp_path)
    assert "harness" in modules
    assert not HEAVY & modules
    assert printed
    assert list(tmp_path.iterdir()) == []


def test_tab_completion_imports_nothing_heavy_and_completes(tmp_path: Path) -> None:
    def completed(line: str) -> list[str]:
        modules, printed = imported_by("-sc", "query=bash", cwd=tmp_path, COMP_LINE=line, COMP_POINT=str(len(line)))
        assert not HEAVY & modules
        return printed.split()

    assert "model=swin98_tiny" in completed("harness model=swin9")
    assert completed("harness measure.rou") == ["measure.rounds="]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_console_script_completes_in_a_real_shell(tmp_path: Path) -> None:
    """What ``eval "$(harness -sc install=bash)"`` defines is what bash calls when Tab is pressed."""
    script = tmp_path / "bin" / "harness"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom harness.__main__ import main\nsys.exit(main())\n")
    script.chmod(0o755)
    pressed = (
        'eval "$(harness -sc install=bash)"; COMP_LINE="harness model=swin98_t" COMP_POINT=22 COMP_CWORD=1; '
        'hydra_bash_completion; echo "${COMPREPLY[@]}"'
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", pressed], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["model=swin98_tiny"]


def test_help_shows_the_commands_the_groups_and_where_results_go(command) -> None:
    printed = command("--help").out
    assert "python -m harness model=swin98 batchsize=1,4,8 measure=smoke -m" in printed
    assert "mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db" in printed
    for group in ("model", "measure", "backend", "soc_version", "precision", "tracking"):
        choices = ", ".join(sorted(file.stem for file in (conf_dir() / group).glob("*.yaml")))
        assert f"{group}: {choices}\n" in printed
    assert "sweep: swin98_310P_vs_T4, swin98_batchsizes" in printed
    assert "mlruns/" in printed
    assert "HARNESS_HOME" in printed


def test_help_is_the_same_with_and_without_hydra(command) -> None:
    assert command("--help").out == command("--help", "batchsize=2").out


def test_every_key_in_the_help_exists(command) -> None:
    keys = re.findall(r"^([a-z_.]+)=\S+   ", command("--help").out, flags=re.MULTILINE)
    assert len(keys) > 3
    assert [key for key in keys if not exists(key)] == []


def test_version(command) -> None:
    from harness import __version__

    assert command("--version").out == f"harness {__version__}\n"


def test_cfg_and_info_show_without_running(command, empty_folder: Path) -> None:
    shown = command("--cfg", "job", "model=swin98_tiny", "model.options.mlp_ratio=2", "-m")
    assert (shown.status, shown.manifests) == (0, [])
    assert "name: swin98_tiny" in shown.out
    assert "mlp_ratio: 2" in shown.out
    assert "sweeps" in command("--info", "searchpath").out
    assert "model/swin98_tiny" in command("--info", "defaults", "model=swin98_tiny").out
    assert list(empty_folder.iterdir()) == []


def test_another_hydra_application_does_not_see_the_sweeps(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(
        "import hydra\n@hydra.main(version_base='1.3', config_path=None)\ndef main(cfg): pass\nmain()\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "other.py", "--info", "searchpath"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "schema" in done.stdout
    assert "sweeps" not in done.stdout
