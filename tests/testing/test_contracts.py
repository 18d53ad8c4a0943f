"""The built-in backend and family keep the contracts that third parties are held to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

import harness.testing
from harness.config.model import InputSettings
from harness.testing import BackendContract, FamilyContract
from tests.models.recipe import MINUTE, MINUTE_VIDEO

ROOT = Path(__file__).resolve().parents[2]


class TestOnnxRuntime(BackendContract):
    kind = "onnxruntime"
    options: ClassVar = {"intra_op_threads": 1}


class TestUpernetSwin(FamilyContract):
    kind = "upernet_swin"
    options = MINUTE
    inputs = (InputSettings(name="input", shape=(1, 3, 32, 32)),)


class TestVideoSwin(FamilyContract):
    kind = "video_swin"
    options = MINUTE_VIDEO
    inputs = (InputSettings(name="input", shape=(1, 1, 3, 6, 32, 32)),)


def test_pytest_is_imported_with_a_contract_and_not_before() -> None:
    code = (
        "import sys, harness.testing; assert 'pytest' not in sys.modules; from harness.testing import BackendContract"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_pytest_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['pytest'] = None; from harness.testing import FamilyContract"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "needs pytest, which is not installed; pip install pytest" in done.stderr.splitlines()[-1]


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="Contracts"):
        harness.testing.Contracts  # noqa: B018
