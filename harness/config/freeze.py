"""All cells of a sweep become one frozen manifest, before the first of them runs."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Protocol

from pydantic import TypeAdapter

from harness.config.commandline import plain
from harness.config.schema import Settings
from harness.errors import ConfigError
from harness.records.schema import Outcome
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


def freeze(
    composed: Sequence[CellSource],
    overrides: Sequence[Sequence[str]],
    *,
    command: Sequence[str],
    present: Callable[[str], bool],
    interleaved: bool = True,
    sweep_id: str | None = None,
) -> Manifest:
    """Name the cells, decide those whose device is elsewhere, and put all into a manifest.

    ``overrides`` are each cell's own, as given; ``present`` says whether a device is on this machine.

    Raises:
        ConfigError: the only cell asks for a device that is not here.
    """
    names = cell_names([each.settings for each in composed])
    here = {each.settings.soc_version.name: each.device_found for each in composed if needs_device(each.settings)}
    here = {device: found or present(device) for device, found in here.items()}
    absent = [device for device, found in here.items() if not found]
    if absent and len(composed) == 1:
        raise ConfigError(
            f"soc_version={absent[0]}: there is no {absent[0]} here; run this on the machine that has it, "
            "or leave soc_version out to measure what this machine has"
        )
    cells = []
    for index, (each, given) in enumerate(zip(composed, overrides, strict=True)):
        device = each.settings.soc_version.name
        missing = Outcome(status="skipped", reason="no_device", message=f"no {device} here")
        cells.append(
            Cell(
                index=index,
                name=names[index],
                overrides=tuple(plain(override) for override in given),
                settings=each.settings,
                decided=None if here.get(device, True) or not needs_device(each.settings) else missing,
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
