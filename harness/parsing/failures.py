"""Which way a tool failed: outcome, reason code, the tool's own words and what to do, from its text and exit status."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.parsing.failure_rules import DEVICE, ENVIRONMENT, MEMORY, Rule
from harness.parsing.failure_rules_run import LAST, MODEL, RUN
from harness.parsing.failure_rules_tensorrt import TENSORRT
from harness.parsing.text import clean, excerpt

#: Causes stand at the beginning or the end of a log: of a long one only so many characters at either end are searched.
_SEARCHED_CHARS = 300_000
_MESSAGE_CHARS = 400

_SUCCESS = re.compile(r"ATC run success|&&&& PASSED|unload model success|end to finalize acl|ave_throughputRate:")
_PARTLY_FAILED = re.compile(
    r"multidevice run end qsize:[0-9]+ result:[1-9]|subprocess run failed error_callback|ATC run failed|&&&& FAILED"
)
_RANGE = re.compile(r"run_count:([0-9]+)\s+success_count:([0-9]+)\b")
_SIGNALS = {
    2: ("interrupted", "the run was interrupted from the keyboard"),
    4: ("illegal_instruction", "the binary is not for this processor: install the build for this architecture"),
    6: ("aborted", "the tool aborted itself: the last lines of its log say where"),
    7: ("bus_error", "a mapped file or shared memory is too small: check free space in /dev/shm and /tmp"),
    8: ("arithmetic_exception", "the tool divided by zero: check the model's shapes"),
    9: ("killed", "killed from outside, most often by the kernel when the host's memory ran out: see dmesg"),
    11: ("segmentation_fault", "the tool crashed: check that toolkit, driver and firmware fit each other"),
    15: ("terminated", "ended from outside with SIGTERM"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """How a tool failed.

    Attributes:
        outcome: ``oom failed unsupported timeout`` or ``crashed``.
        reason: snake_case code of the cause.
        message: the tool's own words, one line (or the exit status where it said nothing).
        hint: what the user can do, one line.
        category: what users call it: ``environment device memory model operator input execution usage`` ...

    """

    outcome: str
    reason: str
    message: str
    hint: str
    category: str

    def to_json(self) -> dict[str, str]:
        """The failure as JSON values."""
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "message": self.message,
            "hint": self.hint,
            "category": self.category,
        }


def classify(text: str, exit_status: int | None) -> Failure | None:
    """The failure that a log of atc, ais_bench, npu-smi or trtexec tells of, or None where it tells of none.

    Args:
        text: stdout and stderr together, as printed.
        exit_status: the process's status (negative or above 128: a signal; 124: ``timeout``); None where it is not
            known. Status 0 alone proves nothing: ais_bench returns it from ``--profiler`` and ``--dymShape_range``
            runs that failed.

    """
    return classify_cleaned(clean(text), exit_status)


def classify_cleaned(cleaned: str, exit_status: int | None) -> Failure | None:
    """As ``classify``, for text that ``clean`` has been through already."""
    if len(cleaned) > 2 * _SEARCHED_CHARS:
        cleaned = f"{cleaned[:_SEARCHED_CHARS]}\n{cleaned[-_SEARCHED_CHARS:]}"
    if exit_status == 124:
        return Failure(
            "timeout", "time_limit", _last_words(cleaned, 124), "raise the time limit or measure less", "execution"
        )
    if exit_status in (0, None) and _succeeded(cleaned):
        return None
    specific = _first(cleaned, (*MEMORY, *ENVIRONMENT, *TENSORRT, *DEVICE, *MODEL, *RUN))
    if specific is not None:
        return specific
    signal = _signal(exit_status)
    if signal in _SIGNALS:
        reason, hint = _SIGNALS[signal]
        return Failure("crashed", reason, _last_words(cleaned, exit_status), hint, "execution")
    return _first(cleaned, LAST) or _by_status(cleaned, exit_status)


def _succeeded(text: str) -> bool:
    """Whether the tool reports success and no part of the run reports failure."""
    if _PARTLY_FAILED.search(text):
        return False
    ranges = _RANGE.findall(text)
    if ranges:
        return all(run == success for run, success in ranges)
    return _SUCCESS.search(text) is not None


def _first(text: str, rules: tuple[Rule, ...]) -> Failure | None:
    for rule in rules:
        found = rule.pattern.search(text)
        if found is not None:
            message = _line_at(text, found.start(), found.end())
            return Failure(rule.outcome, rule.reason, message, rule.hint, rule.category)
    return None


def _line_at(text: str, start: int, end: int) -> str:
    """The line that a match stands on, without the blanks around it, cut to the match where it is very long."""
    while start < end and text[start].isspace():
        start += 1
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start : line_end if line_end >= 0 else len(text)].strip()
    if len(line) > _MESSAGE_CHARS:
        line = "..." + text[start : start + _MESSAGE_CHARS].split("\n", 1)[0].strip()
    return line


def _signal(exit_status: int | None) -> int | None:
    """The number of the signal that ended the process, in Python's (-9) or the shell's (137) spelling; None for 255."""
    if exit_status is None:
        return None
    if exit_status < 0:
        return -exit_status
    return exit_status - 128 if 128 < exit_status < 128 + 65 else None


def _by_status(text: str, exit_status: int | None) -> Failure | None:
    """The failure of a tool that said nothing recognisable; None where the status is 0 or unknown."""
    if exit_status in (0, None):
        return None
    message = _last_words(text, exit_status)
    if exit_status == 127:
        return Failure("failed", "tool_missing", message, "install the tool or put its folder on PATH", "environment")
    if exit_status == 126:
        return Failure("failed", "tool_not_executable", message, "make the tool executable (chmod +x)", "environment")
    if _signal(exit_status) is not None:
        return Failure("crashed", "signal", message, "the process was ended by a signal: see its log", "execution")
    return Failure("failed", "exit_status", message, "the log names no known cause: read it", "execution")


def _last_words(text: str, exit_status: int | None) -> str:
    last = next((line for line in reversed(text.split("\n")) if line.strip()), "")
    words = f", last line {excerpt(last)}" if last else ", nothing printed"
    return f"exit status {exit_status}{words}"
