"""Fixtures that every test may use."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The suite times nothing: a slow machine is no failure.
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("harness")

# Sweeps of the tests wait for each other and for nobody else on this machine.
os.environ["HARNESS_LOCKS"] = tempfile.mkdtemp(prefix="harness-test-locks-")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden results and real samples beside the checkout; tests that need it skip where it is absent."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("needs the folder shared/ beside the checkout (golden results, real samples)")
    return path
