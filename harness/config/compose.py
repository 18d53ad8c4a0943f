"""One cell's overrides become its frozen settings: Hydra composes, ``auto`` is resolved, the schema validates.

``auto`` is resolved by choosing the concrete group file, so that every value comes from its YAML and an explicit
override still wins. Composing takes Hydra about 140 ms; cells that choose the same files share one composition and
differ only in the values that are set in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from harness.config.commandline import forced, plain
from harness.config.keys import unknown_key
from harness.config.refusal import explained
from harness.config.schema import Settings
from harness.config.settings import settings_from
from harness.errors import ConfigError

AUTO = "auto"
PRIMARY = "config"
FALLBACK = "fallback_backend"
_DEFAULTS = {"backend": ("soc_version", "default_backend"), "precision": ("backend", "default_precision")}
"""Where the meaning of ``<group>=auto`` stands: the group and key that name it."""


@dataclass(frozen=True)
class Composed:
    """A cell's settings, and whether its device was found (``soc_version=auto``) rather than named.

    ``notes`` are sentences on what was decided for it that its user should read.
    """

    settings: Settings
    device_found: bool
    choices: dict[str, str]
    notes: tuple[str, ...] = ()


@dataclass
class _Base:
    """A composition without values: what the chosen files say, and which extra choices ``auto`` stood for."""

    config: DictConfig
    choices: dict[str, str]
    device_found: bool
    notes: tuple[str, ...] = ()


@dataclass
class Composer:
    """Composes cells with Hydra's loader. ``master`` is what Hydra composed for the whole command.

    ``lacking`` says what a kind of backend cannot do without and is not installed, or None.
    """

    loader: ConfigLoader
    master: DictConfig
    detect: Callable[[], str]
    lacking: Callable[[str], str | None] = lambda _: None
    _bases: dict[tuple[str, ...], _Base] = field(default_factory=dict)

    def cell(self, overrides: Sequence[str]) -> Composed:
        """Compose and validate one cell.

        Raises:
            ConfigError: one line on what is wrong; nothing has been started.
        """
        try:
            return self._cell(overrides)
        except ConfigError:
            raise
        except Exception as error:
            line = explained(error, overrides)
            if line is None:
                raise
            raise ConfigError(line) from error

    def _cell(self, overrides: Sequence[str]) -> Composed:
        parsed = [_parsed(override) for override in overrides]
        files = [each for each in parsed if self._chooses(each)]
        values = [each for each in parsed if not self._chooses(each)]
        base = self._base(tuple(str(each.input_line) for each in files), values)
        config = deepcopy(base.config)
        for value in values:
            _set(config, value)
        container = cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True, throw_on_missing=True))
        settings = settings_from(
            container,
            given={each.key_or_group for each in values},
            origins={group: f"{group}={choice}" for group, choice in base.choices.items()},
        )
        return Composed(settings, base.device_found, base.choices, base.notes)

    def _chooses(self, override: Override) -> bool:
        """Whether an override decides which files are read, so that Hydra has to compose anew."""
        key = override.key_or_group
        is_group = "/" in key or override.package is not None or key in self._groups
        return override.is_delete() or override.is_hydra_override() or is_group

    @functools.cached_property
    def _groups(self) -> frozenset[str]:
        return frozenset(self.master.hydra.runtime.choices)

    def _base(self, files: tuple[str, ...], values: Sequence[Override]) -> _Base:
        given = {each.key_or_group: each.value() for each in values}
        steering = [*(f"{group}.{key}" for group, key in _DEFAULTS.values()), "simulator.chip"]
        memory = (*files, *(f"{key}={given[key]}" for key in steering if key in given))
        if memory not in self._bases:
            self._bases[memory] = self._resolved(files, {key: str(given[key]) for key in steering if key in given})
        return self._bases[memory]

    def _resolved(self, files: Sequence[str], given: dict[str, str]) -> _Base:
        """Compose, with ``auto`` replaced by what it means here; reading a file ahead saves a composition a group."""
        defaults = self.loader.compute_defaults_list(self._primary, [*self._hydra, *files], RunMode.RUN)
        choices = defaults.overrides.known_choices
        found: dict[str, str] = {}
        notes: list[str] = []
        simulated = self._simulated_chip(choices, files, given)
        if choices.get("soc_version") == AUTO:
            found["soc_version"] = self._device(simulated)
        for group, (source, key) in _DEFAULTS.items():
            owner = found.get(source, choices.get(source))
            if choices.get(group) == AUTO and owner is not None:
                so_far = [*files, *_as_overrides(found)]
                meant = given.get(f"{source}.{key}") or self._read(source, owner, key, so_far)
                if meant is None:
                    raise ConfigError(f"{group}=auto: {source}={owner} names no {key}; give {group}=CHOICE")
                if group == "backend" and source in found and simulated is None:
                    meant = self._that_runs(str(owner), meant, so_far, notes)
                found[group] = meant
        config = self.loader.load_sweep_config(self.master, [*files, *_as_overrides(found)])
        final = {group: choice for group, choice in config.hydra.runtime.choices.items() if choice is not None}
        with open_dict(config):
            del config["hydra"]
        return _Base(config, final, "soc_version" in found, tuple(notes))

    def _that_runs(self, device: str, meant: str, so_far: list[str], notes: list[str]) -> str:
        """The backend meant, or what the device names in its place where the tools of that one are not installed."""
        instead = self._read("soc_version", device, FALLBACK, so_far)
        lacks = self.lacking(self._read("backend", meant, "kind", so_far) or meant) if instead is not None else None
        if instead is None or lacks is None:
            return meant
        notes.append(f"backend={instead} on this {device}: {lacks}; install it, or give backend={meant} to insist")
        return instead

    @property
    def _primary(self) -> str:
        return str(self.master.hydra.job.config_name)

    @functools.cached_property
    def _hydra(self) -> list[str]:
        return cast("list[str]", OmegaConf.to_container(self.master.hydra.overrides.hydra))

    def _simulated_chip(self, choices: Mapping[str, Any], files: Sequence[str], given: Mapping[str, str]) -> str | None:
        """The chip that stand-ins show, or None where the real tools are asked."""
        simulator = choices.get("simulator")
        if simulator in {None, "none"}:
            return None
        return given.get("simulator.chip") or self._read("simulator", str(simulator), "chip", list(files))

    def _device(self, simulated: str | None) -> str:
        device = simulated or self.detect()
        known = self.loader.get_group_options("soc_version", config_name=self._primary, overrides=self._hydra)
        if device not in known:
            raise ConfigError(
                f"soc_version=auto: this machine has {device}, and there is no soc_version/{device}.yaml; "
                "add one with --config-dir, or give soc_version=cpu"
            )
        return device

    def _read(self, group: str, choice: str, key: str, files: list[str]) -> str | None:
        """What a group's file says under ``key``: read alone where it can be found, else out of a composition."""
        path = f"{group}/{choice}"
        for source in self.loader.get_sources():
            if source.is_config(path):
                value = OmegaConf.select(source.load_config(path).config, key)
                break
        else:
            value = OmegaConf.select(self.loader.load_sweep_config(self.master, files), f"{group}.{key}")
        return None if value is None else str(value)


def _as_overrides(choices: dict[str, str]) -> list[str]:
    return [f"{group}={choice}" for group, choice in choices.items()]


@functools.lru_cache(maxsize=4096)
def _parsed(override: str) -> Override:
    return OverridesParser.create().parse_overrides([override])[0]


def _set(config: DictConfig, override: Override) -> None:
    """Set one value as Hydra would: an unknown key is refused unless it is added with ``+`` or ``++``."""
    key, value = override.key_or_group, override.value()
    shown = plain(str(override.input_line))
    if override.is_add() and OmegaConf.select(config, key) is not None and not isinstance(value, dict | list):
        raise ConfigError(f"{shown}: {key} exists already; write it without the +")
    try:
        OmegaConf.update(config, key, value, merge=True, force_add=override.is_add() or override.is_force_add())
    except OmegaConfBaseException as error:
        raise ConfigError(unknown_key(key)) from error
    except IndexError as error:
        raise ConfigError(f"{shown}: the list has no such element") from error


def compose_cells(loader: ConfigLoader, master: DictConfig, jobs: Sequence[Sequence[str]]) -> list[Composed]:
    """All cells of a multirun, in order; ``master`` is the configuration that Hydra gives its sweeper and launcher.

    Raises:
        ConfigError: one line on the first cell that is wrong.
    """
    from hydra.core.hydra_config import HydraConfig

    from harness.backends.registry import lacking
    from harness.devices import detect

    HydraConfig.instance().set_config(master)
    composer = Composer(loader, master, functools.cache(detect), functools.cache(lacking))
    return [composer.cell([forced(override) for override in job]) for job in jobs]


@contextmanager
def composing(overrides: Sequence[str] = (), config_dirs: Sequence[Path] = ()) -> Iterator[Composer]:
    """A composer outside a Hydra application, for tests and scripts; one at a time, as Hydra's state is global."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from harness.backends.registry import lacking
    from harness.config.locate import conf_dir
    from harness.devices import detect

    extra = [f"hydra.searchpath=[{','.join(f'file://{folder}' for folder in config_dirs)}]"] if config_dirs else []
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration(PRIMARY, [*extra, *map(forced, overrides)], RunMode.MULTIRUN)
        yield Composer(loader, master, detect, lacking)


def compose_settings(*overrides: str, config_dirs: Sequence[Path] = ()) -> Settings:
    """The settings of one cell from overrides alone, as ``compose_settings("model=swin98", "batchsize=4")``.

    Raises:
        ConfigError: one line on what is wrong.
    """
    with composing(config_dirs=config_dirs) as composer:
        return composer.cell([forced(override) for override in overrides]).settings
