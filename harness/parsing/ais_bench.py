"""ais_bench (ais_infer, msit benchmark), G0 to G6: text of a run, or its summary JSON, to ``AisBenchLog``."""

from __future__ import annotations

import re
from dataclasses import replace

from harness.parsing.ais_bench_json import to_json
from harness.parsing.ais_bench_legacy import LegacyThroughput, parse_legacy
from harness.parsing.ais_bench_lines import COMPUTE, Throughput, parse_throughputs, parse_timings
from harness.parsing.ais_bench_log import AisBenchLog
from harness.parsing.ais_bench_runs import (
    parse_detected_batchsizes,
    parse_devices,
    parse_energies,
    parse_file_batches,
    parse_output_axis,
    parse_ranges,
    parse_size_mismatch,
)
from harness.parsing.ais_bench_summary import parse_summary
from harness.parsing.codes import parse_codes
from harness.parsing.failures import classify_cleaned
from harness.parsing.text import Finding, clean, not_understood
from harness.parsing.timing import dyadic_step_ms

__all__ = ["AisBenchLog", "parse", "to_json"]

_LOADED = re.compile(r"(?<!un)load model (?!from)(\S+) success")
_UNLOADED = re.compile(r"unload model success")
_OLD_RUNTIME = re.compile(r"\[WARNING\] aclruntime version:(\S+) is lower[^\n]*")
_IMPORT = re.compile(
    r"^[ \t]*((?:import|from) [^\n]{1,200})\n[ \t]*(?:ImportError|ModuleNotFoundError|OSError)", re.MULTILINE
)


def parse(text: str) -> AisBenchLog:
    """What a log of ais_bench, its summary JSON, or an excerpt of either says.

    Raises:
        ParseError: nothing of ais_bench was recognised.

    """
    cleaned = clean(text)
    timings, findings = parse_timings(cleaned)
    throughputs, more = parse_throughputs(cleaned, timings)
    findings += more
    summary, more = parse_summary(cleaned)
    findings += more
    devices, more = parse_devices(cleaned, throughputs)
    findings += more
    ranges, more = parse_ranges(cleaned)
    findings += more
    energies, more = parse_energies(cleaned)
    findings += more
    legacy, more = parse_legacy(cleaned)
    findings += more
    old_runtime, failed_import = _OLD_RUNTIME.search(cleaned), _IMPORT.search(cleaned)
    log = AisBenchLog(
        _generation(throughputs, legacy),
        tuple(timings),
        tuple(throughputs),
        summary,
        devices,
        tuple(ranges),
        tuple(energies),
        tuple(legacy),
        tuple(parse_detected_batchsizes(cleaned)),
        tuple(parse_file_batches(cleaned)),
        parse_size_mismatch(cleaned),
        parse_output_axis(cleaned),
        len(_LOADED.findall(cleaned)),
        len(_UNLOADED.findall(cleaned)),
        old_runtime[1] if old_runtime else None,
        failed_import[1].strip() if failed_import else None,
        parse_codes(cleaned),
        classify_cleaned(cleaned, None),
        (),
    )
    if not _understood(log):
        raise not_understood(
            "ais_bench", cleaned, "timing lines, a throughput line, its summary JSON, or an error of it"
        )
    findings += _check_run(log)
    return replace(log, findings=tuple(findings))


def _generation(throughputs: list[Throughput], legacy: list[LegacyThroughput]) -> str | None:
    generations = {line.generation for line in throughputs} | ({"G0"} if legacy else set())
    if len(generations) > 1:
        return "mixed"
    return next(iter(generations), None)


def _understood(log: AisBenchLog) -> bool:
    numbers = (
        log.timings,
        log.throughputs,
        log.ranges,
        log.energies,
        log.legacy,
        log.detected_batchsizes,
        log.file_batches,
    )
    return bool(
        any(numbers)
        or log.summary
        or log.devices
        or log.sizes
        or log.loads
        or log.unloads
        or log.old_runtime
        or log.failure
    )


def _check_run(log: AisBenchLog) -> list[Finding]:
    """What the lines together say: a run without its end, a mean that no line has, times finer than the stamps."""
    findings = []
    if log.loads > log.unloads and (log.timings or log.throughputs):
        message = f"{log.loads} model(s) loaded, {log.unloads} reported as unloaded: the run did not reach its end"
        findings.append(Finding("unload_missing", message))
    means = {timing.mean_ms for timing in log.timings_of(COMPUTE)}
    if means and None not in means:
        findings += [
            Finding("mean_unknown", f"the throughput line's mean {line.mean_ms!r} ms is that of no compute line")
            for line in log.throughputs
            if line.mean_ms is not None and line.mean_ms not in means
        ]
    for timing in log.timings_of(COMPUTE):
        values = tuple(value for value in (timing.min_ms, timing.max_ms, timing.median_ms) if value is not None)
        step = dyadic_step_ms(values) if len(values) == 3 else None
        if step is not None:
            message = f"{timing.name}: min, max and median are multiples of {step:g} ms (float32 stamps); use the mean"
            findings.append(Finding("quantised", message, "remark"))
    if log.old_runtime:
        message = f"aclruntime {log.old_runtime} is older than ais_bench: install both from one release"
        findings.append(Finding("old_runtime", message, "remark"))
    return findings
