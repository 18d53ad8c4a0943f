"""One child process, and all the ways it may end: none of them leaves a process behind or stops the caller."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.sweep import process
from harness.sweep.process import ChildCancelled, run_child
from tests.sweep.children import python, running, wait_until_gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc and process handles")

PAUSE = "import signal\nwhile True: signal.pause()"
LEAVE_GRANDCHILD = """
import subprocess, sys
grandchild = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session={own})
open(sys.argv[1], "w").write(str(grandchild.pid))
import os; os._exit(int(sys.argv[2]))
"""
DAEMON = """
import os, signal, sys
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(write, str(os.getpid()).encode())
        while True: signal.pause()
    os._exit(0)
open(sys.argv[1], "w").write(os.read(read, 100).decode())
"""


@pytest.fixture(autouse=True)
def no_zombies() -> Iterator[None]:
    """Whatever a test does, this process has no ended children to bury afterwards."""
    yield
    gc.collect()
    with suppress(ChildProcessError):
        pid, _ = os.waitpid(-1, os.WNOHANG)
        assert pid == 0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "step.log"


def test_output_status_and_times_of_a_child_that_ends_well(log: Path) -> None:
    before = datetime.now(timezone.utc)
    end = run_child(
        python("import sys; print('out', flush=True); print('err', file=sys.stderr)"), log=log, timeout_s=60
    )
    assert (end.exit_status, end.signal, end.timed_out, end.cancelled, end.oom_killed) == (0, None, False, False, False)
    assert log.read_text() == "out\nerr\n"
    assert 0 < end.wall_s < 60
    assert before.replace(microsecond=0) <= datetime.fromisoformat(end.started)
    assert end.started.endswith("+00:00")


def test_a_log_holds_only_the_last_attempt(log: Path) -> None:
    run_child(python("print('a long first attempt')"), log=log, timeout_s=60)
    run_child(python("print('second')"), log=log, timeout_s=60)
    assert log.read_text() == "second\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise ValueError('no')", 1), ("import sys; sys.exit(0)", 0), ("import sys; sys.exit('words')", 1)],
)
def test_exceptions_and_exits_are_told_by_the_status(log: Path, code: str, status: int) -> None:
    end = run_child(python(code), log=log, timeout_s=60)
    assert (end.exit_status, end.signal) == (status, None)


def test_a_child_that_kills_itself_was_not_killed_for_want_of_memory(log: Path) -> None:
    end = run_child(python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), log=log, timeout_s=60)
    assert (end.exit_status, end.signal, end.timed_out, end.oom_killed) == (None, signal.SIGKILL, False, False)


def test_a_crash_is_told_by_its_signal(log: Path) -> None:
    end = run_child(python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), log=log, timeout_s=60)
    assert end.signal == signal.SIGSEGV


def test_beyond_the_memory_limit_is_an_exception_in_the_child(log: Path) -> None:
    end = run_child(python("bytearray(2 << 30)"), log=log, timeout_s=60, memory_limit_bytes=300 << 20)
    assert (end.exit_status, end.memory_limit_bytes) == (1, 300 << 20)
    assert "MemoryError" in log.read_text()


def test_the_limit_is_in_force_from_the_start_and_words_of_the_command_are_its_own(log: Path) -> None:
    code = "import resource, sys; print(resource.getrlimit(resource.RLIMIT_DATA), sys.argv[1:])"
    run_child(python(code, "a b", "$HOME; 'c'"), log=log, timeout_s=60, memory_limit_bytes=300 << 20)
    assert log.read_text() == f"{(300 << 20, 300 << 20)} {['a b', '$HOME; ' + repr('c')]}\n"


def test_a_tighter_limit_from_outside_stays(log: Path, environment: dict[str, str]) -> None:
    code = """
import resource, sys
from pathlib import Path
from harness.sweep.process import run_child
resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))
child = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA) == (300 << 20, 300 << 20))"
run_child([sys.executable, "-c", child], log=Path(sys.argv[1]), timeout_s=60, memory_limit_bytes=1 << 30)
"""
    run_child(python(code, log), log=log.with_name("parent.log"), timeout_s=60, env=environment)
    assert log.read_text() == "True\n"


def test_the_kernel_kills_a_child_that_outgrows_its_control_group(log: Path, environment: dict[str, str]) -> None:
    group = _new_memory_group(64 << 20)
    code = """
import os, sys
open(sys.argv[1], "w").write(str(os.getpid()))
block = bytearray(400 << 20)
for place in range(0, len(block), 4096): block[place] = 1
"""
    try:
        end = run_child(python(code, group / "cgroup.procs"), log=log, timeout_s=120, env=environment)
    finally:
        group.rmdir()
    assert (end.signal, end.oom_killed) == (signal.SIGKILL, True), log.read_text()


def _new_memory_group(limit_bytes: int) -> Path:
    """A control group with a memory limit; skips where this user may not make one."""
    limits = {"memory": "memory.limit_in_bytes", "": "memory.max"}
    for parent, limit in limits.items():
        group = Path("/sys/fs/cgroup") / parent / f"harness-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(limit_bytes))
        except OSError:
            group.rmdir()
            continue
        return group
    pytest.skip("this user may not create a control group with a memory limit")


def test_a_hanging_child_is_told_to_stop_when_its_time_is_over(log: Path) -> None:
    end = run_child(python(PAUSE), log=log, timeout_s=0.5)
    assert (end.timed_out, end.exit_status, end.signal, end.timeout_s) == (True, None, signal.SIGTERM, 0.5)


def test_a_hanging_child_that_ignores_the_request_is_killed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)
    old = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # an ignored signal stays ignored in the child
    try:
        end = run_child(python(PAUSE), log=log, timeout_s=0.5)
    finally:
        signal.signal(signal.SIGTERM, old)
    assert (end.timed_out, end.signal, end.oom_killed) == (True, signal.SIGKILL, False)


def test_a_child_that_closes_its_output_is_waited_for_all_the_same(log: Path) -> None:
    code = "import os; os.close(1); os.close(2); os.close(0); os._exit(7)"
    assert run_child(python(code), log=log, timeout_s=60).exit_status == 7


@pytest.mark.parametrize("own_session", [False, True])
@pytest.mark.parametrize("status", [0, 3])
def test_a_grandchild_left_behind_is_killed(log: Path, tmp_path: Path, own_session: bool, status: int) -> None:
    code = LEAVE_GRANDCHILD.format(own=own_session)
    end = run_child(python(code, tmp_path / "pid", status), log=log, timeout_s=60)
    assert end.exit_status == status
    assert not running(int((tmp_path / "pid").read_text()))


def test_a_daemon_that_forked_twice_is_killed(log: Path, tmp_path: Path) -> None:
    end = run_child(python(DAEMON, tmp_path / "pid"), log=log, timeout_s=60)
    assert end.exit_status == 0
    assert not running(int((tmp_path / "pid").read_text()))


def test_the_group_of_a_child_whose_time_is_over_goes_with_it(log: Path, tmp_path: Path) -> None:
    code = LEAVE_GRANDCHILD.format(own=False).replace("import os; os._exit", "grandchild.wait")
    end = run_child(python(code, tmp_path / "pid", 1000), log=log, timeout_s=3)
    assert end.timed_out
    assert not running(int((tmp_path / "pid").read_text()))


def test_other_peoples_processes_are_left_alone(log: Path) -> None:
    bystander = subprocess.Popen(python(PAUSE))
    try:
        run_child(python("pass"), log=log, timeout_s=60)
        assert running(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as ``run_child`` begins to wait for its child."""
    event = threading.Event()
    bounded = process._bounded
    monkeypatch.setattr(process, "_bounded", lambda seconds: (event.set(), bounded(seconds))[1])
    return event


def test_ctrl_c_stops_the_child_and_goes_on_up(
    log: Path, announcements: tuple[Path, Callable[[], str]], waiting: threading.Event
) -> None:
    pipe, heard = announcements
    pids = []

    def interrupt() -> None:
        pids.append(int(heard()))
        waiting.wait()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid()))\n" + PAUSE
    with pytest.raises(KeyboardInterrupt) as caught:
        run_child(python(code, pipe), log=log, timeout_s=60)
    thread.join()
    assert isinstance(caught.value, ChildCancelled)
    assert (caught.value.child.cancelled, caught.value.child.signal) == (True, signal.SIGTERM)
    assert not running(pids[0])


def test_ctrl_c_while_the_child_is_being_started_leaves_none(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, pids = process._start, []

    def interrupted(*arguments: Any) -> None:
        pids.append(start(*arguments).process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_start", interrupted)
    with pytest.raises(ChildCancelled):
        run_child(python(PAUSE), log=log, timeout_s=60)
    assert not running(pids[0])


def test_a_second_ctrl_c_does_not_wait_for_the_grace(
    log: Path,
    announcements: tuple[Path, Callable[[], str]],
    waiting: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "GRACE_S", 600.0)
    pipe, heard = announcements
    code = """
import os, signal, sys
say = lambda *_: open(sys.argv[1], "w").write(str(os.getpid()))
signal.signal(signal.SIGTERM, say)  # hears the request, and stays
say()
while True: signal.pause()
"""

    def interrupt_twice() -> None:
        for _ in range(2):
            heard()
            waiting.wait()
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt_twice)
    thread.start()
    with pytest.raises(ChildCancelled) as caught:
        run_child(python(code, pipe), log=log, timeout_s=60)
    thread.join()
    assert caught.value.child.signal == signal.SIGKILL
    assert caught.value.child.wall_s < 60


def test_a_child_dies_when_the_sweep_is_killed(
    log: Path, environment: dict[str, str], announcements: tuple[Path, Callable[[], str]]
) -> None:
    pipe, heard = announcements
    child = "import os, sys; from harness.sweep.guard import protect; protect(None, int(sys.argv[1]))\n"
    child += "open(sys.argv[2], 'w').write(str(os.getpid()))\n" + PAUSE
    sweep = f"""
import os, sys
from pathlib import Path
from harness.sweep.process import run_child
command = [sys.executable, "-c", {child!r}, str(os.getpid()), sys.argv[1]]
run_child(command, log=Path(sys.argv[2]), timeout_s=600)
"""
    parent = subprocess.Popen(python(sweep, pipe, log), env=environment)
    pid = int(heard())
    parent.kill()
    parent.wait()
    assert wait_until_gone(pid)


@pytest.mark.parametrize("limit", [None, 1 << 30])
def test_a_command_that_is_not_there_is_told_not_raised(log: Path, limit: int | None) -> None:
    end = run_child(["/no/such/command"], log=log, timeout_s=60, memory_limit_bytes=limit)
    assert (end.exit_status, end.signal, end.disk_full) == (None, None, False)
    assert end.start_error == "No such file or directory: /no/such/command"


def test_a_log_that_cannot_be_opened_is_told_not_raised(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    end = run_child(python("pass"), log=tmp_path / "file" / "step.log", timeout_s=60)
    assert end.start_error is not None
    assert "file" in end.start_error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB; skips where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=4", "tmpfs", folder]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_without_room_for_the_log_is_told_not_raised(small_disk: Path) -> None:
    for name in "abc":
        (small_disk / name).touch()
    end = run_child(python("pass"), log=small_disk / "step.log", timeout_s=60)
    assert end.disk_full
    assert end.start_error == f"No space left on device: {small_disk / 'step.log'}"


def test_a_child_that_fills_the_disk_is_told_even_where_its_last_words_did_not_fit(small_disk: Path) -> None:
    end = run_child(python("while True: print('words' * 1000)"), log=small_disk / "step.log", timeout_s=60)
    assert (end.exit_status, end.disk_full, end.start_error) == (1, True, None)


def test_the_child_is_the_kernels_first_choice(log: Path) -> None:
    run_child(python("print(open('/proc/self/oom_score_adj').read())"), log=log, timeout_s=60)
    own = int(Path("/proc/self/oom_score_adj").read_text())
    assert int(log.read_text()) >= max(own, 800)


def test_the_environment_is_the_one_given_and_nothing_can_be_typed_in(log: Path) -> None:
    code = "import os, sys; print(os.environ['A'], 'HOME' in os.environ, sys.stdin.read() == '')"
    run_child(python(code), log=log, timeout_s=60, env={"A": "1"})
    assert log.read_text() == "1 False True\n"


def test_the_peak_is_the_childs_own_or_unknown(log: Path, environment: dict[str, str]) -> None:
    """A small child of a large parent: Linux would have it that the child was as large as the parent."""
    code = """
import sys
from pathlib import Path
from harness.sweep.process import run_child
block = bytearray(b"x") * (int(sys.argv[1]) << 20)
child = "block = bytearray(b'x') * (120 << 20)"
print(run_child([sys.executable, "-c", child], log=Path(sys.argv[2]), timeout_s=60).peak_memory_bytes)
"""
    peaks = []
    for parent_mb in (1, 300):
        run_child(python(code, parent_mb, log), log=log.with_name("parent.log"), timeout_s=60, env=environment)
        peaks.append(log.with_name("parent.log").read_text().strip())
    assert 120 << 20 < int(peaks[0]) < 200 << 20
    assert peaks[1] == "None"


def test_the_caller_sleeps_meanwhile(log: Path) -> None:
    """Ten milliseconds a look would be 150 of them; ``getrusage`` counts every time this process went to sleep."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    run_child(python("import time; time.sleep(1.5)"), log=log, timeout_s=60)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_nvcsw - before.ru_nvcsw < 100
    assert after.ru_utime - before.ru_utime < 0.5


def test_a_process_that_has_cleaned_its_environment_goes_with_its_session(log: Path, tmp_path: Path) -> None:
    code = LEAVE_GRANDCHILD.format(own=False).replace("start_new_session", "env={}, start_new_session")
    run_child(python(code, tmp_path / "pid", 0), log=log, timeout_s=60)
    assert not running(int((tmp_path / "pid").read_text()))
