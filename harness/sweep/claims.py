"""Which devices a stage of a cell needs for itself, and which it may share."""

from __future__ import annotations

from harness.config.schema import Settings
from harness.devices.physical import CPU, physical_name
from harness.errors import HarnessError
from harness.simulator.environment import environment
from harness.stages import convert
from harness.sweep.locks import Claim

ALONE = frozenset({"measure", "profile", "evaluate"})
"""Stages that have their device for themselves: the first of ``device``, or all of them where they share the work."""


def claims(settings: Settings, stage: str) -> tuple[Claim, ...]:
    """The locks that a stage takes; every process shares the CPU unless it measures there, when it has it alone.

    So exports and conversions run beside a measurement on another device, of this sweep or of any other, and never
    beside one of the CPU backend; a converter that tries things out on the device has it alone, too.
    """
    if stage not in ALONE and not (stage == "convert" and convert.on_device(settings)):
        return (Claim(CPU, shared=True),)
    ids = settings.device or (None,)
    wanted = ids if stage == "evaluate" else ids[:1]
    names = sorted({_name(settings, device_id) for device_id in wanted})
    alone = tuple(Claim(name) for name in names)
    return alone if CPU in names else (*alone, Claim(CPU, shared=True))


def _name(settings: Settings, device_id: int | None) -> str:
    """The device's physical name; one that cannot be asked is locked under what it is called here."""
    name = settings.soc_version.name
    try:
        known = physical_name(name, environment(settings.simulator), device_id)
    except HarnessError:
        known = f"{name}-{device_id or 0}"
    return f"simulated-{known}" if settings.simulates else known
