"""Contract tests for third parties: what the harness relies on when it runs a model family or a backend of theirs.

    from harness.testing import BackendContract

    class TestRknn(BackendContract):
        kind = "rknn"                 # as in the YAML
        options = {"cores": 3}

pytest then runs every check on it. ``FamilyContract`` does the same for a model family; it needs torch and
ONNX Runtime, a backend's contract only ``onnx``. pytest is no dependency of the harness: it is imported when a contract
is.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.testing.backend import BackendContract
    from harness.testing.family import FamilyContract

__all__ = ["BackendContract", "FamilyContract"]

_HOMES = {"BackendContract": "harness.testing.backend", "FamilyContract": "harness.testing.family"}


def __getattr__(name: str) -> Any:
    """The contract of that name, with pytest's explanations for its assertions.

    Raises:
        ImportError: pytest is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    try:
        import pytest
    except ImportError as error:
        raise ImportError(f"harness.testing.{name} needs pytest, which is not installed; pip install pytest") from error
    home = _HOMES[name]
    if home not in sys.modules:
        pytest.register_assert_rewrite(home)
    return getattr(importlib.import_module(home), name)
