"""What surrounds one repeat: the idle device before it, sampler and processes beside it, the processors it may use."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.config.schema import Settings
from harness.devices import host, reader
from harness.devices.idle import Idleness, await_idle, look
from harness.devices.processes import Snapshot, busy_between, named, snapshot
from harness.devices.sample import PERIOD_S, Reader, Sample
from harness.devices.telemetry import Sampling
from harness.errors import HarnessError
from harness.records.schema import Finding
from harness.timing.processor import lost_time
from harness.timing.samples import Samples
from harness.timing.telemetry import Series, Span

if TYPE_CHECKING:
    from typing_extensions import Self

DISTURBING_CORES = 0.2
"""Cores that foreign processes used together while a repeat was measured, from which they are named."""


class Surroundings:
    """First ``before()``, then ``with surroundings:`` around the measurement, then ``findings`` and ``conditions``.

    ``series`` is what the sampler saw into ``file``, from ``idle_span`` on, in which the device rested; None without a
    sampler. ``span`` is that of the measurement, loading and warm-up included.
    """

    def __init__(self, settings: Settings, base_temperature_c: float | None, file: Path) -> None:
        self.series: Series | None = None
        self.idle_span: Span = (0.0, 0.0)
        self.span: Span = (0.0, 0.0)
        self._settings = settings
        self._base_temperature_c = base_temperature_c
        self._file = file
        self._sampling: Sampling | None = None
        self._idle: Idleness | None = None
        self._began: Snapshot | None = None
        self._beside: list[Finding] = []

    def before(self) -> None:
        """Fix the processors, start the sampler, and look whether the device is idle, or wait until it is.

        Raises:
            HarnessError: it is not, and ``measure.idle_policy=fail``.
        """
        profile = self._settings.measure
        _fix_affinity(profile.affinity)
        device = _reader(self._settings)
        if profile.telemetry and device is not None:
            period_s = getattr(device, "period_s", PERIOD_S)
            self._sampling = Sampling(self._settings.soc_version.name, _device_id(self._settings), period_s, self._file)
        if profile.idle_policy == "off" or self._undisturbed:
            self._idle = Idleness({}, Sample(0.0), host.conditions(profile.idle_watch_s))
            return
        self._idle = await_idle(lambda: look(device or _HostOnly(), profile, self._base_temperature_c), profile)
        if not self._idle.reasons:  # else the power of that time is not that of a device at rest
            self.idle_span = (time.monotonic() - profile.idle_watch_s, time.monotonic())

    def __enter__(self) -> Self:
        self._began = snapshot()
        self.span = (time.monotonic(), 0.0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.span = (self.span[0], time.monotonic())
        if self._sampling is not None:
            self.series = self._sampling.stop()
            if self._sampling.problem is not None:
                self._beside.append(Finding("no_telemetry", self._sampling.problem))
        if kind is None and self._began is not None and not self._undisturbed:
            busy = busy_between(self._began, snapshot())
            if sum(each.cores for each in busy) >= DISTURBING_CORES:
                self._beside.append(Finding("foreign_load", f"meanwhile other processes ran: {named(busy)}"))

    @property
    def _undisturbed(self) -> bool:
        """Whether nothing on this machine can move the figures: simulated times are drawn, unless on a busy device."""
        return self._settings.simulates and self._settings.simulator.fail != "device_busy"

    @property
    def temperature_c(self) -> float | None:
        """The device's temperature before the repeat, where it tells it."""
        return self._idle.sample.temperature_c if self._idle else None

    def findings(self, samples: Samples) -> tuple[Finding, ...]:
        """What disturbed the repeat, in the order of its happening, and what the tool's own figures contradict."""
        found = [Finding(code, words) for code, words in (self._idle.reasons if self._idle else {}).items()]
        found += self._beside
        if samples.spent is not None:
            lost = lost_time(samples.spent, computes_here=self._settings.soc_version.name == "cpu")
            found += [Finding(code, words) for code, words in lost.items()]
        if samples.steady is False:
            found.append(Finding("not_steady", "the device never settled while it was warmed up"))
        found += [Finding(each["code"], each["message"]) for each in samples.conditions.get("findings", ())]
        return tuple(found)

    def conditions(self, samples: Samples) -> Mapping[str, Any]:
        """The facts behind the findings, as plain JSON."""
        known: dict[str, Any] = {**samples.conditions}
        if self._idle is not None:
            device = {key: value for key, value in asdict(self._idle.sample).items() if value not in {None, ()}}
            device.pop("time_s", None)
            known["before"] = {**self._idle.host, "device": device, "waited_s": round(self._idle.waited_s, 1)}
        if samples.spent is not None:
            known["processor"] = {key: value for key, value in asdict(samples.spent).items() if value is not None}
        return known


class _HostOnly:
    """Reads nothing: the device is one that the harness knows no reader for."""

    def read(self) -> Sample:
        """A sample of nothing."""
        return Sample(0.0)


def _reader(settings: Settings) -> Reader | None:
    """What reads the cell's device; its tools are found in the environment that this process was given."""
    try:
        return reader(settings.soc_version.name, device_id=_device_id(settings))
    except HarnessError:
        return None


def _device_id(settings: Settings) -> int | None:
    return settings.device[0] if settings.device else None


def _fix_affinity(cores: tuple[int, ...] | None) -> None:
    """Bind this process, and with it every thread that it will start, to the cores asked for.

    Raises:
        HarnessError: a core that this process may not use.
    """
    if cores is None or not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    if not set(cores) <= allowed:
        raise HarnessError(f"measure.affinity={list(cores)}: this process may use cores {sorted(allowed)}")
    os.sched_setaffinity(0, cores)
