"""CPU time against wall time: what a stopped process and one without a core look like."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.timing.processor import ProcessorTime, lost_time, processor_time

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("wall", "thread", "waited", "codes"),
    [
        (10.0, 9.8, 0.05, set()),
        (10.0, 5.0, 5.0, {"waited_for_core"}),
        (10.0, 5.0, 0.0, {"stood_still"}),
        (10.0, 5.0, None, {"stood_still"}),
        (10.0, 4.0, 2.0, {"waited_for_core", "stood_still"}),
        (0.1, 0.06, 0.01, set()),
    ],
)
def test_what_is_lost_is_named(wall: float, thread: float, waited: float | None, codes: set[str]) -> None:
    spent = ProcessorTime(wall, thread, 2 * thread, None if waited is None else 3 * waited, waited)
    assert set(lost_time(spent, computes_here=True)) == codes
    assert "stood_still" not in lost_time(spent, computes_here=False)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_process_that_was_stopped_says_so() -> None:
    """Stopped by its parent for as long as the parent's clock says, which is the truth it has to find."""
    code = (
        "import sys, time\n"
        "from harness.timing.processor import processor_time, lost_time\n"
        "before = processor_time()\n"
        "print('begun', flush=True)\n"
        "while time.thread_time() < before.thread_s + 0.3: pass\n"
        "print(sorted(lost_time(processor_time().since(before), computes_here=True)))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    os.kill(child.pid, signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)
    before = processor_time()
    while processor_time().since(before).wall_s < 0.8:
        pass
    os.kill(child.pid, signal.SIGCONT)
    said, _ = child.communicate(timeout=60)
    assert "stood_still" in said


def test_a_kernel_that_does_not_count_waiting_is_no_error(tmp_path: Path) -> None:
    assert processor_time(tmp_path / "absent").waited_s is None
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "schedstat").write_text("0 0 0\n")
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "schedstat").write_text("5 2500000000 7\n")
    assert processor_time(tmp_path).waited_s == 2.5
