"""What a child arranges for itself, asked of real children that have arranged it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sweep import guard
from harness.sweep.guard import RESERVE_BYTES, memory_limit, peak_memory_bytes, protect
from tests.sweep.children import python

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def ran(code: str, environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    start = "import os, sys\nfrom harness.sweep import guard\nfrom dataclasses import asdict\nimport json\n"
    command = python(start + code, *arguments)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@linux
def test_a_protected_child_says_what_was_arranged(environment: dict[str, str]) -> None:
    code = "print(json.dumps(asdict(guard.protect(500 << 20, os.getppid()))))\n"
    code += "print(open('/proc/self/oom_score_adj').read())"
    done = ran(code, environment)
    said, score = done.stdout.splitlines()[:2]
    assert json.loads(said) == {"oom_score_adj": int(score), "dies_with_parent": True, "memory_limit_bytes": 500 << 20}
    assert int(score) >= 800


@linux
def test_too_much_memory_is_a_memory_error_but_reserved_addresses_are_free(environment: dict[str, str]) -> None:
    code = """
import mmap
guard.protect(300 << 20, os.getppid())
reserved = mmap.mmap(-1, 8 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
bytearray(100 << 20)
try:
    bytearray(400 << 20)
except MemoryError:
    print("refused")
"""
    assert ran(code, environment).stdout == "refused\n"


@linux
def test_a_child_whose_parent_has_died_before_dies_at_once(environment: dict[str, str]) -> None:
    dead = subprocess.Popen(python("pass"))
    dead.wait()
    done = ran("guard.protect(None, int(sys.argv[1]))\nprint('still here')", environment, dead.pid)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")


@linux
def test_a_wrapper_between_sweep_and_child_is_no_reason_to_die(environment: dict[str, str]) -> None:
    """``numactl`` and its like may fork: then the sweep is alive, but not the direct parent."""
    assert ran("print(guard.protect(None, int(sys.argv[1])).dies_with_parent)", environment, os.getppid()).stdout == (
        "True\n"
    )


@linux
@pytest.mark.parametrize(("number", "words"), [(signal.SIGSEGV, "Segmentation fault"), (signal.SIGTERM, "stuck_here")])
def test_a_child_that_dies_shows_where_it_was(environment: dict[str, str], number: signal.Signals, words: str) -> None:
    code = """
guard.protect(None, os.getppid())
def stuck_here():
    os.kill(os.getpid(), int(sys.argv[1]))
stuck_here()
"""
    done = ran(code, environment, int(number))
    assert done.returncode == -number
    assert words in done.stderr
    assert "most recent call first" in done.stderr


@linux
def test_the_score_is_never_lowered(environment: dict[str, str]) -> None:
    code = "open('/proc/self/oom_score_adj', 'w').write('950'); print(guard.raise_oom_score())"
    assert ran(code, environment).stdout == "950\n"


@linux
def test_a_tighter_limit_from_outside_stays(environment: dict[str, str]) -> None:
    code = "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (400 << 20, 400 << 20))\n"
    code += "print(guard.limit_memory(500 << 20) == 400 << 20)"
    assert ran(code, environment).stdout == "True\n"


@linux
def test_the_peak_is_that_of_the_process_itself(environment: dict[str, str]) -> None:
    ask = "print(guard.peak_memory_bytes())\n"
    code = ask + "block = bytearray(b'x') * (200 << 20)\ndel block\n" + ask
    before, after = map(int, ran(code, environment).stdout.split())
    assert before < 200 << 20
    assert 195 << 20 < after - before < 230 << 20  # the kernel counts in batches


def test_the_peak_of_a_process_that_is_gone_is_unknown() -> None:
    gone = subprocess.Popen(python("pass"))
    gone.wait()
    assert peak_memory_bytes(gone.pid) is None


def test_elsewhere_than_on_linux_nothing_is_arranged_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guard, "_LINUX", False)
    monkeypatch.setattr(guard, "_explain_death", lambda: None)
    monkeypatch.setattr(guard, "raise_oom_score", lambda: None)  # there is no /proc to write to
    assert protect(1 << 30, 1) == guard.Protection(None, dies_with_parent=False, memory_limit_bytes=None)


def test_gigabytes_none_and_auto() -> None:
    assert memory_limit(1.5) == 1_500_000_000
    assert memory_limit("none") is None
    assert memory_limit("auto", available=100 << 30) == 95 << 30
    assert memory_limit("auto", available=1 << 30) == (1 << 30) - RESERVE_BYTES
    if sys.platform == "linux":
        asked = memory_limit("auto")
        assert asked is not None
        assert asked > 0


@given(st.integers(min_value=0, max_value=2**50))
def test_auto_leaves_something_and_grants_at_least_half(available: int) -> None:
    limit = memory_limit("auto", available=available)
    assert limit is not None
    assert available / 2 <= limit <= available
