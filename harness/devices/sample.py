"""One reading of a device at one moment. What a source does not say is None: absent, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """Telemetry at ``time_s`` (``time.monotonic``, comparable between the processes of one machine).

    ``clock_mhz`` is the frequency now, the mean over cores; ``host_load`` the host's load average over one minute.
    """

    time_s: float
    power_w: float | None = None
    temperature_c: float | None = None
    clock_mhz: float | None = None
    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None
    host_load: float | None = None


class Reader(Protocol):
    """The one thing telemetry needs of a device. Rates (power, utilisation) are taken since the reading before."""

    def read(self) -> Sample:
        """Read the device now; quick, never sleeps, never raises for a source that is absent."""
