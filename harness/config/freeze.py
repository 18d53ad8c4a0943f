"""All cells of a sweep become one frozen manifest, before the first of them runs."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Protocol, cast

from pydantic import TypeAdapter

from harness.config.commandline import plain
from harness.config.schema import Settings
from harness.config.simulator import SimulatorSettings
from harness.errors import ConfigError, HarnessError
from harness.records.schema import Outcome, Status
from harness.simulator.environment import environment
from harness.sweep.manifest import Cell, Manifest

_SETTINGS = TypeAdapter(Settings)


class CellSource(Protocol):
    """Where a cell's settings come from; `harness.config.compose.Composed` is one."""

    @property
    def settings(self) -> Settings:
        """The cell's frozen settings."""
        ...

    @property
    def device_found(self) -> bool:
        """Whether its device is what this machine was found to have, rather than named by the user."""
        ...

    @property
    def choices(self) -> dict[str, str]:
        """The choice of each group."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided for it that its user should read."""
        ...


def freeze(
    composed: Sequence[CellSource],
    overrides: Sequence[Sequence[str]],
    *,
    command: Sequence[str],
    present: Callable[..., bool],
    detect: Callable[[], str] | None = None,
    interleaved: bool = True,
    sweep_id: str | None = None,
) -> Manifest:
    """Name the cells, decide those whose device is elsewhere, and put all into a manifest.

    ``overrides`` are each cell's own, as given; ``present`` says whether a device is on this machine, for a simulated
    one with the environment of its tools, and raises where they cannot say it. ``detect`` says what there is.

    Raises:
        ConfigError: the only cell asks for a device that is not here.
    """
    names = cell_names([each.settings for each in composed])
    missing = {_device(each.settings): _missing(each, present) for each in composed if needs_device(each.settings)}
    elsewhere = [outcome for outcome in missing.values() if outcome is not None and outcome.status == "skipped"]
    if elsewhere and len(composed) == 1:
        device = composed[0].settings.soc_version.name
        simulated = composed[0].settings.simulator.active
        here = "" if simulated or detect is None else f" (this machine has {detect()})"
        raise ConfigError(
            f"soc_version={device}: there is no {device} here{here}; run this on the machine that has it, "
            "or leave soc_version out to measure what this machine has"
        )
    cells = []
    for index, (each, given) in enumerate(zip(composed, overrides, strict=True)):
        cells.append(
            Cell(
                index=index,
                name=names[index],
                overrides=tuple(plain(override) for override in given),
                settings=each.settings,
                decided=missing.get(_device(each.settings)) if needs_device(each.settings) else None,
                notes=each.notes,
            )
        )
    started = datetime.now(timezone.utc)
    return Manifest(
        sweep_id=sweep_id or new_sweep_id(composed, started),
        created=started.isoformat(timespec="seconds"),
        command=tuple(command),
        cells=tuple(cells),
        interleaved=interleaved,
    )


def _device(settings: Settings) -> tuple[str, SimulatorSettings]:
    """What is looked for, and among which tools."""
    return settings.soc_version.name, settings.simulator


def _missing(cell: CellSource, present: Callable[..., bool]) -> Outcome | None:
    """As :func:`absent`, for a cell whose device may just have been found here."""
    return None if cell.device_found and not cell.settings.simulator.active else absent(cell.settings, present)


def absent(settings: Settings, present: Callable[..., bool]) -> Outcome | None:
    """The outcome of a cell whose device is not here, or of which its driver's tool says that it cannot be reached."""
    name, simulator = _device(settings)
    try:
        if present(name, environment(simulator)) if simulator.active else present(name):
            return None
    except HarnessError as error:
        status = cast("Status", error.status)
        return Outcome(status=status, reason=error.reason, message=str(error), hint=error.hint)
    return Outcome(status="skipped", reason="no_device", message=f"no {name} here")


def needs_device(settings: Settings) -> bool:
    """Whether the cell's device must be on this machine: an ONNX file can be made for it anywhere."""
    return not (settings.export_only or settings.convert_only)


def cell_names(settings: Sequence[Settings]) -> list[str]:
    """Short names in ``[A-Za-z0-9_.-]``, unique in the sweep: ``swin98-cpu-fp32-bs4``, with a hash where those collide.

    Two cells that are the same in everything (``batchsize=4,4``) also get a number.
    """
    short = [f"{each.model.name}-{each.soc_version.name}-{each.precision.name}-bs{each.batchsize}" for each in settings]
    often = Counter(short)
    both = zip(short, settings, strict=True)
    unique = [name if often[name] == 1 else f"{name}-{_digest(each)}" for name, each in both]
    seen: Counter[str] = Counter()
    names = []
    for name in unique:
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return names


def new_sweep_id(composed: Sequence[CellSource], started: datetime) -> str:
    """``20261121-213000-swin98-3f9c``: when (UTC), what (the named sweep or only model), and four random digits."""
    models = {each.settings.model.name for each in composed}
    named = {each.choices.get("sweep") for each in composed} - {None}
    what = named.pop() if len(named) == 1 else models.pop() if len(models) == 1 else "sweep"
    return f"{started:%Y%m%d-%H%M%S}-{what}-{secrets.token_hex(2)}"


def _digest(settings: Settings) -> str:
    """The first eight hex digits of the SHA-256 of the settings as JSON."""
    return hashlib.sha256(_SETTINGS.dump_json(settings)).hexdigest()[:8]
