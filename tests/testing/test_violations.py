"""Every clause of the contracts bites: a backend or family that breaks it fails the test that is named after it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

SUITE = """
from broken import *
import broken
from harness.testing import BackendContract, FamilyContract

globals().update({name: getattr(broken, name) for name in broken.BROKEN})


class TestLoud(BackendContract):
    kind = "loud:Loud"


class TestHealthy(FamilyContract):
    kind = "broken:healthy"
    inputs = broken.INPUTS


broken.healthy = broken.Healthy()
"""


def run(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the suite in a pytest of its own, which knows nothing of this project's configuration."""
    path = os.pathsep.join([str(ROOT), str(HERE)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "--tb=line", *names]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_each_clause_is_checked_and_a_healthy_family_passes(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    source = (HERE / "broken.py").read_text(encoding="utf-8")
    clauses = re.findall(r'^@(?:breaks|broken_family)\("(\w+)".*\)\nclass (\w+)', source, flags=re.MULTILINE)
    assert len(clauses) > 20
    clauses.append(("test_importing_and_making_it_loads_no_runtime", "Loud"))
    clauses.append(("test_options_and_sources_need_no_torch", "Healthy"))  # its module imports torch
    wanted = {f"test_suite.py::Test{name}::{clause}" for clause, name in clauses}
    done = run(tmp_path, *sorted(wanted), "test_suite.py::TestHealthy")
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) (test_suite\.py::\w+::\w+)", done.stdout, flags=re.MULTILINE)
    assert outcomes, done.stdout + done.stderr
    failed = {name for outcome, name in outcomes if outcome == "FAILED"}
    assert wanted - failed == set(), "these were not noticed"
    assert {name for name in failed if "TestHealthy" in name} <= wanted, done.stdout
    assert not [name for outcome, name in outcomes if outcome == "ERROR"], done.stdout
    assert len([name for outcome, name in outcomes if "TestHealthy" in name]) >= 12
