"""Plain values become a frozen dataclass; what does not fit is refused in one line: key, value, what was expected."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from harness.config.keys import fields_of, node_at, siblings
from harness.config.nearest import nearest, suggestion
from harness.errors import ConfigError

T = TypeVar("T")

_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}
_MISSING = {"missing", "missing_argument", "missing_keyword_only_argument"}
_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "path_type": "a path",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def validated(
    kind: type[T],
    values: Mapping[str, Any],
    *,
    prefix: str = "",
    given: Collection[str] = (),
    origins: Mapping[str, str] | None = None,
) -> T:
    """Build a dataclass from plain values.

    ``prefix`` (such as ``model.options.``) goes before every key in a message; ``given`` are the keys that stand on the
    command line, which a message is about when several are wrong; ``origins`` says of a top-level key which choice its
    values come from (``model=swin98``).

    Raises:
        ConfigError: one line on the first thing that is wrong.
    """
    try:
        made: T = _adapter(cast("Any", kind)).validate_python(values)
    except ValidationError as error:
        line = refusal(error, kind, prefix=prefix, given=given, origins=origins)
        raise ConfigError(line) from error
    return made


def refusal(
    error: ValidationError,
    root: type | None,
    *,
    prefix: str = "",
    given: Collection[str] = (),
    origins: Mapping[str, str] | None = None,
) -> str:
    """One line on the most telling of the errors: one about a given key, else the one nearest to the top."""
    details = error.errors(include_url=False)
    first = min(details, key=lambda each: (_dotted(each["loc"], prefix) not in given, len(each["loc"])))
    path = _known_part(first["loc"], root)
    same_place = [each for each in details if _known_part(each["loc"], root) == path]
    key = _dotted(path, prefix)
    line = _sentence(key, path, same_place, root)
    origin = (origins or {}).get(key.split(".")[0])
    return f"{line} (in {origin})" if origin and key not in given else line


def _sentence(key: str, path: tuple[str | int, ...], details: Sequence[ErrorDetails], root: type | None) -> str:
    detail = details[0]
    if detail["type"] in _UNKNOWN:
        valid = siblings(path, root) if root else []
        hint = f"; {suggestion(str(path[-1]), valid, 'keys')}" if valid else ""
        return f"{key}: no such key{hint}"
    if detail["type"] in _MISSING:
        return f"{key} is missing; give {key}=VALUE"
    wanted = " or ".join(dict.fromkeys(_expected(each, root, path) for each in details))
    choices = re.findall(r"'([^']*)'", wanted)
    near = nearest(str(detail["input"]), choices)
    hint = f"; did you mean '{near}'?" if near else ""
    return f"{key}={_shown(detail['input'])}: expected {wanted}{hint}"


def _expected(detail: ErrorDetails, root: type | None, path: tuple[str | int, ...]) -> str:
    context = detail.get("ctx", {})
    if detail["type"] in _BOUNDS:
        name, words = _BOUNDS[detail["type"]]
        bound = context[name]
        return f"{words} {int(bound) if bound == int(bound) else bound}"
    if detail["type"] == "literal_error":
        return str(context["expected"])
    if detail["type"] == "string_pattern_mismatch":
        return f"text that matches {context['pattern']}"
    if detail["type"] == "dataclass_type":
        node = node_at(path, root) if root else None
        names = list(fields_of(node)) if isinstance(node, type) else []
        return f"keys with values ({', '.join(names)})" if names else "keys with values"
    fallback = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return _EXPECTED.get(detail["type"], fallback)


def _known_part(loc: tuple[str | int, ...], root: type | None) -> tuple[str | int, ...]:
    """The part of a pydantic location that is a key: without the tags that it adds for the members of a union."""
    if root is None:
        return tuple(part for part in loc if not re.search(r"[\[\]()]|^constrained-", str(part)))
    for length in range(1, len(loc)):
        if node_at(loc[: length + 1], root) is None and not siblings(loc[: length + 1], root):
            return loc[:length]
    return loc


def _dotted(path: Sequence[str | int], prefix: str) -> str:
    return prefix + ".".join(str(part) for part in path)


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
