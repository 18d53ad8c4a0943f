"""How a step ended, decided from its process, its result file and its last words; and what the sweep returns."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.schema import Outcome
from harness.sweep.outcome import (
    decide,
    exception_line,
    log_tail,
    parse_result,
    step_outcome,
)
from harness.sweep.process import ChildExit, run_child
from tests.sweep.children import python

WELL = ChildExit(started="2026-01-01T00:00:00.000+00:00", timeout_s=60.0, exit_status=0)
BADLY = replace(WELL, exit_status=1)
KILLED = replace(WELL, exit_status=None, signal=signal.SIGKILL)


def written(status: str = "ok", **outcome: Any) -> bytes:
    content = {"outcome": {"status": status, **outcome}, "artifacts": {}, "info": {"a": 1}, "peak_memory_bytes": 5}
    return json.dumps(content).encode()


def traceback(last_line: str) -> str:
    return f'starting\nTraceback (most recent call last):\n  File "x.py", line 1, in <module>\n    go()\n{last_line}\n'


def test_a_result_that_says_ok_is_believed() -> None:
    assert step_outcome(WELL, written(), "noise", "export") == Outcome(status="ok", stage="export")


def test_a_result_that_says_failed_is_believed_word_for_word() -> None:
    said = Outcome(status="failed", stage="parity", reason="parity_broken", message="cosine 0.2", hint="look at it")
    text = written("failed", stage="parity", reason="parity_broken", message="cosine 0.2", hint="look at it")
    assert step_outcome(BADLY, text, traceback("MemoryError"), "parity") == said


@pytest.mark.parametrize(
    ("child", "how"),
    [
        (replace(WELL, exit_status=None, signal=signal.SIGSEGV), "SIGSEGV"),
        (replace(WELL, exit_status=None, signal=signal.SIGTERM, timed_out=True), "SIGTERM"),
        (replace(WELL, exit_status=3), "exit status 3"),
    ],
)
def test_a_death_after_a_complete_result_costs_nothing_but_is_told(child: ChildExit, how: str) -> None:
    outcome = step_outcome(child, written(), "", "measure")
    assert (outcome.status, outcome.reason) == ("ok", "died_after_result")
    assert how in str(outcome.message)


def test_an_exit_with_status_0_before_the_result_is_a_crash() -> None:
    outcome = step_outcome(WELL, None, "", "measure")
    assert (outcome.status, outcome.reason, outcome.stage) == ("crashed", "no_result", "measure")
    assert outcome.message == "the process exited with status 0 before it wrote a result"


def test_an_exception_is_told_by_its_line() -> None:
    outcome = step_outcome(BADLY, None, traceback("ValueError: 3 channels wanted, got 4"), "export")
    assert (outcome.status, outcome.reason) == ("failed", "exception")
    assert outcome.message == "ValueError: 3 channels wanted, got 4"


def test_a_status_without_a_traceback_is_told_with_the_last_line() -> None:
    outcome = step_outcome(replace(WELL, exit_status=4), None, "one\nusage: atc\n\n", "convert")
    assert (outcome.status, outcome.reason) == ("failed", "exit_status")
    assert outcome.message == "the process exited with status 4; its last line: usage: atc"


def test_sigkill_is_want_of_memory_only_where_the_kernel_says_so() -> None:
    kernel = step_outcome(replace(KILLED, oom_killed=True, memory_limit_bytes=6_000_000_000), None, "", "measure")
    assert (kernel.status, kernel.reason) == ("oom", "oom_killed")
    assert "6.0 GB (limits.memory_gb)" in str(kernel.hint)
    somebody = step_outcome(KILLED, None, "", "measure")
    assert (somebody.status, somebody.reason, somebody.message) == (
        "crashed",
        "sigkill",
        "killed by SIGKILL",
    )


def test_other_signals_are_crashes_with_their_name() -> None:
    tail = "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):\n"
    outcome = step_outcome(replace(KILLED, signal=signal.SIGSEGV), None, tail, "simplify")
    assert (outcome.status, outcome.reason, outcome.message) == ("crashed", "killed_by_signal", "killed by SIGSEGV")
    assert outcome.hint == "its log shows where every thread stood"
    assert step_outcome(replace(KILLED, signal=63), None, "", "simplify").message == "killed by signal 63"


def test_a_timeout_names_the_limit_and_the_override_that_raises_it() -> None:
    child = replace(KILLED, signal=signal.SIGTERM, timed_out=True, timeout_s=1800.0)
    outcome = step_outcome(child, None, "MemoryError", "export")
    assert (outcome.status, outcome.reason) == ("timeout", "time_limit")
    assert outcome.message == "still running after 1800 s; stopped"
    assert outcome.hint == "allow more time with limits.export_s=3600"


HOST_TEXTS = [  # collected from Python 3.11, numpy 2.4, torch 2.13 and ONNX Runtime 1.31 under RLIMIT_DATA
    "MemoryError",
    "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB for an array with shape (1073741824,)",
    (
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 4294967296 bytes. Error code 12 (Cannot allocate memory)"
    ),
    (
        "onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException: [ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : "
        "Non-zero status code returned while running Expand node. Name:'' Status Message: std::bad_alloc"
    ),
    (
        "onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code "
        "returned while running Expand node. Name: Status Message: bfc_arena.cc:360 void* AllocateRawInternal(bool, "
        "onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 4294967296"
    ),
    "OSError: [Errno 12] Cannot allocate memory",
    "RuntimeError: bad allocation",
]
DEVICE_TEXTS = [
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 14.58 GiB",
    "RuntimeError: CUDA error: out of memory",
    "RuntimeException: CUDA failure 2: out of memory ; GPU=0 ; hostname=t4",
]


@pytest.mark.parametrize("text", HOST_TEXTS)
def test_want_of_host_memory_is_oom_in_log_and_result(text: str) -> None:
    assert [o.status for o in _both(text)] == ["oom", "oom"]
    assert [o.reason for o in _both(text)] == ["host_out_of_memory"] * 2
    assert all(text[:40] in str(outcome.message) for outcome in _both(text))


@pytest.mark.parametrize("text", DEVICE_TEXTS)
def test_want_of_device_memory_is_oom_too(text: str) -> None:
    assert [(o.status, o.reason) for o in _both(text)] == [("oom", "device_out_of_memory")] * 2


def _both(text: str) -> list[Outcome]:
    in_log = step_outcome(BADLY, None, traceback(text), "measure")
    return [in_log, step_outcome(BADLY, written("failed", reason="exception", message=text), "", "measure")]


def test_the_cause_of_a_reported_exception_may_stand_in_the_traceback_only() -> None:
    tail = (
        traceback("MemoryError") + "\nDuring handling of the above exception:\n\n" + traceback("RuntimeError: export")
    )
    outcome = step_outcome(BADLY, written("failed", reason="exception", message="RuntimeError: export"), tail, "export")
    assert (outcome.status, outcome.reason, outcome.message) == ("oom", "host_out_of_memory", "RuntimeError: export")


def test_a_warning_before_an_unrelated_exception_is_not_its_cause() -> None:
    tail = "warning: Failed to allocate memory in the arena, using the heap\n" + traceback("KeyError: 'input'")
    assert step_outcome(BADLY, None, tail, "measure").status == "failed"
    assert step_outcome(BADLY, written("failed", reason="exception", message="KeyError"), tail, "measure").status == (
        "failed"
    )


def test_an_abort_of_cpp_for_want_of_memory_is_oom() -> None:
    tail = "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n"
    outcome = step_outcome(replace(KILLED, signal=signal.SIGABRT), None, tail, "convert")
    assert (outcome.status, outcome.reason) == ("oom", "host_out_of_memory")


def test_a_full_disk_is_named_with_the_file_that_did_not_fit() -> None:
    line = "OSError: [Errno 28] No space left on device: '/data/store/model.onnx'"
    for outcome in _both(line):
        assert (outcome.status, outcome.reason) == ("failed", "disk_full")
        assert str(outcome.hint).startswith("/data/store/model.onnx did not fit")
        assert "HARNESS_HOME" in str(outcome.hint)


@pytest.mark.parametrize("number", [None, signal.SIGBUS])
def test_a_disk_so_full_that_nothing_could_be_said_is_a_full_disk(number: int | None) -> None:
    child = replace(WELL, exit_status=None if number else 1, signal=number, disk_full=True)
    for text in (None, b'{"outcome": {"sta'):
        outcome = step_outcome(child, text, "Traceb", "export")
        assert (outcome.status, outcome.reason) == ("failed", "disk_full")


def test_a_process_that_was_never_started_failed() -> None:
    child = replace(WELL, exit_status=None, start_error="No such file or directory: atc")
    outcome = step_outcome(child, None, "", "convert")
    assert (outcome.status, outcome.reason) == ("failed", "not_started")
    assert "atc" in str(outcome.message)
    full = replace(child, start_error="No space left on device: a.log", disk_full=True)
    assert step_outcome(full, None, "", "convert").reason == "disk_full"


def test_a_process_that_cannot_be_killed_is_a_crash() -> None:
    assert step_outcome(replace(WELL, exit_status=None), None, "", "measure").reason == "end_unknown"


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"outcome": {"status": "fine"}}', b"\xff\xfe", b"[]", b'{"outcome": null}']
)
def test_a_damaged_result_is_a_crash(text: bytes) -> None:
    outcome = step_outcome(WELL, text, "", "measure")
    assert (outcome.status, outcome.reason) == ("crashed", "bad_result")


def test_what_the_user_stopped_is_cancelled() -> None:
    outcome = step_outcome(replace(KILLED, cancelled=True), None, "", "measure")
    assert (outcome.status, outcome.reason) == ("cancelled", "interrupted")


ENDS = st.builds(
    ChildExit,
    started=st.just(WELL.started),
    timeout_s=st.floats(0.1, 1e6),
    exit_status=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    timed_out=st.booleans(),
    cancelled=st.booleans(),
    oom_killed=st.booleans(),
    disk_full=st.booleans(),
    start_error=st.none() | st.text(max_size=20),
)
RESULTS = st.none() | st.binary(max_size=50) | st.sampled_from([written(), written("failed", reason="exception")])


@given(ENDS, RESULTS, st.text(max_size=300), st.sampled_from(["export", "measure"]))
def test_every_end_has_an_outcome_and_only_a_result_makes_it_ok(
    child: ChildExit, text: bytes | None, tail: str, stage: str
) -> None:
    outcome = step_outcome(child, text, tail, stage)
    assert outcome.stage == stage
    assert "\n" not in str(outcome.message)
    if outcome.status == "ok":
        result = parse_result(text or b"")
        assert result is not None
        assert result.outcome.status == "ok"
    else:
        assert outcome.reason


def test_the_line_of_the_last_traceback() -> None:
    assert exception_line(traceback("ValueError: a\n  b") + "and a warning afterwards\n") == "ValueError: a"
    assert exception_line("") is None
    assert exception_line("Traceback (most recent call last):\n  cut") == "cut"


def test_a_logs_tail_is_its_end_without_colours(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 200_000 + b"\n50%\r100%\n\x1b[31mred\x1b[0m \xff\n")
    assert log_tail(log).splitlines()[-3:] == ["50%", "100%", "red \ufffd"]
    assert len(log_tail(log)) < 70_000
    assert log_tail(tmp_path / "absent") == ""
    assert log_tail(Path("/dev/zero")) == ""


def test_a_step_keeps_what_its_process_found_out_and_the_larger_peak(tmp_path: Path) -> None:
    result_file = tmp_path / "result.json"
    result_file.write_bytes(written())
    result = decide(replace(WELL, peak_memory_bytes=3), result_file, tmp_path / "log", "export")
    assert (result.outcome.status, result.info, result.peak_memory_bytes) == ("ok", {"a": 1}, 5)
    nothing = decide(replace(KILLED, peak_memory_bytes=9), tmp_path / "none", tmp_path / "log", "export")
    assert (nothing.outcome.status, nothing.artifacts, nothing.peak_memory_bytes) == ("crashed", {}, 9)


REAL = {
    "raise ValueError('no')": ("failed", "exception", "ValueError: no"),
    "import sys; sys.exit(0)": ("crashed", "no_result", "status 0"),
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": ("crashed", "sigkill", "SIGKILL"),
    "bytearray(2 << 30)": ("oom", "host_out_of_memory", "MemoryError"),
    "import signal; signal.pause()": ("timeout", "time_limit", "5 s"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_DATA")
@pytest.mark.parametrize("code", REAL)
def test_real_children_that_die(tmp_path: Path, code: str) -> None:
    log = tmp_path / "step.log"
    timeout_s = 5.0 if "pause" in code else 60.0
    child = run_child(python(code), log=log, timeout_s=timeout_s, memory_limit_bytes=500 << 20)
    outcome = decide(child, tmp_path / "result.json", log, "measure").outcome
    status, reason, words = REAL[code]
    assert (outcome.status, outcome.reason) == (status, reason)
    assert words in str(outcome.message)
