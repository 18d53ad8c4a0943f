"""Which backends there are: the built-in ones, those of installed packages, and any ``package.module:attribute``.

Importing this module imports no runtime, and so does looking a backend up.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic import TypeAdapter

from harness.backends.protocol import Backend, BuildsForCell, TellsWhatItLacks
from harness.config.schema import BackendSettings, Settings
from harness.errors import ConfigError
from harness.plugins import find

BUILT_IN = {
    "ascend": "harness.backends.ascend:AscendBackend",
    "onnxruntime": "harness.backends.onnx_runtime:OnnxRuntimeBackend",
    "tensorrt": "harness.backends.tensorrt:TensorRTBackend",
    "torch": "harness.backends.torch_backend:TorchBackend",
}

ENTRY_POINT_GROUP = "harness.backends"

CLASS_ATTRIBUTES = ("name", "boundary", "Options")


def backend(settings: BackendSettings) -> Backend:
    """The backend that ``settings.kind`` names, made from ``settings.options``. Touches no device, imports no runtime.

    Raises:
        ConfigError: the kind is unknown or names something that is no backend.
        pydantic.ValidationError: the options are not the backend's.
    """
    made = backend_type(settings.kind)
    return made(backend_options(settings.kind).validate_python(given_options(settings)))


def given_options(settings: BackendSettings) -> dict[str, Any]:
    """The options as given, ``backend.python`` among them for a backend whose tools have a Python of their own.

    Raises:
        ConfigError: the backend has no such tools.
    """
    if settings.python is None:
        return dict(settings.options)
    if "python" not in {field.name for field in dataclasses.fields(backend_type(settings.kind).Options)}:
        raise ConfigError(f"backend.python={settings.python}: {settings.name} runs in the harness's own; leave it out")
    return {"python": settings.python, **settings.options}


def cell_backend(settings: Settings) -> Backend:
    """The backend of a cell, told the cell where it wants to know it. Raises as ``backend`` and ``for_cell`` do."""
    made = backend(settings.backend)
    return made.for_cell(settings) if isinstance(made, BuildsForCell) else made


def backend_options(kind: str) -> TypeAdapter[Any]:
    """What validates the options of ``kind``: ``validate_python(mapping)`` gives its Options or raises ValidationError.

    Raises:
        ConfigError: as ``backend``.
    """
    return TypeAdapter(backend_type(kind).Options)


def lacking(kind: str) -> str | None:
    """What a backend cannot do without and is not installed here, as its own ``lacking`` says; None where all is there.

    Raises:
        ConfigError: as ``backend``.
    """
    found: object = backend_type(kind)
    return found.lacking() if isinstance(found, TellsWhatItLacks) else None


def backend_type(kind: str) -> type[Backend]:
    """The class behind a kind.

    Raises:
        ConfigError: as ``backend``.
    """
    found: Any = find(kind, BUILT_IN, ENTRY_POINT_GROUP, "backend.kind", "backend")
    missing = [name for name in CLASS_ATTRIBUTES if not hasattr(found, name)]
    if missing or not callable(found):
        raise ConfigError(
            f"backend.kind={kind}: that is no backend, it lacks {', '.join(missing) or 'a constructor'};"
            " see harness/backends/protocol.py"
        )
    made: type[Backend] = found
    return made
