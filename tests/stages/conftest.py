"""Plug-ins on the path, and ONNX Runtime's own words off the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of configuration of the tests' plug-ins, whose modules can be imported meanwhile."""
    monkeypatch.syspath_prepend(str(PLUGINS))
    return PLUGINS / "conf"
