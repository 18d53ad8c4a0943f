"""Runs trtexec as a user would, and reads what it measured: its raw times, its statistics, its options as printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.backends.protocol import Array
from harness.backends.tool_errors import explained
from harness.backends.trtexec_command import load_inputs, shown
from harness.backends.trtexec_tool import TrtexecTool
from harness.backends.workplace import run_tool
from harness.config.model import InputSettings
from harness.errors import HarnessError
from harness.parsing.text import Finding, ParseError
from harness.parsing.trtexec import TrtexecLog, parse
from harness.parsing.trtexec_bindings import Binding, parse_bindings
from harness.parsing.trtexec_sections import D2H, ENQUEUE, GPU, H2D, LATENCY
from harness.parsing.trtexec_times import TraceTimes, parse_times

BOUNDARIES = {"compute": GPU, "h2d": H2D, "d2h": D2H, "end_to_end": LATENCY, "enqueue": ENQUEUE}
"""The harness's names of what trtexec times; its ``Latency`` is H2D + compute + D2H of one query."""
REL_TOLERANCE = 1e-4
"""How far the printed mean, of six digits, may lie from that of the raw times."""


@dataclass(frozen=True)
class Run:
    """What one run measured: raw times in ms by boundary without the warm-up, the warm-up's compute times, the log.

    ``text`` is all that was printed, ``log`` what it says.
    """

    command: tuple[str, ...]
    text: str
    times_ms: Mapping[str, tuple[float, ...]]
    warmup_ms: tuple[float, ...]
    log: TrtexecLog
    findings: tuple[Finding, ...]


def run_trtexec(
    tool: TrtexecTool,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    log: Path | None = None,
    quiet: bool = False,
) -> tuple[str, TrtexecLog]:
    """Run to a good end in ``folder``; all that trtexec prints, and what that says.

    The text goes to standard output (where ``quiet``, only that of a bad end) and to the file ``log`` as well.

    Raises:
        OutOfMemoryError, UnsupportedError, HarnessError: as the tool's own words say; with reason and hint.
    """
    command = [tool.path, *arguments]
    text, status = run_tool(command, folder, environment)
    text = f"{shown(command)}\n{text}"
    try:
        parsed = parse(text)
    except ParseError:
        parsed = None
    if not quiet or parsed is None or parsed.status != "passed":
        sys.stdout.write(text)
        sys.stdout.flush()
    if log is not None:
        log.write_text(text, encoding="utf-8", errors="replace")
    if status != 0 or parsed is None or parsed.status != "passed":
        raise explained(_subject(arguments), text, status, f"it ended with status {status} and without &&&& PASSED")
    return text, parsed


def _subject(arguments: Sequence[str]) -> str:
    """What a failure is about: trtexec, and the engine that it was to load."""
    engine = next((word.partition("=")[2] for word in arguments if word.startswith("--loadEngine=")), None)
    return f"trtexec: {Path(engine).name}" if engine else "trtexec"


def write_inputs(inputs: Mapping[str, Array], folder: Path) -> dict[str, Path]:
    """Write each input as a file of its raw bytes in C order; the files by the inputs' names."""
    files = {}
    for index, (name, array) in enumerate(inputs.items()):
        files[name] = folder / f"input{index}.bin"
        array.tofile(files[name])
    return files


def measured(
    tool: TrtexecTool,
    engine: Path,
    flags: Sequence[str],
    inputs: Mapping[str, Array],
    *,
    folder: Path,
    environment: Mapping[str, str],
    iterations: int,
    warmup_ms: int,
) -> Run:
    """Load the engine and time it ``iterations`` times on these inputs, after ``warmup_ms`` of warming up.

    Raises:
        OutOfMemoryError, UnsupportedError, HarnessError: as ``run_trtexec``; the inputs are not those of the engine.
    """
    times = folder / "times.json"
    arguments = [f"--loadEngine={engine.resolve()}", f"--loadInputs={load_inputs(write_inputs(inputs, folder))}"]
    arguments += [f"--warmUp={warmup_ms}", "--duration=0", f"--iterations={iterations}", "--avgRuns=100"]
    arguments += [f"--exportTimes={times}", *flags]
    text, log = run_trtexec(tool, arguments, folder, environment)
    if bindings := parse_bindings(text):  # TensorRT 7 names none
        check_inputs(inputs, [each for each in bindings if each.is_input], ())
    try:
        raw = parse_times(times.read_text(encoding="utf-8"))
    except (OSError, ParseError) as error:
        words = f"trtexec: its raw times cannot be read ({' '.join(str(error).split())})"
        raise HarnessError(words, reason="no_result") from error
    series, warmup = _series(raw, log)
    findings = (*log.findings, *raw.findings, *_checked(series["compute"], log))
    return Run((tool.path, *arguments), text, series, warmup, log, findings)


def check_inputs(inputs: Mapping[str, Array], known: Sequence[Binding], specs: Sequence[InputSettings]) -> None:
    """Refuse arrays that are not what the engine takes: trtexec fills an input that it got none for with random values.

    Types are compared where the log or ``specs`` say them.

    Raises:
        HarnessError: an input is missing, unknown, or of another shape or dtype.
    """
    names = [each.name for each in known]
    if set(inputs) != set(names):
        raise HarnessError(f"inputs {sorted(inputs)}: the engine has {names}", reason="input_name_unknown")
    dtypes = {spec.name: spec.dtype for spec in specs}
    for each in known:
        given, dtype = inputs[each.name], each.dtype or dtypes.get(each.name)
        if tuple(given.shape) != each.shape or (dtype is not None and given.dtype != dtype):
            raise HarnessError(
                f"input {each.name}: {list(given.shape)} {given.dtype} was given, the engine takes "
                f"{list(each.shape)} {dtype or ''}".rstrip(),
                reason="input_size_mismatch",
            )


def _series(raw: TraceTimes, log: TrtexecLog) -> tuple[dict[str, tuple[float, ...]], tuple[float, ...]]:
    """The timed iterations by boundary, and the compute times of the warm-up, which versions before 8.5 list as well.

    Copies that were not done are left out: trtexec writes 0 for them.
    """
    count = len(raw.compute_ms)
    skip = max(0, count - log.query_count) if log.query_count else 0
    named = {
        "compute": raw.compute_ms,
        "h2d": raw.h2d_ms,
        "d2h": raw.d2h_ms,
        "end_to_end": raw.latency_ms,
        "enqueue": raw.enqueue_ms,
    }
    copied = any(raw.h2d_ms) or any(raw.d2h_ms)
    left_out = set() if copied else {"h2d", "d2h", "end_to_end"}
    series = {name: values[skip:] for name, values in named.items() if len(values) == count and name not in left_out}
    return series, raw.compute_ms[:skip]


def _checked(compute_ms: Sequence[float], log: TrtexecLog) -> list[Finding]:
    """The printed mean against the raw times: where they differ, one of them is not what it is taken for."""
    timing = log.timing(GPU)
    mean = sum(compute_ms) / len(compute_ms)
    if timing is None or timing.mean_ms is None or abs(timing.mean_ms - mean) <= REL_TOLERANCE * mean:
        return []
    words = f"trtexec printed a mean of {timing.mean_ms:g} ms, its raw times have {mean:g} ms"
    return [Finding("mean_mismatch", words)]
