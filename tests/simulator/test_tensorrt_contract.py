"""The contract of a backend, held against TensorRT on the stand-in of trtexec."""

from __future__ import annotations

import pytest

from harness.config.simulator import SimulatorSettings
from harness.simulator.environment import environment
from harness.testing import BackendContract

pytestmark = pytest.mark.slow  # each check builds an engine anew, in a process of its own


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process finds the stand-in as it would find the real tool: on its PATH."""
    known = environment(SimulatorSettings(name="nvidia", kind="nvidia", chip="T4"))
    for name in ("PATH", "PYTHONPATH", "HARNESS_SIMULATOR", "HARNESS_SIMULATOR_PYTHON", "HARNESS_SIMULATOR_ROOT"):
        monkeypatch.setenv(name, known[name])


class TestTensorRT(BackendContract):
    """TensorRT 10.2, as most machines have it."""

    kind = "tensorrt"
