"""Models that come as a file of the user's instead of as code: which there are, and what can be known without reading.

Cheap to import: neither onnx nor torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.config.model import ModelSettings
from harness.errors import ConfigError

ONNX = "onnx"
CONVERTED = "converted"
OPENMMLAB = "openmmlab"
"""``model.kind`` of a network that a configuration of OpenMMLab's describes: code, but not the project's."""
FILE_KINDS = (ONNX, CONVERTED)
"""``model.kind`` of an ONNX file, and of one that a backend's own tools have made (``.om``, a TensorRT plan)."""

LONGEST_NAME = 80
"""Characters that a file's name may add to the names of cells, which are folders."""


def is_file(model: ModelSettings) -> bool:
    """Whether the network comes as a file."""
    return model.kind in FILE_KINDS


def with_name(model: Mapping[str, Any]) -> dict[str, Any]:
    """The values of ``model`` as composed, with the name that a file without one gets: its own, made safe for paths.

    Raises:
        ConfigError: a model that is a file, without one.
    """
    values = dict(model)
    if values.get("kind") in FILE_KINDS and not values.get("file"):
        raise ConfigError("model.file must be given: model.file=FILE")
    if values.get("kind") == OPENMMLAB and values.get("config") is None and values.get("name") is None:
        values["name"] = OPENMMLAB
    file = values.get("config" if values.get("kind") == OPENMMLAB else "file")
    if values.get("kind") in (*FILE_KINDS, OPENMMLAB) and values.get("name") is None and isinstance(file, str) and file:
        values["name"] = safe_name(Path(file).stem)
    return values


def safe_name(text: str) -> str:
    """The text out of ``A-Za-z0-9_.-``, begun by a letter or digit; ``model`` where nothing of it is left."""
    safe = re.sub(r"[^A-Za-z0-9_.]+", "-", text).lstrip("._-")[:LONGEST_NAME].rstrip("-.")
    return safe or "model"


def check_model(model: ModelSettings) -> None:
    """Refuse settings that belong to the other sort of model.

    Raises:
        ConfigError: one line on the first that does.
    """
    (_check_file if is_file(model) else _check_code)(model)


def _check_code(model: ModelSettings) -> None:
    if model.file is not None:
        raise ConfigError(
            f"model.file={model.file}: {model.name} is built from code; for a file use model=onnx model.file=FILE"
        )
    if model.dims:
        raise ConfigError(f"model.dims.{next(iter(model.dims))}: {model.name} has no open dimensions, only files do")
    if model.kind != OPENMMLAB and model.config is not None:
        raise ConfigError(
            f"model.config={model.config}: {model.name} has none; for a configuration of OpenMMLab's use "
            "model.provider=openmmlab and leave model out"
        )
    if not model.inputs and model.kind != OPENMMLAB:
        raise ConfigError("model.inputs is missing; give model.inputs=VALUE")
    for index, spec in enumerate(model.inputs):
        if not spec.shape:
            raise ConfigError(f"model.inputs.{index}.shape is missing; give model.inputs.{index}.shape=VALUE")


def _check_file(model: ModelSettings) -> None:
    if not model.file:
        raise ConfigError("model.file must be given: model.file=FILE")
    if model.options:
        raise ConfigError(f"model.options.{next(iter(model.options))}: a file has no options; leave it out")
    misplaced = {
        "checkpoint": model.checkpoint is not None,
        "pretrained": model.pretrained is not None,
        "weights": model.weights != "auto",
    }
    for key, given in misplaced.items():
        if given:
            raise ConfigError(f"model.{key}: the weights of {model.file} are in the file; leave model.{key} out")
    if model.kind == CONVERTED and model.graph.rules:
        raise ConfigError(
            f"model.graph.rules: {model.file} was converted already; rewrite the ONNX file it was made from"
        )
    if model.kind == CONVERTED and model.dims:
        raise ConfigError(f"model.dims: the shapes of {model.file} were fixed when it was converted; leave it out")


def located(file: str) -> Path:
    """The absolute path of the file that ``model.file`` names.

    Raises:
        ConfigError: it is not there, a folder, empty or unreadable.
    """
    given = f"model.file={file}"
    try:
        path = Path(file).expanduser().absolute()
        if path.is_dir():
            inside = sorted(each.name for each in path.iterdir() if each.suffix in {".onnx", ".om"})[:3]
            hint = f", such as {', '.join(inside)}" if inside else ""
            raise ConfigError(f"{given}: a folder; give the path of a file in it{hint}")
        size_bytes = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        where = "" if Path(file).is_absolute() else f" (looked for {path})"
        raise ConfigError(f"{given}: no such file{where}") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{given}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if size_bytes == 0:
        raise ConfigError(f"{given}: an empty file; copy or export it again")
    return path
