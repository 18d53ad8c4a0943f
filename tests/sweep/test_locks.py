"""Locks of devices: one measures at a time, whoever was killed is succeeded, and what it left running is ended."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.schema import BackendSettings, SocSettings
from harness.config.simulator import SimulatorSettings
from harness.errors import HarnessError
from harness.sweep.claims import claims
from harness.sweep.descendants import VARIABLE
from harness.sweep.free import free_device
from harness.sweep.locks import Claim, LockedError, held, lock_folder, locked_now
from tests.sweep.children import python, running, wait_until_gone
from tests.sweep.plans import settings

HOLDING = """
import subprocess, sys, os
from harness.sweep.locks import Claim, held
name, shared, mark = sys.argv[1], sys.argv[2] == "shared", sys.argv[3]
with held([Claim(name, shared)], mark=mark, waiting=lambda line: print("waits", flush=True)):
    left = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"],
                            env={**os.environ, "HARNESS_STEP": mark}, start_new_session=True)
    print("holds", left.pid, flush=True)
    sys.stdin.readline()
    left.kill()
    left.wait()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of locks."""
    monkeypatch.setenv("HARNESS_LOCKS", str(tmp_path / "locks"))
    return tmp_path / "locks"


def other(environment: dict[str, str], name: str, shared: str = "alone", mark: str = "") -> subprocess.Popen[str]:
    """Another process that claims a device until it is told to give it back."""
    return subprocess.Popen(
        python(HOLDING, name, shared, mark or uuid.uuid4().hex),
        env={**environment, "HARNESS_LOCKS": os.environ["HARNESS_LOCKS"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> list[str]:
    """The words of its next line."""
    assert process.stdout is not None
    return process.stdout.readline().split()


def end(process: subprocess.Popen[str]) -> None:
    """Let it give its claim back and end."""
    process.communicate("\n")
    assert process.returncode == 0


@pytest.mark.usefixtures("folder")
def test_who_measures_is_alone_and_those_who_compute_are_not(environment: dict[str, str]) -> None:
    first = other(environment, "cpu")
    assert said(first)[0] == "holds"
    second, third = other(environment, "cpu", "shared"), other(environment, "cpu", "shared")
    assert said(second) == said(third) == ["waits"]
    end(first)
    for line in (said(second), said(third)):
        assert line == ["waits"]  # how long it was
    assert said(second)[0] == said(third)[0] == "holds"
    last = other(environment, "cpu")
    assert said(last) == ["waits"]
    end(second)
    end(third)
    assert said(last) == ["waits"]
    assert said(last)[0] == "holds"
    elsewhere = other(environment, "npu0-chip0")
    assert said(elsewhere)[0] == "holds"
    end(last)
    end(elsewhere)


@pytest.mark.usefixtures("folder")
def test_the_lock_of_a_killed_process_is_taken_over_and_what_it_left_is_ended(environment: dict[str, str]) -> None:
    dead = other(environment, "cpu")
    holds, left = said(dead)
    assert holds == "holds"
    notes: list[str] = []
    taken = threading.Event()

    def take() -> None:
        with held([Claim("cpu")], mark=uuid.uuid4().hex, waiting=notes.append):
            taken.set()

    waiter = threading.Thread(target=take)
    waiter.start()
    while not notes:
        assert not taken.wait(0.01)
    assert f"pid {dead.pid} holds" in notes[0]
    dead.kill()
    dead.wait()
    waiter.join(timeout=30)
    assert taken.is_set()
    assert wait_until_gone(int(left))
    assert not running(int(left))
    dead.communicate()


@pytest.mark.usefixtures("folder")
def test_who_waits_to_measure_is_not_overtaken_by_those_who_compute() -> None:
    waiting, ended = {"measure": threading.Event(), "compute": threading.Event()}, []

    def claim(what: str) -> None:
        wanted = Claim("cpu", shared=what == "compute")
        with held([wanted], mark=uuid.uuid4().hex, waiting=lambda _: waiting[what].set()):
            ended.append(what)

    threads = [threading.Thread(target=claim, args=[what]) for what in waiting]
    with held([Claim("cpu", shared=True)], mark="", waiting=print):
        for what, thread in zip(waiting, threads, strict=True):
            thread.start()
            assert waiting[what].wait(30), f"{what} did not wait"
        assert ended == []
    for thread in threads:
        thread.join(30)
    assert sorted(ended) == ["compute", "measure"]


def test_who_waits_outlives_that_somebody_removes_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []

    def clean(_: float) -> None:
        shutil.rmtree(folder)

    with held([Claim("cpu")], mark=uuid.uuid4().hex, waiting=lines.append):
        monkeypatch.setattr("harness.sweep.locks.time.sleep", clean)
        with held([Claim("cpu")], mark=uuid.uuid4().hex, waiting=lines.append):
            assert (folder / "cpu.lock").exists()
    assert lines[0].startswith("waits for cpu")


def test_a_file_system_without_locks_is_refused_and_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with (
        pytest.raises(HarnessError, match="cannot be used for locks") as caught,
        held([Claim("cpu")], mark="", waiting=print),
    ):
        pass
    assert str(folder) in str(caught.value)
    with pytest.raises(HarnessError, match="HARNESS_HOME"), locked_now(folder / "sweep" / "lock"):
        pass


def test_every_user_can_lock_and_none_can_remove_anothers_lock(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        with held([Claim("cpu")], mark="", waiting=print):
            assert (folder / "cpu.lock").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)
    assert lock_folder().stat().st_mode & 0o7777 == 0o1777
    with held([Claim("cpu")], mark="", waiting=print):  # a second time, with the files there
        pass


def test_what_stands_in_a_lock_file_is_not_trusted(folder: Path) -> None:
    folder.mkdir()
    (folder / "cpu.lock").write_text("PATH=")  # a mark that every process here bears
    with held([Claim("cpu")], mark=uuid.uuid4().hex, waiting=print):
        pass
    assert VARIABLE == "HARNESS_STEP"


def test_a_folder_is_locked_at_once_or_not_at_all(tmp_path: Path) -> None:
    lock = tmp_path / "sweep" / "lock"
    with ExitStack() as stack:
        stack.enter_context(locked_now(lock, shared=True))
        stack.enter_context(locked_now(lock, shared=True))
        with pytest.raises(LockedError, match=f"sweep: another process is at work on it: pid {os.getpid()} "):
            stack.enter_context(locked_now(lock))
    with locked_now(lock):
        pass


def test_a_stage_claims_its_device_alone_only_where_it_must() -> None:
    plain = settings()
    cpu, shared = Claim("cpu"), Claim("cpu", shared=True)
    assert claims(plain, "measure") == claims(plain, "evaluate") == (cpu,)
    assert claims(plain, "export") == claims(plain, "convert") == claims(plain, "reference") == (shared,)
    npu = replace(
        plain,
        soc_version=SocSettings("Ascend310P3", "ascend"),
        simulator=SimulatorSettings(name="cann", kind="cann"),
    )
    measured = claims(npu, "measure")
    assert measured[1:] == (shared,)
    assert measured[0].name.startswith("simulated-npu")
    assert not measured[0].shared
    assert claims(npu, "convert") == (shared,)
    builder = replace(npu, backend=BackendSettings("tensorrt", "tensorrt", "fp16"))
    assert claims(builder, "convert") == measured  # which times kernels on the device


@pytest.mark.usefixtures("folder")
def test_cells_that_name_no_device_get_one_each_and_wait_where_all_are_taken() -> None:
    two = SimulatorSettings(name="nvidia", kind="nvidia", chip="T4", devices=2)
    each = replace(settings(), soc_version=SocSettings("T4", "tensorrt"), simulator=two)
    told: list[str] = []

    def stop(line: str) -> None:
        told.append(line)
        raise InterruptedError

    with free_device(each, print) as first, free_device(each, print) as second:
        assert {first, second} == {0, 1}
        with pytest.raises(InterruptedError), free_device(each, stop):
            pass
        with free_device(replace(each, device=(1,)), stop) as named:
            assert named is None
    assert told[0].startswith("waits for one of GPU-")
    with free_device(each, stop) as again:
        assert again is not None


def test_locks_need_nothing_heavy() -> None:
    code = "import sys, harness.sweep.locks; assert not {'torch', 'mlflow', 'onnx', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
