"""What one log of ais_bench says, as a dataclass."""

from __future__ import annotations

from dataclasses import dataclass

from harness.parsing.ais_bench_legacy import LegacyThroughput
from harness.parsing.ais_bench_lines import COMPUTE, Throughput
from harness.parsing.ais_bench_runs import Devices, FileBatch, ShapeRange
from harness.parsing.ais_bench_summary import AisBenchSummary
from harness.parsing.failures import Failure
from harness.parsing.text import Finding
from harness.parsing.timing import Timing


@dataclass(frozen=True, slots=True)
class AisBenchLog:
    """What one log of ais_bench says.

    Attributes:
        generation: ``G0``, ``G1``, ``G2-G3`` or ``G4+`` from the throughput line's wording; None without one,
            ``mixed`` with several.
        timings: the timing lines in their order: several of a name where several devices or shapes ran.
        throughputs: the throughput lines in their order.
        summary: the summary JSON, where the text is or holds one.
        devices: the multi-device part, None for a single device.
        ranges: the summaries of ``--dymShape_range`` runs.
        energies: pairs (NPU id as printed, joules).
        legacy: throughputs of G0.
        detected_batchsizes: what ais_bench took from the model where ``--batchsize`` was not given.
        file_batches: how input files were combined.
        sizes: (tensor bytes, file bytes) of an input that did not fit.
        output_axis: the axis to pass as ``--output_batchsize_axis`` where saving failed on axis 0.
        loads: number of models reported as loaded.
        unloads: number of models reported as unloaded; fewer than loads means that a run did not reach its end.
        old_runtime: the version that ais_bench warns of.
        failed_import: the import statement that failed.
        codes: all error codes, sorted.
        failure: how the run failed, as far as the text alone tells.
        findings: contradictions and remarks.

    """

    generation: str | None
    timings: tuple[Timing, ...]
    throughputs: tuple[Throughput, ...]
    summary: AisBenchSummary | None
    devices: Devices | None
    ranges: tuple[ShapeRange, ...]
    energies: tuple[tuple[str, float], ...]
    legacy: tuple[LegacyThroughput, ...]
    detected_batchsizes: tuple[int, ...]
    file_batches: tuple[FileBatch, ...]
    sizes: tuple[int, int] | None
    output_axis: int | None
    loads: int
    unloads: int
    old_runtime: str | None
    failed_import: str | None
    codes: tuple[str, ...]
    failure: Failure | None
    findings: tuple[Finding, ...]

    def timings_of(self, name: str) -> tuple[Timing, ...]:
        """The timing lines of that name (``NPU_compute_time``, ``H2D_latency``, ``D2H_latency``), in their order."""
        return tuple(timing for timing in self.timings if timing.name == name)

    def compute_of(self, throughput: Throughput) -> Timing | None:
        """The compute line that a throughput line was made from: the one with the same mean, to the last digit."""
        lines = self.timings_of(COMPUTE)
        if throughput.mean_ms is None:
            return lines[0] if len(lines) == 1 else None
        return next((timing for timing in lines if timing.mean_ms == throughput.mean_ms), None)
