"""What surrounds a repeat: the sampler beside it, foreign load by name, rest only where the device was at rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.devices.idle import Idleness
from harness.devices.processes import Snapshot, Used
from harness.devices.sample import Sample
from harness.errors import HarnessError
from harness.stages import surroundings
from harness.stages.surroundings import Surroundings
from harness.timing.processor import ProcessorTime
from harness.timing.samples import Samples
from tests.sweep.plans import settings

SAMPLES = Samples({}, np.empty(0), 0.0, 1.0, steady=False, spent=ProcessorTime(10.0, 4.0, 8.0, 0.1, 0.1))


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Surroundings whose look finds the reasons given, while ``make`` (pid 7) takes a core and a half."""

    def make(reasons: dict[str, str], **changes) -> Surroundings:
        monkeypatch.setattr(surroundings, "await_idle", lambda _look, _profile: Idleness(reasons, Sample(5.0)))
        looks = iter(
            [
                Snapshot(0.0, {(7, 1.0): Used("make", 0.0, own=False)}),
                Snapshot(2.0, {(7, 1.0): Used("make", 3.0, own=False)}),
            ]
        )
        monkeypatch.setattr(surroundings, "snapshot", lambda: next(looks))
        plan = settings()
        plan = replace(plan, measure=replace(plan.measure, **changes))
        return Surroundings(plan, None, tmp_path / "telemetry" / "round-01.csv")

    return make


def test_everything_that_disturbed_is_named_in_order(around) -> None:
    seen = around({"device_held": "before: the device is held: python3 (pid 4711)"})
    seen.before()
    with seen:
        pass
    found = {each.code: each.message for each in seen.findings(SAMPLES)}
    assert list(found) == ["device_held", "foreign_load", "stood_still", "not_steady"]
    assert "make (pid 7, 1.5 cores)" in found["foreign_load"]
    assert "stopped, suspended or blocked for about 5.90 s" in found["stood_still"]
    assert seen.idle_span == (0.0, 0.0)


def test_an_idle_device_shows_its_power_at_rest(around, tmp_path: Path) -> None:
    seen = around({}, telemetry=True, idle_watch_s=0.2)
    seen.before()
    with seen:
        pass
    assert seen.idle_span[1] - seen.idle_span[0] == pytest.approx(0.2, abs=0.01)
    assert seen.series is not None
    assert (tmp_path / "telemetry" / "round-01.csv").is_file()


def test_a_measurement_that_fails_leaves_no_sampler_behind(around) -> None:
    seen = around({}, telemetry=True)
    seen.before()
    with pytest.raises(ValueError, match="device lost"), seen:
        raise ValueError("device lost")
    assert seen._sampling is not None
    assert not Path(f"/proc/{seen._sampling.pid}").exists()


def test_cores_that_are_not_ours_are_refused(around) -> None:
    with pytest.raises(HarnessError, match=r"measure\.affinity=\[4095\]: this process may use cores \["):
        around({}, affinity=(4095,)).before()
