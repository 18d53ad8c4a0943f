"""What Hydra, OmegaConf and the YAML reader raise, in one line: key or file, what was expected, the nearest choice."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import yaml
from hydra.errors import HydraException, MissingConfigException, OverrideParseException, SearchPathException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from harness.config.commandline import plain
from harness.config.keys import siblings, unknown_key
from harness.config.locate import PACKAGE
from harness.config.nearest import suggestion

_NOISE = re.compile(r"^(See https?://|Config search path|Search path|To append to your|object_type=)")
_LIBRARIES = ("hydra", "omegaconf", "yaml", "antlr4")


def explained(error: BaseException, words: Sequence[str] = ()) -> str | None:
    """One line on a configuration error of Hydra, OmegaConf or YAML; None for anything else.

    ``words`` are the overrides that were being composed: they name the culprit where the error itself does not.
    """
    if isinstance(error, OverrideParseException):
        return _unreadable(error)
    if isinstance(error, MissingConfigException):
        return _missing_choice(error)
    if isinstance(error, yaml.MarkedYAMLError):
        return _broken_yaml(error)
    if isinstance(error, yaml.YAMLError | SearchPathException):
        return _flat(str(error))
    if isinstance(error, OmegaConfBaseException):
        return _omegaconf(error, words)
    if isinstance(error, HydraException):
        return _composition(error, words)
    if isinstance(error, (ValueError, AssertionError, UnicodeDecodeError)) and _raised_in_library(error):
        return _value(error, words)
    return None


def _unreadable(error: OverrideParseException) -> str:
    word = plain(error.override)
    if word.startswith("-") or "=" not in word:
        return f"{word}: expected key=value, such as batchsize=1,4,8"
    reason = _flat(error.message.replace(f"Error parsing override '{error.override}'", ""))
    return f"{word}: not readable as key=value ({reason}); quote a value with special characters, as key='\"a,b\"'"


def _missing_choice(error: MissingConfigException) -> str:
    group, slash, choice = (error.missing_cfg_file or "").rpartition("/")
    if not slash or error.options is None:
        return _flat(str(error))
    by = re.match(r"In '([^']*)': ", str(error))
    origin = f" (asked for in {by[1]}.yaml)" if by and by[1] not in {"config", "hydra/config"} else ""
    return f"{group}={choice}: no such choice; {suggestion(choice, error.options)}{origin}"


def _broken_yaml(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{mark.name}:{mark.line + 1}:{mark.column + 1}" if mark else "a YAML file"
    return f"{place}: not readable as YAML ({_flat(error.problem or error.context or 'no reason given')})"


def _omegaconf(error: OmegaConfBaseException, words: Sequence[str]) -> str:
    key = error.full_key or ""
    if isinstance(error, MissingMandatoryValue):
        return f"{key or _flat(str(error))} must be given: {key or 'key'}=VALUE"
    reason = _flat(str(error.msg or error).split("\n", 1)[0])
    unset = re.search(r"Environment variable '([^']*)' not found", reason)
    if unset:
        return f"{key} is taken from {unset[1]}, which is not set; set it, or give {key}=VALUE"
    origin = next((word for word in words if word.startswith(key.split(".")[0] + "=")), None)
    return (f"{key}: {reason}" if key and key not in reason else reason) + (f" (in {origin})" if origin else "")


def _composition(error: HydraException, words: Sequence[str]) -> str:
    text = str(error)
    if not text.strip() and isinstance(error.__cause__, OmegaConfBaseException):
        return _omegaconf(error.__cause__, words)
    unknown = re.search(r"Could not override '([^']*)'", text)
    if unknown:
        origin = re.match(r"In '([^']*)': ", text)
        return unknown_key(unknown[1].lstrip("+")) + (f" (asked for in {origin[1]}.yaml)" if origin else "")
    exists = re.search(r"An item is already at '([^']*)'", text)
    if exists:
        return f"+{exists[1]}: this key exists already; write it without the +"
    ambiguous = re.search(r"Ambiguous value for argument '(.*)'\n", text)
    if ambiguous:
        return f"{plain(ambiguous[1])}: several values at once are for a run; here one cell is shown, give one value"
    no_group = re.search(r"config group '([^']*)' does not exist", text)
    if no_group:
        return unknown_key(no_group[1])
    merging = re.match(r"Error merging override (.*)", text)
    if merging and error.__cause__ is not None:
        return f"{plain(merging[1])}: {_flat(str(error.__cause__).splitlines()[0])}"
    return _flat(text)


def _value(error: BaseException, words: Sequence[str]) -> str:
    text = _flat(str(error)) or type(error).__name__
    if "Config group override must be" in text:
        named = [plain(word) for word in words if word.split("=")[0] in siblings([""])]
        culprit = next((word for word in named if not re.search(r"=[A-Za-z]", word)), None)
        return f"{culprit or text}: expected the name of a choice; python -m harness --help lists them"
    return text


def _flat(text: str) -> str:
    """Several lines as one, without what helps nobody here."""
    lines = [line.strip() for line in text.splitlines()]
    kept: list[str] = []
    for line in lines:
        if _NOISE.match(line):
            if line.startswith(("Config search path", "Search path")):
                break
            continue
        if line and line != "^":
            kept.append(line)
    return "; ".join(kept)


def _raised_in_library(error: BaseException) -> bool:
    """Whether the innermost frame belongs to Hydra, OmegaConf or YAML and not to this project."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return False
    innermost = Path(frames[-1].filename)
    return PACKAGE not in innermost.parents and any(name in innermost.parts for name in _LIBRARIES)
