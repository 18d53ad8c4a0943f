"""trtexec of TensorRT 7 to 11: text of a run to ``TrtexecLog``."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import Any

from harness.parsing.failures import Failure, classify_cleaned
from harness.parsing.text import VALUE, Finding, clean, integer, not_understood, number
from harness.parsing.timing import Timing, check_timing
from harness.parsing.trtexec_sections import D2H, GPU, H2D, LATENCY, parse_blocks, parse_lists

FORMAT_BLOCKS = "TRT7 multi line"
FORMAT_LISTS = 'TRT8 "GPU Compute Time:" list'

_BANNER = re.compile(r"&&&& (RUNNING|PASSED|FAILED)(?:[ \t]+TensorRT\.trtexec)?([^\n]*)(\n?)")
_BANNER_VERSION = re.compile(r"\[TensorRT v([0-9][0-9.]*)\]")
_VERSION = re.compile(r"TensorRT version:[ \t]*([0-9]+(?:\.[0-9]+)+)(?=\s)")
_QPS = re.compile(rf"\bthroughput:\s*({VALUE})\s*qps", re.IGNORECASE)
_WALLTIME = re.compile(rf"\b(?:Total Host Walltime|walltime):\s*({VALUE})\s*s\b", re.IGNORECASE)
_COMPUTE_S = re.compile(rf"\btotal (?:GPU )?compute time:\s*({VALUE})\s*s\b", re.IGNORECASE)
_QUERIES = re.compile(r"Timing trace has ([0-9]+) queries over")
_WARNING = re.compile(r"\[W\]\s*\*\s*([^\n]+)")
_DEVICE = re.compile(r"Selected Device:[ \t]*([^\n]+)\n")
_SETTING = re.compile(
    r"\[I\][ \t]*(Batch|Max batch|Precision|Iterations|Duration|Streams|Inference Streams|ExposeDMA|Data transfers"
    r"|Spin-wait|Multithreading|CUDA Graph|Separate profiling|Percentiles?|Averages|Input inference shapes?"
    r"|Compute Capability|SMs|Device Global Memory|Memory Pools)[ \t]*:[ \t]*([^\n]*)\n"
)
_REL_TOLERANCE = 1e-5  # trtexec prints six digits


@dataclass(frozen=True, slots=True)
class TrtexecLog:
    """What one log of trtexec says.

    Attributes:
        format: ``FORMAT_BLOCKS`` (TensorRT 7), ``FORMAT_LISTS`` (8 and later), None without timings.
        timings: the sections in their order, named ``gpu_compute latency enqueue h2d d2h end_to_end``.
        throughput_qps: queries, that is batches, a second; 0 in TensorRT 7 with an explicit batch, where it is not
            measured.
        total_compute_s: sum of the compute times in seconds.
        walltime_s: host seconds from the first query to the last.
        query_count: number of timed queries.
        version: such as ``8.6.1``; TensorRT 7 does not print it.
        flags: the command line after ``#`` in the banner, split as a shell would.
        settings: what the log's option and device sections say, by the tool's labels: defaults changed between
            versions.
        device: name of the GPU.
        status: ``passed``, ``failed``, ``running`` (the log ends before), None without a banner.
        warnings: the tool's own warnings on its numbers.
        failure: how it failed, as far as the text alone tells.
        findings: contradictions and remarks.

    """

    format: str | None
    timings: tuple[Timing, ...]
    throughput_qps: float | None
    total_compute_s: float | None
    walltime_s: float | None
    query_count: int | None
    version: str | None
    flags: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    device: str | None
    status: str | None
    warnings: tuple[str, ...]
    failure: Failure | None
    findings: tuple[Finding, ...]

    def timing(self, name: str) -> Timing | None:
        """The first section of that name, or None."""
        return next((timing for timing in self.timings if timing.name == name), None)


def parse(text: str) -> TrtexecLog:
    """What a log of trtexec, or an excerpt of one, says.

    Raises:
        ParseError: nothing of trtexec was recognised.

    """
    cleaned = clean(text)
    lists, findings = parse_lists(cleaned)
    blocks, more = parse_blocks(cleaned)
    findings += more
    timings = [*lists, *blocks]
    banners = list(_BANNER.finditer(cleaned))
    status = _status([banner[1] for banner in banners])
    has_result = status == "passed" or (status != "failed" and bool(timings))
    failure = None if has_result else classify_cleaned(cleaned, None)
    settings = dict(_SETTING.findall(cleaned))
    device = _DEVICE.search(cleaned)
    log = TrtexecLog(
        FORMAT_LISTS if lists else FORMAT_BLOCKS if blocks else None,
        tuple(timings),
        _first(_QPS, cleaned),
        _first(_COMPUTE_S, cleaned),
        _first(_WALLTIME, cleaned),
        next((integer(found[1]) for found in _QUERIES.finditer(cleaned)), None),
        _version(cleaned, [banner[2] for banner in banners]),
        _flags([banner[2] + banner[3] for banner in banners]),
        tuple((key, value.strip()) for key, value in settings.items()),
        device[1].strip() if device else None,
        status,
        tuple(found[1].strip() for found in _WARNING.finditer(cleaned)),
        failure,
        (),
    )
    if not (timings or banners or log.throughput_qps is not None or log.version or failure or findings):
        raise not_understood(
            "trtexec", cleaned, "`GPU Compute Time: min = ...`, a TensorRT 7 `GPU Compute` block or its banner"
        )
    return _with_findings(log, findings)


def _with_findings(log: TrtexecLog, findings: list[Finding]) -> TrtexecLog:
    for timing in log.timings:
        findings += check_timing(timing, _REL_TOLERANCE)
    parts = [log.timing(name) for name in (H2D, GPU, D2H, LATENCY)]
    means = [part.mean_ms for part in parts if part is not None and part.mean_ms is not None]
    if len(means) == 4 and abs(sum(means[:3]) - means[3]) > 0.01 * means[3]:
        message = f"mean latency {means[3]:g} ms is not H2D + compute + D2H = {sum(means[:3]):g} ms"
        findings.append(Finding("latency_not_sum", message, "remark"))
    for name in dict.fromkeys(timing.name for timing in log.timings):
        count = sum(timing.name == name for timing in log.timings)
        if count > 1:
            findings.append(
                Finding("several_runs", f"{count} sections {name}: several runs in one log, the first is reported")
            )
    if log.throughput_qps == 0:
        message = "TensorRT 7 prints 0 qps with an explicit batch: not measured"
        findings.append(Finding("throughput_zero", message, "remark"))
    findings += [Finding("tool_warning", warning, "remark") for warning in log.warnings]
    return replace(log, findings=tuple(findings))


def _first(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return number(found[1]) if found else None


def _status(words: list[str]) -> str | None:
    for word in ("FAILED", "PASSED", "RUNNING"):
        if word in words:
            return word.lower()
    return None


def _version(text: str, banners: list[str]) -> str | None:
    """The version: dotted in an option section, packed in the banner (v8601 is 8.6.1, v100300 is 10.3.0)."""
    found = _VERSION.search(text)
    if found is not None:
        return found[1]
    packed = next((match[1] for banner in banners if (match := _BANNER_VERSION.search(banner))), None)
    if packed is None or "." in packed:
        return packed
    if len(packed) in (4, 6):
        major, minor, patch = packed[:-4] or packed[0], packed[-4:-2], packed[-2:]
        if len(packed) == 4:
            major, minor = packed[0], packed[1]
        return f"{int(major)}.{int(minor)}.{int(patch)}"
    return packed


def _flags(banners: list[str]) -> tuple[str, ...]:
    """The arguments of the command that a banner states after ``#``; the last word of a cut banner is left out."""
    command = next((banner.split("#", 1)[1] for banner in banners if "#" in banner), "")
    if not command.endswith("\n"):
        command = command.rpartition(" ")[0]
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return tuple(words[1:])


def to_json(log: TrtexecLog) -> dict[str, Any]:
    """The log as JSON values; at the top those of compute: ``min max mean median p99``, and ``qps latency_mean`` ..."""
    compute, latency = log.timing(GPU), log.timing(LATENCY)
    out: dict[str, Any] = compute.to_json() if compute else {}
    optional = {
        "format": log.format,
        "qps": log.throughput_qps,
        "latency_mean": latency.mean_ms if latency else None,
        "total_compute_s": log.total_compute_s,
        "walltime_s": log.walltime_s,
        "queries": log.query_count,
        "version": log.version,
        "flags": list(log.flags) or None,
        "settings": dict(log.settings) or None,
        "device": log.device,
        "status": log.status,
    }
    out.update({key: value for key, value in optional.items() if value is not None})
    sections: dict[str, dict[str, float]] = {}
    for timing in log.timings:
        sections.setdefault(timing.name, timing.to_json())
    if sections:
        out["sections"] = sections
    if log.failure is not None:
        out["failure"] = log.failure.to_json()
    out["findings"] = [finding.to_json() for finding in log.findings]
    return out
