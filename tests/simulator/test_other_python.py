"""What runs in CANN's own Python keeps to Python 3.7, and runs in another Python than the harness's."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.backends.ascend_session import AscendSession
from harness.backends.cann_python import run_code
from harness.config.simulator import SimulatorSettings
from harness.simulator.environment import environment
from tests.simulator.conftest import expected

PACKAGE = Path(harness.__file__).parent
STAND_INS = PACKAGE / "simulator" / "python"
FILES = [
    *(STAND_INS / "frontend").rglob("*.py"),
    *(STAND_INS / "runtime").rglob("*.py"),
    PACKAGE / "backends" / "worker" / "cann_worker.py",
]
VARIABLE = "HARNESS_TEST_CANN_PYTHON"
"""Names an interpreter of Python 3.7 to 3.9 with numpy; others are looked for on PATH and among pyenv's."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_syntax_is_that_of_python_3_7(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert not {name for name in imported if name.split(".")[0] == "harness"}


def candidates() -> Iterator[str]:
    if os.environ.get(VARIABLE):
        yield os.environ[VARIABLE]
    for minor in (8, 7, 9):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield found
        yield from map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))


@pytest.fixture(scope="module")
def old_python() -> str:
    for python in candidates():
        done = subprocess.run([python, "-c", "import numpy"], capture_output=True, check=False)
        if done.returncode == 0:
            return python
    pytest.skip(f"no Python 3.7 to 3.9 with numpy here; name one as {VARIABLE}")


def test_a_session_in_an_old_python(converted: Path, old_python: str) -> None:
    generator = np.random.default_rng(1)
    arrays = {name: generator.standard_normal((4, 4), dtype=np.float32) for name in ("x", "onnx::y")}
    known = environment(SimulatorSettings(name="cann", kind="cann"))
    with AscendSession(converted, old_python, known, 0) as session:
        outputs = session.run(arrays)
    for got, wanted in zip(outputs, expected(arrays["x"], arrays["onnx::y"]), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_what_another_python_prints_is_read_in_any_locale() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'\xff ' + '\u7cbe'.encode())"
    done = run_code(sys.executable, code, os.environ, timeout_s=60)
    assert done.stdout == "\N{REPLACEMENT CHARACTER} \u7cbe"
