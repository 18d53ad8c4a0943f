"""trtexec's logs of TensorRT 7 to 11, and its file of raw times."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import itertools
import json
import random

import pytest

from harness.parsing.text import ParseError
from harness.parsing.trtexec import FORMAT_BLOCKS, FORMAT_LISTS, parse, to_json
from harness.parsing.trtexec_times import parse_times
from tests.parsing.transcripts import TRT7, TRT10

COMPUTE_7 = {"min": 0.796875, "max": 3.98999, "mean": 0.859765, "median": 0.853516, "p99": 0.987305}


def test_blocks_of_tensorrt_7() -> None:
    log = parse(TRT7)
    out = to_json(log)
    assert {key: out[key] for key in COMPUTE_7} == COMPUTE_7
    assert out["sections"]["enqueue"] == {"min": 0.31, "max": 2.2, "median": 0.39}
    assert out["sections"]["latency"]["p99"] == 1.02
    assert (out["format"], out["latency_mean"], out["total_compute_s"], out["walltime_s"]) == (
        FORMAT_BLOCKS,
        0.92,
        2.98597,
        3.00461,
    )
    assert (log.status, log.version) == ("passed", None)
    assert log.flags == ("--onnx=resnext50.onnx", "--fp16", "--shapes=image:1x3x224x224", "--threads")


def test_zero_queries_a_second_of_tensorrt_7_is_remarked() -> None:
    log = parse(TRT7)
    assert log.throughput_qps == 0
    assert [(finding.code, finding.level) for finding in log.findings] == [("throughput_zero", "remark")]


def test_lists_of_tensorrt_10() -> None:
    log = parse(TRT10)
    out = to_json(log)
    assert (out["mean"], out["p90"], out["p95"], out["p99"], out["qps"]) == (0.37, 0.4, 0.41, 0.42, 2545.21)
    assert (out["format"], out["version"], out["device"], out["queries"]) == (FORMAT_LISTS, "10.3.0", "Tesla T4", 5000)
    assert out["settings"]["Data transfers"] == "Disabled"
    assert out["settings"]["CUDA Graph"] == "Enabled"
    assert out["flags"] == ["--onnx=m.onnx", "--fp16", "--shapes=onnx::Reshape_0:1x3"]
    assert out["sections"]["h2d"]["mean"] == 0.0


def test_memory_warnings_of_a_run_that_passed_are_no_failure() -> None:
    log = parse(TRT10)
    assert log.failure is None
    assert log.warnings == ("GPU compute time is unstable, with coefficient of variance = 2.97%.",)
    assert {finding.level for finding in log.findings} == {"remark"}


@pytest.mark.parametrize(
    ("packed", "version"),
    [("8601", "8.6.1"), ("8510", "8.5.10"), ("100300", "10.3.0"), ("110100", "11.1.0"), ("11.1.0.106",) * 2],
)
def test_versions(packed: str, version: str) -> None:
    assert (
        parse(f"&&&& RUNNING TensorRT.trtexec [TensorRT v{packed}] [b48] # trtexec --onnx=a.onnx\n").version == version
    )
    assert parse("[01/01/2024-00:00:00] [I] TensorRT version: 8.6.3\n").version == "8.6.3"


def test_out_of_memory_is_an_outcome() -> None:
    text = (
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8510] # trtexec --onnx=m.onnx\n"
        "[02/15/2023-06:20:02] [E] Error[2]: [virtualMemoryBuffer.cpp::resize::145] Error Code 2: OutOfMemory (no"
        " further information)\n[02/15/2023-06:20:02] [E] Engine set up failed\n"
        "&&&& FAILED TensorRT.trtexec [TensorRT v8510] # trtexec --onnx=m.onnx\n"
    )
    log = parse(text)
    assert log.status == "failed"
    assert log.failure is not None
    assert (log.failure.outcome, log.failure.reason) == ("oom", "device_out_of_memory")


def test_impossible_numbers_are_flagged() -> None:
    text = "[I] GPU Compute\n[I] min: 4.5983 ms\n[I] max: 4.1133 ms\n[I] mean: 4.6307 ms\n[I] median: 4.5915 ms\n"
    codes = {finding.code for finding in parse(text).findings if finding.level == "problem"}
    assert codes == {"min_above_max", "mean_outside_range", "median_outside_range"}


def test_rounding_to_six_digits_is_no_contradiction() -> None:
    text = "GPU Compute Time: min = 1.00001 ms, max = 1.00001 ms, mean = 1.00002 ms, median = 1.00001 ms\n"
    assert parse(text).findings == ()


def test_latency_that_is_not_the_sum_of_its_parts_is_remarked() -> None:
    text = TRT10.replace(
        "Latency: min = 0.36 ms, max = 0.52 ms, mean = 0.37", "Latency: min = 0.36 ms, max = 0.52 ms, mean = 0.45", 1
    )
    assert "latency_not_sum" in {finding.code for finding in parse(text).findings}


def test_lists_over_several_lines_with_full_width_commas() -> None:
    text = "[I] GPU Compute Time: \nmin = 0.5 ms，\n"
    text += "max = 2.9 ms，\nmean = 0.55 ms， \nmedian = 0.54 ms ，percentile( 99%) = 0.69ms\n"
    assert to_json(parse(text))["sections"]["gpu_compute"] == {
        "min": 0.5,
        "max": 2.9,
        "mean": 0.55,
        "median": 0.54,
        "p99": 0.69,
    }


def test_explanations_are_not_taken_for_numbers() -> None:
    text = (
        TRT10
        + "[V] GPU Compute Time: the GPU latency to execute the kernels for a query.\n[V] Latency: the sum of H2D.\n"
    )
    assert parse(text).timings == parse(TRT10).timings


def test_total_compute_time_is_no_section() -> None:
    assert parse("[I] Total GPU Compute Time: 2.99 s\n[I] Throughput: 30 qps\n").timings == ()


def test_infinity_of_an_empty_run_is_no_value() -> None:
    log = parse("GPU Compute Time: min = inf ms, max = 1 ms, mean = nan ms, median = 1 ms\n")
    assert log.timings[0].to_json() == {"max": 1.0, "median": 1.0}
    assert {finding.code for finding in log.findings} == {"not_a_number"}


def test_several_runs_in_one_log_are_flagged_and_the_first_reported() -> None:
    log = parse(TRT7 + TRT7.replace("mean: 0.859765", "mean: 0.9"))
    assert to_json(log)["mean"] == 0.859765
    assert "several_runs" in {finding.code for finding in log.findings}
    assert len(log.timings) == 6


def test_blocks_with_lines_missing_keep_what_is_in_order() -> None:
    lines = TRT7.split("\n")
    for drop in range(len(lines)):
        out = to_json(parse("\n".join(lines[:drop] + lines[drop + 1 :])))
        assert {key: value for key, value in out.items() if key in COMPUTE_7}.items() <= COMPUTE_7.items()
        if "GPU Compute" not in lines[drop] and not any(
            word in lines[drop] for word in ("0.79", "3.98", "0.8597", "0.8535", "0.9873")
        ):
            assert COMPUTE_7.items() <= out.items()


def test_shuffled_blocks_never_give_a_value_of_another_section() -> None:
    for seed in range(150):
        lines = TRT7.split("\n")
        random.Random(seed).shuffle(lines)
        out = to_json(parse("\n".join(lines)))
        assert {key: value for key, value in out.items() if key in COMPUTE_7}.items() <= COMPUTE_7.items(), seed


def test_one_lone_block_may_be_in_any_order() -> None:
    lines = [f"[I] {key}: {value} ms" for key, value in list(COMPUTE_7.items())[:4]] + ["[I] GPU Compute"]
    for order in itertools.permutations(lines):
        out = to_json(parse("\n".join(order) + "\n"))
        assert {key: out[key] for key in out if key in COMPUTE_7}.items() <= COMPUTE_7.items()


def test_raw_times_of_both_spellings() -> None:
    new = [{"startComputeMs": 1.5, "computeMs": 0.5, "h2dMs": 0.1, "d2hMs": 0.2, "latencyMs": 0.8}] * 2
    old = [{"startInMs": 1, "computeMs": 0.5, "inMs": 0.1, "outMs": 0.2, "latencyMs": 0.8, "endToEndMs": 1.0}]
    times = parse_times(json.dumps(new))
    assert (times.compute_ms, times.h2d_ms, times.d2h_ms, times.start_compute_ms) == (
        (0.5,) * 2,
        (0.1,) * 2,
        (0.2,) * 2,
        (1.5,) * 2,
    )
    assert parse_times(json.dumps(old)).h2d_ms == (0.1,)
    assert parse_times(json.dumps([*new, {}])).findings[0].code == "records_incomplete"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[{}]", '[{"computeMs": "x"}]', '[{"computeMs": 0.5}', "3", '[{"computeMs": NaN}]']
)
def test_raw_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_times(text)


def test_what_is_no_output_of_trtexec_is_refused() -> None:
    with pytest.raises(ParseError, match="trtexec"):
        parse("hello\n")
