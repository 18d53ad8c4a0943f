"""The directions between the rooms hold: imports as `.importlinter` states them, nothing heavy where none belongs."""

from __future__ import annotations

import configparser
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / ".importlinter"


def test_the_import_contracts_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_is_named_in_the_contract_on_hydra() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(CONTRACTS)
    named = contracts["importlinter:contract:hydra-ends-at-the-border"]["source_modules"].split()
    rooms = {f"harness.{module.name}" for module in pkgutil.iter_modules(harness.__path__)}
    config = {f"harness.config.{module.name}" for module in pkgutil.iter_modules([str(ROOT / "harness" / "config")])}
    knows_hydra = {"harness.config.compose", "harness.config.application", "harness.config.refusal"}
    assert set(named) == (rooms - {"harness.__main__", "harness.calibrate", "harness.offline", "harness.config"}) | (
        config - knows_hydra
    )


def loaded(*packages: str) -> set[str]:
    """The top-level modules in a fresh process that has imported every module of these packages."""
    code = (
        "import importlib, pkgutil, sys\n"
        "for name in sys.argv[1:]:\n"
        "    package = importlib.import_module(name)\n"
        "    for found in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "        if not found.name.endswith('__main__'): importlib.import_module(found.name)\n"
        "print(*{module.split('.')[0] for module in sys.modules})\n"
    )
    command = [sys.executable, "-c", code, *packages]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("packages", "absent"),
    [
        (["harness.sweep"], {"torch", "onnx", "onnxruntime", "onnxsim", "mlflow", "hydra", "omegaconf", "cv2"}),
        (["harness.backends", "harness.devices"], {"torch", "onnxruntime", "mlflow", "hydra"}),
        (["harness.records", "harness.tracking"], {"torch", "onnx", "onnxruntime", "mlflow", "hydra"}),
        (["harness.timing"], {"torch", "onnx", "onnxruntime", "mlflow", "hydra", "psutil"}),
    ],
)
def test_importing_a_room_loads_nothing_heavy(packages: list[str], absent: set[str]) -> None:
    assert not absent & loaded(*packages)
