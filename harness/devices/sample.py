"""One reading of a device at one moment. What a source does not say is None: absent, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """Telemetry at ``time_s`` (``time.monotonic``, comparable between the processes of one machine).

    ``clock_mhz`` is the frequency now, the mean over cores; ``nominal_mhz`` that under load when nothing throttles,
    given by devices whose clock falls for that reason only. ``host_load`` is the host's load average over one minute.
    ``throttle_reasons`` are the device's own words for why it is slower than it could be.
    """

    time_s: float
    power_w: float | None = None
    temperature_c: float | None = None
    clock_mhz: float | None = None
    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None
    host_load: float | None = None
    nominal_mhz: float | None = None
    throttle_reasons: tuple[str, ...] = ()


PERIOD_S = 0.1
"""Seconds between two readings, unless the reader's own ``period_s`` says otherwise."""


class Reader(Protocol):
    """The one thing telemetry needs of a device. Rates (power, utilisation) are taken since the reading before.

    A reader whose source is slow has an attribute ``period_s``: the seconds between two readings that it can keep up.
    """

    def read(self) -> Sample:
        """Read the device now; quick, never sleeps, never raises for a source that is absent."""
