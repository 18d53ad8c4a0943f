"""Is the device idle: foreign processes, utilisation, the host's load, and a temperature that has come back (R9).

A look takes ``watch_s``. What it finds goes into the record; what follows from it is the policy's: wait for a while,
begin anyway and say so, or refuse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from harness.config.schema import MeasureSettings
from harness.devices import host
from harness.devices.cpu import CpuReader
from harness.devices.processes import busy_between, named, snapshot
from harness.devices.sample import Reader, Sample
from harness.errors import HarnessError

PAUSE_S = 1.0
"""Between two looks at a device that is not idle."""


@runtime_checkable
class TellsHolders(Protocol):
    """A reader that knows which processes hold the device, this measurement's own ones included."""

    def holders(self) -> Sequence[str]:
        """A few words for each process that holds the device: ``python3 (pid 4711) holds 2048 MB``."""


@dataclass(frozen=True)
class Idleness:
    """What a look saw: ``reasons`` why the device is not idle by their codes, none where it is; ``host`` around it."""

    reasons: Mapping[str, str]
    sample: Sample
    host: Mapping[str, Any] = field(default_factory=dict)
    waited_s: float = 0.0


def look(reader: Reader, profile: MeasureSettings, base_temperature_c: float | None) -> Idleness:
    """Look at device and host for ``idle_watch_s``; ``base_temperature_c`` is that of the device at rest."""
    reader.read()  # rates are taken since the reading before
    before = snapshot()
    around = host.conditions(profile.idle_watch_s)
    sample = reader.read()
    busy = busy_between(before, snapshot())
    holders = tuple(reader.holders()) if isinstance(reader, TellsHolders) else ()
    found = _of_device(sample, holders, profile, base_temperature_c)
    by = f" with {named(busy)}" if busy else ""
    if "device_busy" in found and isinstance(reader, CpuReader):
        found["device_busy"] += by
    elif around.get("cpu_utilisation_percent", 0.0) > profile.idle_host_percent:
        found["host_busy"] = f"before: the host was {around['cpu_utilisation_percent']:.0f} % busy{by}"
    return Idleness(found, sample, around)


def await_idle(
    look_now: Callable[[], Idleness],
    profile: MeasureSettings,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Idleness:
    """Look, and act by ``idle_policy``: ``wait`` looks again for up to ``idle_wait_s``; the last look is returned.

    Raises:
        HarnessError: the policy is ``fail`` and the device is not idle; with reason ``not_idle``.
    """
    began = clock()
    found = look_now()
    while found.reasons and profile.idle_policy == "wait" and clock() - began + PAUSE_S <= profile.idle_wait_s:
        sleep(PAUSE_S)
        found = look_now()
    if found.reasons and profile.idle_policy == "fail":
        raise HarnessError(
            f"measure.idle_policy=fail: {'; '.join(found.reasons.values())}",
            reason="not_idle",
            hint="end what runs there, or use measure.idle_policy=wait or warn",
        )
    return Idleness(found.reasons, found.sample, found.host, clock() - began)


def _of_device(
    sample: Sample, holders: Sequence[str], profile: MeasureSettings, base_temperature_c: float | None
) -> dict[str, str]:
    """Why the device itself is not idle."""
    found = {}
    if holders:
        found["device_held"] = f"before: the device is held: {', '.join(holders)}"
    if sample.utilisation_percent is not None and sample.utilisation_percent > profile.idle_utilisation_percent:
        found["device_busy"] = f"before: the device was {sample.utilisation_percent:.0f} % busy"
    warm_c = sample.temperature_c
    if warm_c is not None and base_temperature_c is not None and warm_c > base_temperature_c + profile.idle_rise_c:
        found["device_warm"] = f"before: {warm_c:.0f} °C, {warm_c - base_temperature_c:.0f} above the device at rest"
    return found
