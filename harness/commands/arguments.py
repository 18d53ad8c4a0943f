"""The one reader of ``key=value`` arguments for all commands but the main one: ``python -m harness.report lang=zh``.

A command describes its arguments as a frozen dataclass; the fields' types are checked by pydantic, and their
documentation stands in ``field(metadata={"help": ...})`` or `argument`. No Hydra: these commands start quickly.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from harness.config.nearest import suggestion
from harness.errors import ConfigError

T = TypeVar("T")

_NONE = {"null", "none"}


def argument(help_text: str, **field: Any) -> Any:
    """A dataclass field with its line in ``--help``; ``field`` are the arguments of ``dataclasses.field``."""
    return dataclasses.field(metadata={"help": help_text}, **field)


def read_arguments(kind: type[T], words: Sequence[str], *, command: str) -> T:
    """Read ``key=value`` words into the dataclass ``kind``; ``--help`` or ``-h`` prints its fields and exits with 0.

    A list is given with commas (``batchsize=1,4``), null as ``null``. A field called ``positional`` takes the words
    that are no ``key=value``, such as ``/data/lr=1/records``.

    Raises:
        ConfigError: one line on a word that is no ``key=value``, an unknown or repeated key, or a wrong value.
    """
    if any(word in {"-h", "--help"} for word in words):
        print(described(kind, command=command))
        sys.exit(0)
    hints = typing.get_type_hints(kind)
    keys = [name for name in _fields(kind) if name != "positional"]
    values: dict[str, Any] = {}
    loose: list[str] = []
    for word in words:
        key, equals, text = word.partition("=")
        if "positional" in hints and not (equals and key.isidentifier()):  # a path may have a = in it
            loose.append(word)
        elif not equals:
            raise ConfigError(f"{word}: expected key=value; {suggestion(word.lstrip('-'), keys, 'keys')}")
        elif key not in keys:
            raise ConfigError(f"{key}: no such key; {suggestion(key.lstrip('-'), keys, 'keys')}")
        elif key in values:
            raise ConfigError(f"{key} is given twice; give it once, several values with commas")
        else:
            values[key] = _read(text, hints[key])
    if loose:
        values["positional"] = loose
    from harness.config.validate import validated

    return validated(kind, values, given=set(values))


def described(kind: type, *, command: str) -> str:
    """The help page of a command: what the dataclass's docstring says, then a line for each field."""
    hints = typing.get_type_hints(kind)
    lines = [inspect.cleandoc(kind.__doc__ or ""), "", f"usage: {command} KEY=VALUE ...", ""]
    rows = [(f"{name}={_shown(field, hints[name])}", field) for name, field in _fields(kind).items()]
    width = max((len(head) for head, _ in rows), default=0)
    lines += [f"  {head:<{width}}  {field.metadata.get('help', '')}".rstrip() for head, field in rows]
    return "\n".join(lines)


def _fields(kind: type) -> dict[str, dataclasses.Field[Any]]:
    return {field.name: field for field in dataclasses.fields(kind)}


def _members(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in {typing.Union, types.UnionType}
    return typing.get_args(hint) if union else (hint,)


def _read(text: str, hint: Any) -> Any:
    """The plain value of a word, as far as its spelling goes; pydantic does the rest."""
    members = _members(hint)
    if type(None) in members and text.lower() in _NONE:
        return None
    if any(typing.get_origin(member) in {tuple, list} for member in members):
        return [part for part in text.strip("[]").split(",") if part]
    return text


def _shown(field: dataclasses.Field[Any], hint: Any) -> str:
    """What stands after the ``=`` in the help: the default, first of the choices where there are some."""
    default: Any = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    required = default is dataclasses.MISSING
    literals = [member for member in _members(hint) if typing.get_origin(member) is typing.Literal]
    choices = [_spelled(value) for member in literals for value in typing.get_args(member)]
    if choices:
        first = [] if required else [_spelled(default)]
        return "|".join(dict.fromkeys([*first, *choices])) + (" (required)" if required else "")
    return "VALUE (required)" if required else _spelled(default)


def _spelled(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
