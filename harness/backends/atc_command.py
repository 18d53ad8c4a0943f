"""From a cell's settings to the flags of ATC, in the order in which the seeds write them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.backends.atc_flags import FILES, OWN, TYPED, canonical, checked, shape_text
from harness.config.locate import conf_dir
from harness.config.schema import PrecisionSettings, Settings
from harness.errors import ConfigError, UnsupportedError

FRAMEWORK_ONNX = "5"
EXTRA = "convert.extra_args"
DTYPE_MODES = {"float16": None, "float32": "must_keep_origin_dtype", "mixed": "allow_mix_precision", "file": None}
"""``precision_mode`` for a precision that names none: float16 is what ATC does without the flag."""


def atc_flags(settings: Settings) -> dict[str, str]:
    """The flags that the settings mean, files as absolute paths; all but ``model`` and ``output``.

    Raises:
        ConfigError: a flag or a value that ATC does not know, flags that exclude each other, a file that is not there.
    """
    convert, chosen = settings.convert, settings.precision
    extra = _extra(convert.extra_args)
    shapes = {spec.name: spec.shape for spec in settings.model.inputs}
    dimensions = {len(shape) for shape in shapes.values()}
    defaults = settings.model.convert
    input_format: str | None = None if convert.input_format == "none" else convert.input_format
    if input_format == "auto":
        input_format = defaults.get("input_format") or ("NCHW" if dimensions == {4} else None)
    typed: dict[str, str | None] = {
        "framework": FRAMEWORK_ONNX,
        "input_shape": None
        if {"input_shape", "input_shape_range"} & extra.keys() or not shapes
        else shape_text(shapes),
        "input_format": input_format,
        "log": defaults.get("log") if convert.log == "auto" else None if convert.log == "none" else convert.log,
        "soc_version": settings.soc_version.name,
        "precision_mode": _precision_mode(chosen),
        "precision_mode_v2": chosen.precision_mode_v2,
        "op_precision_mode": chosen.op_precision_mode,
        "output_type": convert.output_type,
        "op_select_implmode": convert.op_select_implmode,
        "optypelist_for_implmode": convert.optypelist_for_implmode,
    }
    flags = checked({**{name: value for name, value in typed.items() if value is not None}, **extra}, EXTRA)
    return {name: str(named_file(name, value)) if name in FILES else value for name, value in flags.items()}


def atc_arguments(flags: Mapping[str, str], model: Path, output: Path) -> list[str]:
    """``atc --framework=5 --model=... --output=...`` as a list of words; ``output`` is without its ``.om``."""
    words = {"framework": flags.get("framework", FRAMEWORK_ONNX), "model": str(model)}
    if "input_shape" in flags:
        words["input_shape"] = flags["input_shape"]
    words |= {"output": str(output), **{name: value for name, value in flags.items() if name not in words}}
    return ["atc", *(f"--{name}={value}" for name, value in words.items())]


def content_hashes(flags: Mapping[str, str]) -> dict[str, str]:
    """The flags with files and folders replaced by the SHA-256 of their content: what decides the OM."""
    return {name: _digest(Path(value)) if name in FILES else value for name, value in flags.items()}


def check_precision(precision: PrecisionSettings) -> None:
    """Refuse what ATC has no mode for.

    Raises:
        UnsupportedError: names the precision and what there is.
    """
    if precision.precision_mode and precision.precision_mode_v2:
        raise UnsupportedError(
            f"precision={precision.name}: precision_mode={precision.precision_mode} and "
            f"precision_mode_v2={precision.precision_mode_v2} exclude each other (E10047); give one of them"
        )
    if precision.dtype not in DTYPE_MODES:
        raise UnsupportedError(f"precision={precision.name} ({precision.dtype}): ATC has {', '.join(DTYPE_MODES)}")


def _precision_mode(precision: PrecisionSettings) -> str | None:
    if precision.precision_mode or precision.precision_mode_v2:
        return precision.precision_mode
    return DTYPE_MODES[precision.dtype]


def _extra(given: Mapping[str, Any]) -> dict[str, str]:
    """``convert.extra_args`` as text; what has a key of its own, or is the harness's to say, is refused."""
    found = {}
    for key, value in given.items():
        name = canonical(key)
        if name in OWN:
            raise ConfigError(f"{EXTRA}.{key}: the harness gives --{name} itself; leave it out")
        if name in TYPED:
            raise ConfigError(f"{EXTRA}.{key}: has a key of its own; give {TYPED[name]}={value}")
        if value is None or isinstance(value, Mapping):
            raise ConfigError(f"{EXTRA}.{key}: expected one value; give {EXTRA}.{key}=VALUE")
        found[key] = _text(value)
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def named_file(flag: str, value: str) -> Path:
    """The absolute path of a file that a flag names: as given, or one of the harness's own ``.ini`` files."""
    given = Path(value).expanduser()
    own = conf_dir() / "precision" / "ini" / given.name
    for path in (given, own) if flag == "op_precision_mode" else (given,):
        if path.exists():
            return path.resolve()
    raise ConfigError(f"{TYPED.get(flag, f'{EXTRA}.{flag}')}={value}: no such file (looked for {given.absolute()})")


def _digest(path: Path) -> str:
    """SHA-256 over a file's content, or over the names and contents below a folder."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if path.is_dir():
            digest.update(f"{file.relative_to(path)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
