"""The static inputs of an ONNX file at a batch size: pure reasoning over what the file declares and the user says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args

from harness.config.model import InputSettings
from harness.config.nearest import nearest
from harness.config.values import DType
from harness.errors import ConfigError, UnsupportedError
from harness.models.onnx_batch import batch_names, check_batch, is_given
from harness.models.onnx_file import FileInput, OnnxFile

DEFAULT_RANGE = (0, 2)
"""Where integers are drawn from that pick from no table and of which nothing else is known: valid flags and indices."""

NEED_A_RANGE = frozenset({"int64", "int32", "int16"})

ROWS_AT_MOST = {"int8": 1 << 7, "uint8": 1 << 8, "int16": 1 << 15}

Sizes = dict[str, int]


def static_inputs(
    file: OnnxFile, batchsize: int, dims: Mapping[str, int], given: Sequence[InputSettings]
) -> tuple[tuple[InputSettings, ...], tuple[str, ...]]:
    """Every input of the file with a static shape, and sentences on what was assumed.

    Args:
        file: what the file declares.
        batchsize: what the batch axes become.
        dims: sizes of open dimensions, by name or as ``<input>.<axis>``.
        given: what the user says of some inputs; a shape, a dtype or a range that is left out is the file's.

    Raises:
        ConfigError: something given does not fit the file, or an open dimension is given by nobody.
        UnsupportedError: the file's batch is fixed at another size, or an input is of a type that cannot be generated.
    """
    said = _said(file, given)
    _check_dims(file, dims)
    sizes = _sizes(file, dims, said)
    batch = batch_names(file, sizes)
    batched = is_given(file, sizes, batchsize)
    shapes: dict[str, tuple[int, ...]] = {}
    missing: list[tuple[FileInput, int]] = []
    for each in file.inputs:
        shape = []
        for axis, size in enumerate(each.shape):
            fixed = size if isinstance(size, int) else sizes.get(_key(each, axis), sizes.get(size) if size else None)
            if fixed is None and (size in batch or (size is None and axis == 0)):
                fixed, batched = batchsize, True
            if fixed is None:
                missing.append((each, axis))
            shape.append(fixed or 0)
        shapes[each.name] = tuple(shape)
    if missing:
        raise ConfigError(f"model.file={file.path.name}: {_ask(missing, shapes)}")
    notes = check_batch(file, shapes, batchsize, batched)
    inputs = []
    for each in file.inputs:
        spec, assumed = _spec(file, each, shapes[each.name], said.get(each.name))
        inputs.append(spec)
        notes += assumed
    return tuple(inputs), tuple(notes)


def _said(file: OnnxFile, given: Sequence[InputSettings]) -> dict[str, InputSettings]:
    """What the user says, by input; refused where the file has no such input or another dtype or rank."""
    known = {each.name: each for each in file.inputs}
    for spec in given:
        where = f"model.inputs: {file.path.name}"
        if spec.name not in known:
            near = nearest(spec.name, known)
            hint = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
            raise ConfigError(f"{where} has no input {spec.name}; {hint}")
        each = known[spec.name]
        if spec.dtype not in {each.dtype, "float32"}:  # float32 is also what stands for nothing said
            raise ConfigError(f"{where} takes {each.name} as {each.dtype}, not {spec.dtype}")
        if spec.shape and len(spec.shape) != len(each.shape):
            raise ConfigError(
                f"{where} takes {each.name} with {len(each.shape)} dimensions {_shown(each)}, not {list(spec.shape)}"
            )
        for axis, (size, wanted) in enumerate(zip(each.shape, spec.shape, strict=False)):
            if isinstance(size, int) and size != wanted:
                raise ConfigError(f"{where} has {each.name} with {size} fixed on axis {axis}, not {wanted}")
    return {spec.name: spec for spec in given}


def _check_dims(file: OnnxFile, dims: Mapping[str, int]) -> None:
    """Refuse a dimension that the file does not have or does not leave open."""
    axes = {_key(each, axis): size for each in file.inputs for axis, size in enumerate(each.shape)}
    names = {size for size in axes.values() if isinstance(size, str)}
    for name, wanted in dims.items():
        if isinstance(axes.get(name), int):
            if axes[name] != wanted:
                raise ConfigError(f"model.dims.{name}={wanted}: {file.path.name} has {axes[name]} fixed there")
        elif name not in names and name not in axes:
            near = nearest(name, names)
            every = sorted(names) + [key for key, size in axes.items() if size is None]
            hint = f"did you mean {near}?" if near else f"it leaves open {', '.join(every) or 'none'}"
            raise ConfigError(f"model.dims.{name}: {file.path.name} has no such dimension; {hint}")


def _sizes(file: OnnxFile, dims: Mapping[str, int], said: Mapping[str, InputSettings]) -> Sizes:
    """Sizes by dimension name and by ``<input>.<axis>``, from both ways of giving them; they must not contradict."""
    sizes: Sizes = dict(dims)
    for each in file.inputs:
        spec = said.get(each.name)
        for axis, (size, wanted) in enumerate(zip(each.shape, spec.shape if spec else (), strict=False)):
            name = size if isinstance(size, str) else _key(each, axis)
            if sizes.setdefault(name, wanted) != wanted:
                raise ConfigError(
                    f"model.inputs: {each.name} has {wanted} on axis {axis}, but {name} is {sizes[name]} elsewhere"
                )
    return sizes


def _spec(
    file: OnnxFile, each: FileInput, shape: tuple[int, ...], said: InputSettings | None
) -> tuple[InputSettings, list[str]]:
    """The settings of one input and what was assumed of it."""
    if each.dtype not in get_args(DType):
        raise UnsupportedError(
            f"model.file={file.path.name}: input {each.name} is {each.dtype}, which cannot be generated; "
            f"known are {', '.join(get_args(DType))}"
        )
    low, high = (said.low, said.high) if said else (None, None)
    notes = []
    if (low, high) == (None, None) and each.dtype != "bool":
        if each.rows:
            low, high = (0, min(each.rows, ROWS_AT_MOST.get(each.dtype, each.rows))) if each.rows > 1 else (-1, 1)
            notes.append(f"input {each.name}: {each.dtype} from 0 to {high - 1}, the rows of what it picks from")
        elif each.dtype in NEED_A_RANGE:
            low, high = DEFAULT_RANGE
            notes.append(
                f"input {each.name}: {each.dtype} of 0 and 1, as the file does not say what it means; "
                f"for others 'model.inputs=[{{name: {each.name}, low: 0, high: 100}}]'"
            )
    return InputSettings(name=each.name, shape=shape, dtype=each.dtype, low=low, high=high), notes  # type: ignore[arg-type]


def _ask(missing: Sequence[tuple[FileInput, int]], shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What is open, and the overrides that would close it."""
    open_axes: dict[str, list[str]] = {}
    overrides: list[str] = []
    for each, axis in missing:
        size = each.shape[axis]
        open_axes.setdefault(each.name, []).append(f"axis {axis} ({size})" if size else f"axis {axis}")
        key = size if isinstance(size, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", size) else _key(each, axis)
        if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", key, re.ASCII):
            override = f"model.dims.{key}=SIZE"
        else:
            shape = ",".join(str(known) if known else "SIZE" for known in shapes[each.name])
            override = f"'model.inputs=[{{name: \"{each.name}\", shape: [{shape}]}}]'"
        if override not in overrides:
            overrides.append(override)
    what = "; ".join(f"input {name} leaves {', '.join(axes)} open" for name, axes in open_axes.items())
    return f"{what}; give {' '.join(overrides)}"


def _key(each: FileInput, axis: int) -> str:
    return f"{each.name}.{axis}"


def _shown(each: FileInput) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in each.shape) + "]"
