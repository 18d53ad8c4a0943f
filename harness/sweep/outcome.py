"""What a step's process amounts to: the ``Outcome``, decided from how it ended, what it wrote and its last words.

The order of belief: a complete result file, then the signal, then the log. Nothing here runs anything.
"""

from __future__ import annotations

import re
import signal
import stat
from dataclasses import replace
from pathlib import Path

from harness.files import FREE_SPACE
from harness.records.schema import Outcome, Status
from harness.stages.request import RESULT, Result
from harness.sweep.process import ChildExit

TAIL_BYTES = 64 * 1024
"""How much of a log's end is read for a cause."""
MESSAGE_LENGTH = 500
SIGKILLED = "sigkill"
"""The reason of a step that somebody's SIGKILL ended, which says nothing about the cell."""
_DEVICE_MEMORY = re.compile(
    r"(CUDA|GPU|HIP|NPU|device)[^\n]{0,80}out of memory|out of memory[^\n]{0,40}(GPU|device)"  # torch, CUDA runtime
    r"|cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED|torch\.(cuda\.)?OutOfMemoryError"
    r"|Requested amount of GPU memory",  # TensorRT
    re.IGNORECASE,
)
_HOST_MEMORY = re.compile(
    r"\b_?(Array)?MemoryError\b|std::bad_alloc|bad allocation"  # Python, numpy, C++ (ONNX Runtime without its arena)
    r"|DefaultCPUAllocator: (can't allocate|not enough) memory"  # torch
    r"|Failed to allocate memory"  # ONNX Runtime's arena
    r"|Cannot allocate memory|Out of memory",  # ENOMEM
    re.IGNORECASE,
)
_NO_ROOM = re.compile(
    r"No space left on device|Disk quota exceeded|\[Errno (28|122)\]"
    r"|\b\d+ requested and \d+ written\b"  # NumPy's tofile, which gives no errno
)
_QUOTED_PATH = re.compile(r"(?:No space left on device|Disk quota exceeded): '([^'\n]+)'")
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TRACEBACK = "Traceback (most recent call last)"
_STACKS = "most recent call first"  # what faulthandler prints


def decide(child: ChildExit, result_file: Path, log: Path, stage: str) -> Result:
    """The result of a step whose process has ended: its own where it is complete, with the outcome decided here.

    Never raises for what a child did or left; artifacts count only where the outcome is ok.
    """
    text, tail = _read(result_file), log_tail(log)
    result = parse_result(text) if text is not None else None
    outcome = step_outcome(child, text, tail, stage)
    peaks = [peak for peak in (child.peak_memory_bytes, result and result.peak_memory_bytes) if peak]
    return Result(
        outcome=outcome,
        artifacts=result.artifacts if result and outcome.status == "ok" else {},
        info=result.info if result else {},
        peak_memory_bytes=max(peaks, default=None),
    )


def parse_result(text: bytes) -> Result | None:
    """The result that a process wrote, or None if it is damaged or half written."""
    try:
        return RESULT.validate_json(text)
    except ValueError:
        return None


def step_outcome(child: ChildExit, text: bytes | None, tail: str, stage: str) -> Outcome:
    """Decide how a step ended from its process, the content of its result file (None: absent) and its log's end."""
    result = parse_result(text) if text is not None else None
    if child.cancelled:
        return _outcome("cancelled", stage, "interrupted", "stopped by the user before it was finished")
    if result is not None:
        return _reported(result.outcome, child, tail, stage)
    if child.timed_out:
        hint = f"allow more time with limits.{stage}_s={2 * child.timeout_s:g}{_stacks(tail)}"
        return _outcome("timeout", stage, "time_limit", f"still running after {child.timeout_s:g} s; stopped", hint)
    if child.start_error is not None:
        message = f"the process could not be started: {child.start_error}"
        if child.disk_full:
            return _outcome("failed", stage, "disk_full", message, FREE_SPACE)
        return _outcome("failed", stage, "not_started", message)
    if child.disk_full and child.exit_status != 0 and child.signal in {None, signal.SIGBUS}:
        return _disk_full(stage, exception_line(tail), tail)
    if child.signal is not None:
        return _signalled(child, tail, stage)
    if text is not None:
        message = f"the result file is damaged or half written ({len(text)} bytes)"
        return _outcome("crashed", stage, "bad_result", message)
    return _without_result(child, tail, stage)


def log_tail(log: Path) -> str:
    """The end of a log without terminal codes; empty if there is none. Only a regular file is read."""
    return _TERMINAL_CODES.sub("", (_read(log, TAIL_BYTES) or b"").decode(errors="replace")).replace("\r", "\n")


def exception_line(tail: str) -> str | None:
    """The exception that the last traceback in the text ends with, as one line; without a traceback the last line."""
    lines = [line.rstrip() for line in tail.splitlines() if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    if starts:
        after = (line for line in lines[starts[-1] + 1 :] if not line[0].isspace())
        return next(after, lines[-1].strip())
    return lines[-1].strip() if lines else None


def _reported(outcome: Outcome, child: ChildExit, tail: str, stage: str) -> Outcome:
    """The process's own word; a bare exception is looked at more closely, and a death after the result is mentioned."""
    if outcome.status == "ok":
        if child.exit_status == 0:
            return replace(outcome, stage=outcome.stage or stage)
        how = _signal_name(child.signal) if child.signal else f"exit status {child.exit_status}"
        words = f"the process ended with {how} after it had written its result"
        return replace(outcome, stage=outcome.stage or stage, reason="died_after_result", message=words)
    if outcome.status in {"failed", "crashed"} and outcome.reason in {None, "exception"}:
        cause = _cause(outcome.message or "", child, stage) or _cause(_from_traceback(tail), child, stage)
        if cause is not None:
            return replace(cause, message=outcome.message or cause.message)
    return replace(outcome, stage=outcome.stage or stage)


def _signalled(child: ChildExit, tail: str, stage: str) -> Outcome:
    """The outcome of a process that a signal ended and that left no result."""
    if child.signal == signal.SIGKILL:
        if child.oom_killed:
            message = "killed by the kernel because memory ran out"
            return _outcome("oom", stage, "oom_killed", message, _memory_hint(child))
        hint = "not by the harness and not by this kernel for want of memory: somebody, or a job scheduler's limit"
        return _outcome("crashed", stage, SIGKILLED, "killed by SIGKILL", hint)
    cause = _cause(tail, child, stage)
    if cause is not None and cause.status == "oom":
        return cause
    words = f"killed by {_signal_name(child.signal or 0)}"
    return _outcome("crashed", stage, "killed_by_signal", words, _stacks(tail).strip(" ;") or None)


def _without_result(child: ChildExit, tail: str, stage: str) -> Outcome:
    """The outcome of a process that ended by itself, or in a way unknown, and left no result."""
    if child.exit_status is None:
        message = "it could not be learnt how the process ended; it may hang in a driver"
        return _outcome("crashed", stage, "end_unknown", message)
    if child.exit_status == 0:
        return _outcome("crashed", stage, "no_result", "the process exited with status 0 before it wrote a result")
    cause = _cause(_from_traceback(tail) or tail, child, stage)
    if cause is not None:
        return cause
    line = exception_line(tail)
    if _TRACEBACK in tail and line:
        return _outcome("failed", stage, "exception", line)
    words = f"the process exited with status {child.exit_status}" + (f"; its last line: {line}" if line else "")
    return _outcome("failed", stage, "exit_status", words)


def _cause(text: str, child: ChildExit, stage: str) -> Outcome | None:
    """Want of memory or of disk space that an error text names, or None."""
    if found := _DEVICE_MEMORY.search(text):
        return _outcome("oom", stage, "device_out_of_memory", _line_of(text, found), "a smaller batchsize needs less")
    if found := _HOST_MEMORY.search(text):
        return _outcome("oom", stage, "host_out_of_memory", _line_of(text, found), _memory_hint(child))
    if found := _NO_ROOM.search(text):
        return _disk_full(stage, _line_of(text, found), text)
    return None


def _disk_full(stage: str, message: str | None, text: str) -> Outcome:
    path = _QUOTED_PATH.search(text)
    hint = f"{path[1]} did not fit: {FREE_SPACE}" if path else FREE_SPACE
    return _outcome("failed", stage, "disk_full", message or "no space left on device", hint)


def _memory_hint(child: ChildExit) -> str:
    limit = child.memory_limit_bytes
    bound = "" if limit is None else f"it was allowed {limit / 1e9:.1f} GB (limits.memory_gb); "
    return f"{bound}a smaller batchsize needs less"


def _line_of(text: str, found: re.Match[str]) -> str:
    """The whole line that holds a match."""
    start, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.end())
    return text[start : end if end >= 0 else None].strip()


def _from_traceback(tail: str) -> str:
    """The text from the first traceback on: warnings of things that went well in the end stand before it."""
    return tail[tail.find(_TRACEBACK) :] if _TRACEBACK in tail else ""


def _stacks(tail: str) -> str:
    return "; its log shows where every thread stood" if _STACKS in tail else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _outcome(status: Status, stage: str, reason: str, message: str, hint: str | None = None) -> Outcome:
    short = " ".join(message.split())
    short = short if len(short) <= MESSAGE_LENGTH else short[: MESSAGE_LENGTH - 3] + "..."
    return Outcome(status=status, stage=stage, reason=reason, message=short, hint=hint)


def _read(file: Path, at_most: int | None = None) -> bytes | None:
    """A regular file's bytes, of a long one only the last; None where there is no such file."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would block, /dev/zero never end
            return None
        with file.open("rb") as stream:
            stream.seek(max(0, status.st_size - at_most) if at_most else 0)
            return stream.read()
    except OSError:
        return None
