"""A repeat out of raw samples: throttled iterations are counted, kept in the file, and in no estimate."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.stages.audit import Audit
from harness.stages.repeat import built
from harness.stages.request import Request
from harness.timing.samples import Samples
from harness.timing.telemetry import Series
from tests.sweep.plans import settings


class Around:
    """Surroundings in which the clock was low between two moments, and the device took 50 W, 20 at rest."""

    span = (90.0, 120.0)
    idle_span = (95.0, 99.0)

    def __init__(self, slow_from: float, slow_to: float):
        times = np.arange(90.0, 120.0, 0.1)
        clock = np.where((times > slow_from) & (times < slow_to), 500.0, 1000.0)
        columns = {
            "time_s": times,
            "clock_mhz": clock,
            "nominal_mhz": np.full(times.size, 1000.0),
            "power_w": np.where(times < 99.5, 20.0, 50.0),
        }
        self.series = Series(columns, [""] * times.size)

    def findings(self, samples: Samples) -> tuple:
        return ()

    def conditions(self, samples: Samples) -> dict:
        return {}


def repeat_of(tmp_path: Path, around: Around):
    """Ten iterations of a second each from 100 s on, of which the fourth and fifth took twice as long."""
    times = np.asarray([1000.0, 1000, 1000, 2000, 2000, 1000, 1000, 1000])
    samples = Samples({"compute": times, "d2h": times / 10}, np.empty(0), 0.1, 10.0, began_s=100.0)
    request = Request(stage="measure", settings=settings(batchsize=2), store=tmp_path, record=tmp_path, round=3)
    return built(request, samples, "compute", "2026-01-01T00:00:00+00:00", around=around, audit=Audit())  # type: ignore[arg-type]


def test_throttled_iterations_are_in_no_estimate(tmp_path: Path) -> None:
    repeat = repeat_of(tmp_path, Around(103.2, 106.8))
    assert (repeat.iterations, repeat.mean_ms, repeat.max_ms) == (6, 1000, 1000)
    assert repeat.means_ms == {"compute": 1000, "d2h": 100, "end_to_end": 1100}
    told = repeat.telemetry
    assert told is not None
    assert (told.left_out, told.file) == (2, "telemetry/round-03.csv")
    assert told.throttled_s == pytest.approx(3.6, abs=0.2)
    (finding,) = repeat.findings
    assert finding.code == "throttled"
    assert "2 of 8 iterations are left out" in finding.message
    raw = np.load(tmp_path / repeat.samples_file)
    assert raw["compute_ms"].size == 8
    assert raw["kept"].tolist() == [True, True, True, False, False, True, True, True]


def test_where_it_throttled_all_the_time_nothing_is_left_out_and_it_is_said(tmp_path: Path) -> None:
    repeat = repeat_of(tmp_path, Around(95, 115))
    assert (repeat.iterations, repeat.telemetry and repeat.telemetry.left_out) == (8, 0)
    assert "too much of the window" in repeat.findings[0].message


def test_energy_is_that_of_the_window_with_the_share_at_rest(tmp_path: Path) -> None:
    told = repeat_of(tmp_path, Around(0, 0)).telemetry
    assert told is not None
    assert told.energy_j == pytest.approx(500)
    assert told.energy_per_sample_j == pytest.approx(500 / 16)
    assert told.idle_share == pytest.approx(0.4)


def test_without_a_sampler_there_is_no_telemetry(tmp_path: Path) -> None:
    around = SimpleNamespace(series=None, findings=lambda samples: (), conditions=lambda samples: {})
    repeat = repeat_of(tmp_path, around)  # type: ignore[arg-type]
    assert repeat.telemetry is None
    assert repeat.iterations == 8
