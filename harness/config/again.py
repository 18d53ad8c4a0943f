"""The settings of a cell from its record, to measure it again: without YAML, and with what a record does not hold."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.config.keys import exists, unknown_key
from harness.config.schema import Settings
from harness.config.settings import settings_from
from harness.errors import ConfigError
from harness.records.redaction import HIDDEN

PLACES = (
    "tracking", "limits", "device", "dataset.root", "evaluate.folder", "model.checkpoint", "model.file", "model.config",
    "precision.op_precision_mode", "backend.python", "openmmlab.python",
)  # fmt: skip
"""Settings that say where things are here and what they may take, rather than what is measured and how."""


def restored(values: Mapping[str, Any], given: Mapping[str, str]) -> Settings:
    """The settings that a record holds as plain JSON, with the ``given`` ones (dotted key to text) in their place.

    A checkpoint that is published and does not lie where it did is obtained again. A hidden text that does not matter
    here (a folder's name that held a secret) has to be given all the same: nothing is guessed.

    Raises:
        ConfigError: a given key does not exist or decides what is measured, a text was hidden as a secret and is not
            given, or the settings are not those of this version of the harness.
    """
    content = copy.deepcopy(dict(values))
    hidden = dict(hidden_texts(content))
    for key, text in given.items():
        if key not in hidden and not exists(key):
            raise ConfigError(unknown_key(key))
        if key not in hidden and not any(key == place or key.startswith(f"{place}.") for place in PLACES):
            raise ConfigError(
                f"{key}={text}: a rerun measures what the record measured; only where things are can be given anew"
                f" ({', '.join(PLACES)}); another measurement is python -m harness"
            )
        _put(content, key.split("."), _value(key, text))
    _forget_checkpoint(content)
    missing = dict(hidden_texts(content))
    if missing:
        named = ", ".join(f"{key} ({text})" for key, text in missing.items())
        again = " ".join(f"{key}=VALUE" for key in missing)
        raise ConfigError(f"hidden in the record as a secret: {named}; give {again} again (null: its default)")
    return settings_from(content, given=set(given))


def hidden_texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The dotted keys of the texts that were redacted, with what is left of them."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from hidden_texts(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from hidden_texts(item, (*path, str(index)))
    elif isinstance(value, str) and HIDDEN in value:
        yield ".".join(path), value


def _forget_checkpoint(content: dict[str, Any]) -> None:
    """Let a published checkpoint be looked for where this machine keeps such, and insist on it."""
    model = content.get("model")
    if not isinstance(model, dict) or not model.get("pretrained") or not isinstance(model.get("checkpoint"), str):
        return
    path = model["checkpoint"]
    if HIDDEN in path or not Path(path).expanduser().is_file():
        model["checkpoint"], model["weights"] = None, "pretrained"


def _value(key: str, text: str) -> Any:
    """The plain value of a word of the command line; the schema reads numbers and switches from text."""
    if text.lower() in {"null", "none"}:
        return None
    if key == "device":
        return [part for part in text.strip("[]").split(",") if part]
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _put(content: Any, path: list[str], value: Any) -> None:
    """Set the value at a path; sections that a record lacks are made."""
    for key in path[:-1]:
        content = content[int(key)] if isinstance(content, list) else content.setdefault(key, {})
    if isinstance(content, list):
        content[int(path[-1])] = value
    else:
        content[path[-1]] = value
