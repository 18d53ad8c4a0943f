"""The look before a repeat: what it finds, what the policy makes of it, and that it names who disturbs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.config.schema import MeasureSettings
from harness.devices import host, idle
from harness.devices.idle import Idleness, await_idle, look
from harness.devices.processes import Snapshot, Used, busy_between, named, snapshot
from harness.devices.sample import Sample
from harness.errors import HarnessError
from tests.timing.test_measured_loop import profile

QUIET = Idleness({}, Sample(0.0))
BUSY = Idleness({"device_busy": "before: the device was 87 % busy"}, Sample(0.0))


class Device:
    """A reader that always says the same."""

    def __init__(self, **facts: float):
        self.sample = Sample(0.0, **facts)

    def read(self) -> Sample:
        return self.sample


class HeldDevice(Device):
    def holders(self) -> list[str]:
        return ["python3 (pid 4711) holds 2048 MB"]


@pytest.fixture(autouse=True)
def _still_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "conditions", lambda watch_s: {"cpu_utilisation_percent": 10.0})
    monkeypatch.setattr(idle, "snapshot", lambda: Snapshot(0.0, {}))


def reasons(device: Device, base: float | None = None, **changes) -> dict[str, str]:
    return dict(look(device, profile(**changes), base).reasons)


def test_an_idle_device_gives_no_reason() -> None:
    assert reasons(Device(utilisation_percent=3, temperature_c=44), base=42) == {}
    assert reasons(Device()) == {}


def test_each_disturbance_has_its_reason() -> None:
    assert "87 % busy" in reasons(Device(utilisation_percent=87))["device_busy"]
    assert "python3 (pid 4711) holds 2048 MB" in reasons(HeldDevice())["device_held"]
    assert "60 °C, 18 above" in reasons(Device(temperature_c=60), base=42)["device_warm"]
    assert "10 % busy" in reasons(Device(), idle_host_percent=9)["host_busy"]
    assert reasons(Device(temperature_c=60), base=None) == {}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(looks: list[Idleness], **changes) -> Idleness:
    clock, rest = Clock(), iter(looks)
    return await_idle(lambda: next(rest, looks[-1]), profile(**changes), clock, clock.sleep)


def test_wait_looks_again_until_it_is_idle_or_the_time_is_over() -> None:
    found = waited([BUSY, BUSY, QUIET], idle_policy="wait", idle_wait_s=60)
    assert (dict(found.reasons), found.waited_s) == ({}, 2.0)
    found = waited([BUSY], idle_policy="wait", idle_wait_s=10)
    assert (set(found.reasons), found.waited_s) == ({"device_busy"}, 10.0)


def test_warn_goes_on_and_fail_refuses() -> None:
    assert waited([BUSY], idle_policy="warn").waited_s == 0
    with pytest.raises(HarnessError, match=r"measure\.idle_policy=fail.*87 % busy") as caught:
        waited([BUSY], idle_policy="fail")
    assert caught.value.reason == "not_idle"
    assert waited([QUIET], idle_policy="fail").reasons == {}


def test_the_busiest_foreign_processes_are_named_and_own_ones_are_not() -> None:
    def used(**seconds: float) -> dict[tuple[int, float], Used]:
        return {
            (number, 1.0): Used(name, cpu_s, own=name == "mine")
            for number, (name, cpu_s) in enumerate(sorted(seconds.items()), start=10)
        }

    before = Snapshot(100.0, used(mine=0, make=5, cc1=0, sleepy=3))
    after = Snapshot(102.0, used(mine=4, make=7, cc1=1, sleepy=3.05))
    busy = busy_between(before, after)
    assert named(busy) == "make (pid 11, 1.0 cores), cc1 (pid 10, 0.5 cores)"
    assert busy_between(after, after) == ()


def test_this_process_its_parents_and_its_children_are_own() -> None:
    code = "import sys; print('here', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    found = {pid: used.own for (pid, _), used in snapshot().processes.items()}
    child.communicate(b"")
    assert found[os.getpid()]
    assert found[os.getppid()]
    assert found[child.pid]


def test_the_profiles_of_the_project_are_valid_settings() -> None:
    assert profile(idle_policy="wait", affinity=[0]).affinity == (0,)
    with pytest.raises(ValueError, match="idle_policy"):
        MeasureSettings(**{**profile().__dict__, "idle_policy": "hope"})
