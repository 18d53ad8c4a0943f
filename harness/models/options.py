"""Validating the ``options`` of a model's YAML against the dataclass that describes them, with one-line errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from harness.config.nearest import suggestion
from harness.errors import ConfigError

T = TypeVar("T")

Positive = Annotated[int, Field(ge=1)]


def parse_options(schema: type[T], options: Mapping[str, Any], owner: str) -> T:
    """``options`` as an instance of ``schema``, a pydantic dataclass that forbids unknown keys.

    Raises:
        ConfigError: the first option that is unknown, missing or wrong, with what was expected of the family ``owner``.
    """
    names = [field.name for field in dataclasses.fields(schema)]  # type: ignore[arg-type]
    for key in options:
        if key not in names:
            raise ConfigError(
                f"model.options.{key}: {owner} has no such option; {suggestion(str(key), names, 'known')}"
            )
    try:
        return TypeAdapter(schema).validate_python(dict(options))
    except ValidationError as error:
        raise ConfigError(_first_problem(error, owner)) from error


def as_pair(value: object) -> object:
    """One number as height and width, for a ``BeforeValidator``; anything else as it is."""
    return (value, value) if isinstance(value, int) else value


def check_stages(embed_dims: int, depths: Sequence[int], num_heads: Sequence[int]) -> None:
    """Raise ValueError unless both lists describe two or more stages whose channels the heads divide.

    Stage i has ``embed_dims * 2**i`` channels, as in every Swin Transformer.
    """
    if len(depths) != len(num_heads) or len(depths) < 2:
        given = f"depths={list(depths)} and num_heads={list(num_heads)}"
        raise ValueError(f"{given} must describe the same two or more stages")
    for index, heads in enumerate(num_heads):
        channels = embed_dims * 2**index
        if channels % heads:
            raise ValueError(f"num_heads[{index}]={heads} does not divide the {channels} channels of stage {index}")


def _first_problem(error: ValidationError, owner: str) -> str:
    """The first of pydantic's complaints as one line with the key, the value and what was expected."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(["model.options", *(str(part) for part in problem["loc"])])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{key}: {owner} needs this option"
    if problem["type"] == "value_error":
        return f"{key}: {message}"
    expected = f"{message[:1].lower()}{message[1:]}".replace("tuple", "list")
    return f"{key}={problem['input']!r}: {expected}"
