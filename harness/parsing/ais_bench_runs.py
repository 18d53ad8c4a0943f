"""What an ais_bench log says beside its timings: devices, shape ranges, energy, input batching, saved outputs.

Formats: ``multidevice_run``, ``dymshape_range_run``, ``get_energy_consumption`` and ``io_oprations`` of ais_bench
0.0.1 and 0.0.2 (msit ``ait/components/benchmark``); G4 prints the device lines bare, later versions with ``[INFO]``
before them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.parsing.ais_bench_lines import Throughput
from harness.parsing.text import VALUE, Finding, cut_finding, integer, is_cut, number

_DEVICE = re.compile(
    rf"\bi:([0-9]+)\s+device_([0-9]+)\s+throughput:({VALUE})(?:\s+start_time:({VALUE})(?:\s+end_time:({VALUE}))?)?"
)
_DEVICES_END = re.compile(r"multidevice run end qsize:([0-9]+)\s+result:([0-9]+)")
_DEVICES_SUM = re.compile(rf"summary throughput:\s*({VALUE})")
_RANGE = re.compile(rf"run_count:([0-9]+)\s+success_count:([0-9]+)\s+avg_throughput:({VALUE})")
_SHAPE = re.compile(rf"dymshape:(\S+)\s+(?:bs:([0-9]+)\s+)?result:(\w+)\s+throughput:({VALUE})")
_ENERGY = re.compile(rf"NPU ID:\s*(\w+)\s+energy consumption\(J\):\s*({VALUE})")
_BATCH = re.compile(
    r"files0 size:\s*([0-9]+)\s+tensor0size:\s*([0-9]+)\s+filesperbatch:\s*([0-9]+)\s+runcount:\s*([0-9]+)"
)
_DETECTED = re.compile(r"try get model batchsize:\s*([0-9]+)")
_SIZES = re.compile(r"tensorsize:\s*([0-9]+)\s+filesize:\s*([0-9]+)\s+not match")
_SAVED_SHAPE = re.compile(r"save out files error array shape:\s*\(([0-9, ]*)\)")
_FILES_PER_BATCH = re.compile(r"files_count_perbatch:\s*([0-9]+)\b")


@dataclass(frozen=True, slots=True)
class DeviceThroughput:
    """One device of a multi-device run; times are the worker's ``time.time()`` in seconds."""

    index: int
    device_id: int
    samples_per_s: float
    start_time_s: float | None
    end_time_s: float | None


@dataclass(frozen=True, slots=True)
class Devices:
    """A multi-device run: one line a device that finished, and the plain sum of their throughputs."""

    devices: tuple[DeviceThroughput, ...]
    summary_samples_per_s: float | None
    queue_size: int | None
    result: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of a ``--dymShape_range`` run."""

    shape: str
    batchsize: int | None
    ok: bool
    samples_per_s: float


@dataclass(frozen=True, slots=True)
class ShapeRange:
    """The summary of one ``--dymShape_range`` run; the average is None where no shape succeeded."""

    run_count: int
    success_count: int
    average_samples_per_s: float | None
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class FileBatch:
    """How input files were combined into batches: sizes in bytes, files per batch, number of runs."""

    file0_bytes: int
    tensor0_bytes: int
    files_per_batch: int
    run_count: int


def parse_devices(text: str, throughputs: Sequence[Throughput]) -> tuple[Devices | None, list[Finding]]:
    """The multi-device part of cleaned text, its sum checked against the devices' lines; None where there is none."""
    findings: list[Finding] = []
    devices = []
    for found in _DEVICE.finditer(text):
        index, device_id, value = integer(found[1]), integer(found[2]), number(found[3])
        if is_cut(text, found.end(3)):
            findings.append(cut_finding(f"device_{found[2]} throughput", found[3]))
        elif index is not None and device_id is not None and value is not None:
            start = number(found[4]) if found[4] and not is_cut(text, found.end(4)) else None
            end = number(found[5]) if found[5] and not is_cut(text, found.end(5)) else None
            devices.append(DeviceThroughput(index, device_id, value, start, end))
    total = sum(device.samples_per_s for device in devices)
    summary = None
    for found in _DEVICES_SUM.finditer(text):
        summary = number(found[1])
        if is_cut(text, found.end()) and found[1] != repr(total):
            findings.append(cut_finding("summary throughput", found[1]))
            summary = None
    end_line = _DEVICES_END.search(text)
    queue_size = integer(end_line[1]) if end_line else None
    result = integer(end_line[2]) if end_line and not is_cut(text, end_line.end()) else None
    if not devices and summary is None and queue_size is None:
        return None, findings
    if summary is not None and devices and abs(summary - total) > 1e-9 * max(abs(summary), abs(total)):
        message = f"summary throughput {summary!r} is not the sum {total!r} of {len(devices)} device lines"
        findings.append(Finding("device_sum_mismatch", message))
    if result:
        findings.append(Finding("multi_device_failed", f"multidevice run ended with result:{result}: a worker failed"))
    if len(devices) == len(throughputs) and sorted(device.samples_per_s for device in devices) != sorted(
        line.samples_per_s for line in throughputs
    ):
        findings.append(
            Finding("device_throughput_mismatch", "device lines and throughput lines state different numbers")
        )
    return Devices(tuple(devices), summary, queue_size, result), findings


def parse_ranges(text: str) -> tuple[list[ShapeRange], list[Finding]]:
    """The shape-range summaries of cleaned text, each with the shapes listed after it and its average checked."""
    findings: list[Finding] = []
    shapes: list[tuple[int, Shape]] = []
    for found in _SHAPE.finditer(text):
        value = number(found[4])
        if is_cut(text, found.end()):
            findings.append(cut_finding(f"dymshape {found[1]} throughput", found[4]))
        elif value is not None:
            batchsize = integer(found[2]) if found[2] else None
            shapes.append((found.start(), Shape(found[1], batchsize, found[3] == "OK", value)))
    heads = list(_RANGE.finditer(text))
    ranges = []
    for position, head in enumerate(heads):
        following = heads[position + 1].start() if position + 1 < len(heads) else len(text)
        own = tuple(shape for start, shape in shapes if head.start() < start < following)
        if len(heads) == 1:
            own = tuple(shape for _, shape in shapes)
        average = number(head[3])
        if is_cut(text, head.end()):
            findings.append(cut_finding("avg_throughput", head[3]))
            average = None
        run_count, success_count = integer(head[1]), integer(head[2])
        if run_count is None or success_count is None:
            continue
        ranges.append(ShapeRange(run_count, success_count, average, own))
        findings.extend(_check_range(ranges[-1]))
    return ranges, findings


def _check_range(entry: ShapeRange) -> list[Finding]:
    """Failed shapes (the tool returns 0 all the same) and an average that its own lines do not give."""
    findings = []
    if entry.success_count < entry.run_count:
        failed = entry.run_count - entry.success_count
        findings.append(Finding("shapes_failed", f"{failed} of {entry.run_count} shapes of the range failed"))
    good = [shape.samples_per_s for shape in entry.shapes if shape.ok]
    if (
        len(entry.shapes) == entry.run_count
        and len(good) == entry.success_count
        and good
        and entry.average_samples_per_s
    ):
        mean = sum(good) / len(good)
        if abs(mean - entry.average_samples_per_s) > 1e-9 * mean:
            message = (
                f"avg_throughput {entry.average_samples_per_s!r} is not the mean {mean!r} of its {len(good)} shapes"
            )
            findings.append(Finding("range_average_mismatch", message))
    return findings


def parse_energies(text: str) -> tuple[list[tuple[str, float]], list[Finding]]:
    """Pairs (NPU id as printed, joules) of cleaned text."""
    energies, findings = [], []
    for found in _ENERGY.finditer(text):
        value = number(found[2])
        if is_cut(text, found.end()):
            findings.append(cut_finding(f"NPU {found[1]} energy", found[2]))
        elif value is not None:
            energies.append((found[1], value))
    return energies, findings


def parse_file_batches(text: str) -> list[FileBatch]:
    """The ``get filesperbatch`` lines of cleaned text that are whole."""
    batches = []
    for found in _BATCH.finditer(text):
        sizes = [integer(group) for group in found.groups()]
        if not is_cut(text, found.end()) and None not in sizes:
            batches.append(FileBatch(*(size for size in sizes if size is not None)))
    return batches


def parse_detected_batchsizes(text: str) -> list[int]:
    """Batch sizes that ais_bench took from the model itself, where ``--batchsize`` was not given."""
    sizes = [integer(found[1]) for found in _DETECTED.finditer(text) if not is_cut(text, found.end())]
    return [size for size in sizes if size is not None]


def parse_size_mismatch(text: str) -> tuple[int, int] | None:
    """(tensor bytes, file bytes) of the first input that did not fit, or None."""
    found = _SIZES.search(text)
    sizes = (integer(found[1]), integer(found[2])) if found else (None, None)
    return (sizes[0], sizes[1]) if sizes[0] is not None and sizes[1] is not None else None


def parse_output_axis(text: str) -> int | None:
    """The axis on which a batched output can be split among its files, when saving on axis 0 failed; else None.

    It is the first axis after 0 whose length is a multiple of the files per batch.
    """
    shape, count = _SAVED_SHAPE.search(text), _FILES_PER_BATCH.search(text)
    files = integer(count[1]) if count and not is_cut(text, count.end()) else None
    if shape is None or not files:
        return None
    lengths = [integer(length.strip()) for length in shape[1].split(",") if length.strip()]
    return next((axis for axis, length in enumerate(lengths) if axis and length and length % files == 0), None)
