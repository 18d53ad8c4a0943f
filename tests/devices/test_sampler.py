"""The sampler: rows as the device reads, its end with its starter, and the series that comes back."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from harness.devices.sample import Sample
from harness.devices.sampler import sample_until_closed
from harness.devices.telemetry import Sampling, read_series


class Counting:
    """A device that hangs up on the sampler after three readings."""

    def __init__(self, hang_up: int):
        self.hang_up = hang_up
        self.readings = 0

    def read(self) -> Sample:
        self.readings += 1
        if self.readings == 3:
            os.close(self.hang_up)
        reasons = ("thermal", "power") if self.readings == 2 else ()
        return Sample(self.readings, power_w=10.0 * self.readings, throttle_reasons=reasons)


def test_rows_are_written_until_the_starter_is_gone(tmp_path: Path) -> None:
    stopped, hang_up = os.pipe()
    out = io.StringIO()
    sample_until_closed(Counting(hang_up), 0.0, out, stopped)
    os.close(stopped)
    file = tmp_path / "series.csv"
    file.write_text(out.getvalue() + "4.0,4")  # a line that a kill cut off
    series = read_series(file)
    assert series is not None
    assert series.time_s.tolist() == [1, 2, 3]
    assert series.columns["power_w"].tolist() == [10, 20, 30]
    assert np.isnan(series.columns["temperature_c"]).all()
    assert series.reasons == ("", "thermal+power", "")


def test_a_real_sampler_reads_this_machine_and_ends_on_request(tmp_path: Path) -> None:
    sampling = Sampling("cpu", None, 0.01, tmp_path / "telemetry" / "series.csv")
    series = sampling.stop()
    assert sampling.problem is None
    assert series is not None
    assert series.columns["memory_used_bytes"][0] > 0
    assert not Path(f"/proc/{sampling.pid}").exists()


def test_a_device_that_is_not_there_costs_the_telemetry_only(tmp_path: Path) -> None:
    sampling = Sampling("Ascend310P3", 7, 1.0, tmp_path / "series.csv")
    assert sampling.stop() is None
    assert "no reading" in str(sampling.problem)
