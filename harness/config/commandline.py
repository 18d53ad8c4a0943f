"""The command line before Hydra reads it: flags in any place, keys that the schema knows, ``--version``, unknown flags.

Hydra 1.3 refuses a command line with overrides on both sides of a flag, and a key that a YAML file leaves out although
it exists. Neither is the user's mistake.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.config.locate import PACKAGE
from harness.config.nearest import nearest
from harness.errors import ConfigError

Purpose = Literal["run", "help", "show", "complete", "version"]


@dataclass(frozen=True)
class Flag:
    """A flag of Hydra's command line; ``value`` says whether one follows, ``choices`` which."""

    name: str
    short: str
    purpose: Purpose
    value: Literal["none", "required", "optional"] = "none"
    choices: tuple[str, ...] = ()


FLAGS = (
    Flag("--help", "-h", "help"),
    Flag("--hydra-help", "", "help"),
    Flag("--version", "", "version"),
    Flag("--cfg", "-c", "show", "required", ("job", "hydra", "all")),
    Flag("--resolve", "", "run"),
    Flag("--package", "-p", "run", "required"),
    Flag("--run", "-r", "run"),
    Flag("--multirun", "-m", "run"),
    Flag("--shell-completion", "-sc", "complete"),
    Flag("--config-path", "-cp", "run", "required"),
    Flag("--config-name", "-cn", "run", "required"),
    Flag("--config-dir", "-cd", "run", "required"),
    Flag("--info", "-i", "show", "optional", ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")),
)


@dataclass(frozen=True)
class CommandLine:
    """What was asked for: the ``purpose``, and the arguments in an order that Hydra accepts."""

    purpose: Purpose
    arguments: tuple[str, ...]


def read_command_line(arguments: Sequence[str]) -> CommandLine:
    """Sort overrides before flags; a plain run becomes ``--multirun``, as a single run is a sweep of one cell.

    Raises:
        ConfigError: an unknown flag, a flag without its value, or a word that is neither flag nor ``key=value``.
    """
    overrides: list[str] = []
    flags: list[tuple[Flag, str | None]] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            overrides.append(word)
            continue
        name, equals, attached = word.partition("=")
        flag = _flag(name)
        value: str | None = attached if equals else None
        if value is None and flag.value != "none" and rest and _may_follow(flag, rest[0]):
            value = rest.pop(0)
        _check_value(flag, value)
        flags.append((flag, value))
    purpose = _purpose([flag for flag, _ in flags])
    if purpose in {"run", "show"}:
        overrides = [_checked(override) for override in overrides]
    flags = [each for each in flags if each[0].name not in {"--run", "--multirun"}]
    if purpose == "run":
        flags.append((_flag("--multirun"), None))
    words = [word for flag, value in flags for word in ([flag.name] if value is None else [flag.name, value])]
    return CommandLine(purpose, (*overrides, *words))


SWITCHES = {"evaluate": "evaluate.enabled"}
"""Sections that are switched on and off by their own name, as ``evaluate=true``, and the key that means."""


PROVIDER = "model.provider"
"""Who brings the network, as the choice of the group ``model`` that knows how to ask: ``model.provider=openmmlab``."""


def forced(override: str) -> str:
    """``++key=value`` for a nested key that the schema knows: the YAML may leave it out. Others unchanged.

    A switch becomes the key that it means: Hydra would replace the whole section by the value. ``model.provider=NAME``
    becomes ``model=NAME``.
    """
    key, equals, value = override.partition("=")
    if equals and key == PROVIDER:
        return f"model={value}"
    if equals and key in SWITCHES:
        override = f"{SWITCHES[key]}={value}"
        key = SWITCHES[key]
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+", key) or key.startswith("hydra."):
        return override
    from harness.config.keys import exists

    return f"++{override}" if exists(key) else override


def plain(override: str) -> str:
    """An override as the user would write it: without the marks of `forced`."""
    return override.removeprefix("++")


def _flag(name: str) -> Flag:
    for flag in FLAGS:
        if name in {flag.name, flag.short}:
            return flag
    abbreviated = [flag for flag in FLAGS if len(name) > 2 and flag.name.startswith(name)]
    if len(abbreviated) == 1:
        return abbreviated[0]
    names = [flag.name for flag in FLAGS] + [flag.short for flag in FLAGS if flag.short]
    near = nearest(name, names)
    hint = f"did you mean {near}?" if near else "python -m harness --help lists what there is"
    raise ConfigError(f"{name}: no such flag; {hint}")


def _may_follow(flag: Flag, word: str) -> bool:
    return word in flag.choices if flag.value == "optional" else not word.startswith("-")


def _check_value(flag: Flag, value: str | None) -> None:
    listed = ", ".join(flag.choices)
    if flag.value == "none" and value is not None:
        raise ConfigError(f"{flag.name}={value}: this flag takes no value")
    if flag.value == "required" and value is None:
        raise ConfigError(f"{flag.name}: a value must follow{f' ({listed})' if listed else ''}")
    if value is not None and flag.choices and value not in flag.choices:
        near = nearest(value, flag.choices)
        hint = f"did you mean {near}? ({listed})" if near else f"expected one of {listed}"
        raise ConfigError(f"{flag.name} {value}: {hint}")


def _purpose(flags: Sequence[Flag]) -> Purpose:
    asked = {flag.purpose for flag in flags}
    order: tuple[Purpose, ...] = ("help", "version", "complete", "show")
    return next((purpose for purpose in order if purpose in asked), "run")


def _checked(override: str) -> str:
    if "=" not in override and not override.startswith("~"):
        raise ConfigError(f"{override}: expected key=value, such as model=swin98; {_meant(override)}")
    if re.match(r"\+*hydra\.mode=", override) and not override.endswith("=MULTIRUN"):
        raise ConfigError(f"{override}: every run is a sweep, a single one of one cell; leave hydra.mode out")
    return forced(_as_hydra_reads(override))


def _as_hydra_reads(override: str) -> str:
    """``device=0,1`` as ais_bench spells it: two devices for one cell, and not a sweep over two.

    ``on_failure=stop_after=3`` gets the quotes that Hydra wants around a value with an equals sign.
    """
    if re.fullmatch(r"\+*on_failure=[^'\"=]+=[^'\"]*", override):
        key, _, value = override.partition("=")
        return f"{key}='{value}'"
    found = re.fullmatch(r"(\+*device)=([0-9]+(?:,[0-9]+)*)", override)
    return f"{found[1]}=[{found[2]}]" if found else override


def _meant(word: str) -> str:
    command = PACKAGE / word
    if word.isidentifier() and (command.with_suffix(".py").is_file() or (command / "__main__.py").is_file()):
        return f"the command of that name is python -m harness.{word}"
    return "python -m harness --help lists the keys"
