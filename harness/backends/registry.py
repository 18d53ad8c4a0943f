"""Which backends there are: the built-in ones, those of installed packages, and any ``package.module:attribute``.

Importing this module imports no runtime, and so does looking a backend up.
"""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import entry_points
from typing import Any

from pydantic import TypeAdapter

from harness.backends.protocol import Backend
from harness.config.schema import BackendSettings
from harness.errors import ConfigError

BUILT_IN = {"onnxruntime": "harness.backends.onnx_runtime:OnnxRuntimeBackend"}

ENTRY_POINT_GROUP = "harness.backends"

CLASS_ATTRIBUTES = ("name", "boundary", "Options")


def backend(settings: BackendSettings) -> Backend:
    """The backend that ``settings.kind`` names, made from ``settings.options``. Touches no device, imports no runtime.

    Raises:
        ConfigError: the kind is unknown or names something that is no backend.
        pydantic.ValidationError: the options are not the backend's.
    """
    made = backend_type(settings.kind)
    return made(backend_options(settings.kind).validate_python(dict(settings.options)))


def backend_options(kind: str) -> TypeAdapter[Any]:
    """What validates the options of ``kind``: ``validate_python(mapping)`` gives its Options or raises ValidationError.

    Raises:
        ConfigError: as ``backend``.
    """
    return TypeAdapter(backend_type(kind).Options)


def backend_type(kind: str) -> type[Backend]:
    """The class behind a kind.

    Raises:
        ConfigError: as ``backend``.
    """
    installed = {point.name: f"{point.module}:{point.attr}" for point in entry_points(group=ENTRY_POINT_GROUP)}
    target = BUILT_IN.get(kind) or installed.get(kind) or (kind if ":" in kind else None)
    if target is None:
        raise ConfigError(_unknown(kind, sorted({*BUILT_IN, *installed})))
    module_name, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"backend.kind={kind}: cannot import {target} ({error}); expected package.module:Class"
        ) from None
    missing = [name for name in CLASS_ATTRIBUTES if not hasattr(found, name)]
    if missing or not callable(found):
        raise ConfigError(
            f"backend.kind={kind}: {target} is no backend, it lacks {', '.join(missing) or 'a constructor'};"
            " see harness/backends/protocol.py"
        )
    made: type[Backend] = found
    return made


def _unknown(kind: str, known: list[str]) -> str:
    """The one line for a kind that nothing goes by."""
    near = difflib.get_close_matches(kind, known, n=1, cutoff=0.4)
    meant = f", did you mean {near[0]}?" if near else ""
    return f"backend.kind={kind}: no such backend{meant} (known: {', '.join(known)}; or package.module:Class)"
