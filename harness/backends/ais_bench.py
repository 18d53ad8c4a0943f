"""Runs ais_bench as a user would, and reads what it measured: its raw list, its statistics, its throughput.

One run is one process. Inputs are files of seeded values, never ais_bench's own zeros or random bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.backends.protocol import Array
from harness.backends.tool_errors import explained
from harness.backends.workplace import LEGAL, OTHERS_WRITE, run_tool
from harness.errors import HarnessError
from harness.interpreter import python_environment
from harness.parsing.ais_bench import AisBenchLog, parse
from harness.parsing.ais_bench_lines import COMPUTE, D2H, H2D
from harness.parsing.ais_bench_summary import AisBenchSummary
from harness.parsing.text import Finding, ParseError

BOUNDARIES = {"compute": COMPUTE, "h2d": H2D, "d2h": D2H}
"""The harness's names of what ais_bench times."""
THROUGHPUT = re.compile(r"throughput (?:\(1000|1000)\*")
REL_TOLERANCE = 1e-6
"""How far the printed throughput may lie from 1000 * batchsize / mean (ASCEND.md, section j.5)."""


@dataclass(frozen=True)
class Run:
    """What one run measured.

    ``times_ms`` are the compute times of the iterations, one value (the mean) where this generation of ais_bench lists
    none; ``means_ms`` the means by boundary; ``findings`` what contradicts itself.
    """

    command: tuple[str, ...]
    times_ms: tuple[float, ...]
    means_ms: Mapping[str, float]
    counts: Mapping[str, int]
    samples_per_s: float | None
    generation: str | None
    findings: tuple[Finding, ...]


def write_inputs(inputs: Mapping[str, Array], folder: Path) -> list[Path]:
    """Write each input as a file of its raw bytes, in C order; names that ais_bench accepts, in the inputs' order."""
    files = []
    for index, array in enumerate(inputs.values()):
        file = folder / f"input{index}.bin"
        array.tofile(file)
        files.append(file)
    return files


def run_ais_bench(
    python: str,
    model: Path,
    files: Sequence[Path],
    folder: Path,
    environment: Mapping[str, str],
    *,
    loop: int,
    warmup: int,
    batchsize: int,
    device_id: int,
) -> Run:
    """Measure once; what ais_bench prints goes to this process's standard output as well.

    Raises:
        OutOfMemoryError, UnsupportedError, HarnessError: as ais_bench's own words say; with reason and hint.
    """
    output, name = folder / "out", f"run{loop}"
    output.mkdir(mode=0o755, exist_ok=True)
    command = [python, "-m", "ais_bench", "--model", str(model), "--input", ",".join(map(str, files))]
    command += ["--output", str(output), "--output_dirname", name, "--outfmt", "BIN", "--loop", str(loop)]
    command += ["--warmup_count", str(warmup), "--batchsize", str(batchsize), "--device", str(device_id)]
    command += ["--display_all_summary", "1"]
    text, status = printed(command, folder, environment)
    try:
        log = parse(text)
    except ParseError:
        log = None
    summary = _summary(output, name)
    failure = log.failure if log is not None else None
    if status != 0 or log is None or failure is not None or not (log.throughputs or summary):
        raise explained("ais_bench", text, status, f"it ended with status {status} and printed no throughput")
    return _read(log, summary, command, batchsize)


def infer_files(
    python: str,
    model: Path,
    inputs: Path,
    outputs: Path,
    environment: Mapping[str, str],
    *,
    batchsize: int,
    device_ids: Sequence[int],
) -> None:
    """Infer a folder of ``.bin`` files into ``outputs``, as the seeds do for accuracy.

    With several devices each gets a share of the files, and a folder of its own below ``outputs``.

    Raises:
        HarnessError: the folder's path is none that ais_bench accepts, or ais_bench failed; with reason and hint.
    """
    real = inputs.resolve()
    if not LEGAL.fullmatch(str(real)):
        raise HarnessError(
            f"evaluate.mode=files: {real} has characters that ais_bench refuses (it takes A-Z a-z 0-9 _ - / .); "
            "give evaluate.folder=FOLDER with such a path",
            reason="path_refused",
        )
    outputs.mkdir(parents=True, exist_ok=True)
    for path in (real, outputs.resolve(), outputs.resolve().parent, *real.iterdir()):
        path.chmod(path.stat().st_mode & ~OTHERS_WRITE)
    command = [python, "-m", "ais_bench", "--model", str(model), "--input", str(real), "--outfmt", "BIN"]
    command += ["--output", str(outputs.resolve().parent), "--output_dirname", outputs.name]
    command += ["--batchsize", str(batchsize), "--device", ",".join(map(str, device_ids))]
    command += ["--divide_input", "1"] if len(device_ids) > 1 else []
    text, status = printed(command, real.parent, environment)
    if status != 0 or not THROUGHPUT.search(text):
        raise explained("ais_bench", text, status, f"it ended with status {status} and did not infer the files")


def run_profiler(
    python: str,
    model: Path,
    files: Sequence[Path],
    folder: Path,
    environment: Mapping[str, str],
    *,
    device_id: int,
) -> None:
    """Run once under msprof, which leaves its files in ``<folder>/out/profiler``.

    ais_bench's status says nothing here: it returns 0 whatever msprof did (ASCEND.md, section a.5).

    Raises:
        HarnessError: ais_bench failed, or there is no trace; with reason and hint.
    """
    output = folder / "out"
    output.mkdir(mode=0o755, exist_ok=True)
    command = [python, "-m", "ais_bench", "--model", str(model), "--input", ",".join(map(str, files))]
    command += ["--output", str(output), "--profiler", "1", "--loop", "1", "--device", str(device_id)]
    text, status = printed(command, folder, environment)
    if status != 0 or not any((output / "profiler").rglob("*.csv")):
        raise explained(
            "ais_bench", text, status, "it left no trace; is msprof, which comes with the toolkit, on PATH?"
        )


def printed(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[str, int]:
    """What a command prints, shown on this process's standard output too, and its exit status."""
    print(f"$ {' '.join(command)}", flush=True)
    text, status = run_tool(command, folder, python_environment(environment))
    sys.stdout.write(text)
    sys.stdout.flush()
    return text, status


def _summary(output: Path, name: str) -> AisBenchSummary | None:
    """The summary file, beside the output folder from G3 on and inside it (and misspelt) before."""
    for file in (output / f"{name}_summary.json", output / name / "sumary.json"):
        if file.is_file():
            try:
                return parse(file.read_text(encoding="utf-8", errors="replace")).summary
            except ParseError:
                continue
    return None


def _read(log: AisBenchLog, summary: AisBenchSummary | None, command: Sequence[str], batchsize: int) -> Run:
    means: dict[str, float] = {}
    counts: dict[str, int] = {}
    for boundary, name in BOUNDARIES.items():
        printed_line = next(iter(log.timings_of(name)), None)
        timing = (summary.timing(name) if summary else None) or printed_line
        if timing is not None and timing.mean_ms:
            means[boundary] = timing.mean_ms
            counts[boundary] = timing.count or 1
    times = summary.compute_ms if summary and summary.compute_ms else ()
    mean = means.get("compute")
    if not times and mean is None:
        raise HarnessError("ais_bench: it printed no compute time", reason="no_result")
    throughput = next((line.samples_per_s for line in log.throughputs), None)
    throughput = summary.samples_per_s if throughput is None and summary else throughput
    compute = sum(times) / len(times) if times else mean or 0.0
    means["compute"] = compute
    if {"h2d", "d2h"} <= means.keys():
        means["end_to_end"] = means["h2d"] + compute + means["d2h"]
    findings = [finding for finding in log.findings if finding.level == "problem"]
    findings += _checked(throughput, batchsize, compute, [finding.code for finding in findings])
    return Run(
        tuple(command),
        tuple(times) or (compute,),
        means,
        counts,
        throughput,
        log.generation,
        tuple(findings),
    )


def _checked(throughput: float | None, batchsize: int, mean_ms: float, known: Sequence[str]) -> list[Finding]:
    """The printed throughput against the raw list; what the log's own lines contradict is found already."""
    expected = 1000 * batchsize / mean_ms if mean_ms else 0.0
    if throughput is None or "throughput_mismatch" in known or abs(throughput - expected) <= REL_TOLERANCE * expected:
        return []
    words = f"ais_bench printed {throughput:g} samples/s, its iterations make {expected:g} (1000 * {batchsize} / mean)"
    return [Finding("throughput_mismatch", words)]
