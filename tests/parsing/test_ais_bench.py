"""ais_bench's output in the layouts of all generations, and what does not add up in it."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.parsing.ais_bench import parse, to_json
from harness.parsing.text import ParseError
from tests.parsing.transcripts import MULTI_DEVICE, OOM_OUTPUT, ais_bench_run, stat_line, throughput_line

TIMES = [59.518001556396484, 60.215999603271484, 59.730499267578125]


def problems(text: str) -> set[str]:
    return {finding.code for finding in parse(text).findings if finding.level == "problem"}


@given(
    times=st.lists(st.floats(0.001, 1e5, allow_nan=False), min_size=1, max_size=8),
    batchsize=st.integers(1, 4096),
    generation=st.sampled_from(["G1", "G2", "G4"]),
)
def test_a_run_of_any_generation_gives_back_its_numbers(times: list[float], batchsize: int, generation: str) -> None:
    log = parse(ais_bench_run(times, batchsize, generation))
    (compute,), (line,) = log.timings_of("NPU_compute_time"), log.throughputs
    assert (compute.min_ms, compute.max_ms, compute.mean_ms) == (min(times), max(times), sum(times) / len(times))
    assert line.samples_per_s == 1000 * batchsize / (sum(times) / len(times))
    assert line.batchsize == (None if generation == "G1" else batchsize)
    assert log.compute_of(line) is compute
    assert log.generation == {"G1": "G1", "G2": "G2-G3", "G4": "G4+"}[generation]
    assert [finding for finding in log.findings if finding.level == "problem"] == []


def test_boundaries_are_apart() -> None:
    log = parse(ais_bench_run(TIMES))
    assert [timing.name for timing in log.timings] == ["H2D_latency", "NPU_compute_time", "D2H_latency"]
    assert log.timings_of("H2D_latency")[0].mean_ms == 0.78125
    assert log.timings_of("D2H_latency")[0].mean_ms == 1.4


def test_only_compute_is_printed_without_display_all_summary() -> None:
    log = parse(f"{stat_line('NPU_compute_time', TIMES)}\n{throughput_line(4, TIMES, 'G4')}\n")
    assert log.timings_of("H2D_latency") == ()
    assert log.throughputs[0].batchsize == 4


def test_batchsize_may_be_a_mean_over_shapes() -> None:
    assert parse(throughput_line(4.0, TIMES, "G4") + "\n").throughputs[0].batchsize == 4.0


def test_threads_print_means_only() -> None:
    text = (
        "[INFO] NPU_compute_time (ms): mean = 7.75\n"
        "[INFO] throughput 1000*batchsize.mean(4)/NPU_compute_time.mean(7.75): 516.1290322580645\n"
    )
    log = parse(text)
    assert log.timings[0].to_json() == {"mean": 7.75}
    assert log.findings == ()


def test_wrong_throughput_is_kept_and_flagged() -> None:
    log = parse("[INFO] throughput 1000*batchsize(16)/NPU_compute_time.mean(10.0): 112.5\n")
    assert log.throughputs[0].samples_per_s == 112.5
    assert log.throughputs[0].rel_err == pytest.approx(13.222222222)
    assert [finding.code for finding in log.findings] == ["throughput_mismatch"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("min = 3.0, max = 4.0, mean = 2.0, median = 3.5, percentile(99%) = 3.9", "mean_outside_range"),
        ("min = 3.0, max = 4.0, mean = 5.0, median = 3.5, percentile(99%) = 3.9", "mean_outside_range"),
        ("min = 5.0, max = 4.0, mean = 4.5, median = 4.5, percentile(99%) = 4.0", "min_above_max"),
        ("min = 3.0, max = 4.0, mean = 3.5, median = 3.8, percentile(99%) = 3.7", "p99_below_median"),
        ("min = -1.0, max = 4.0, mean = 3.5, median = 3.6, percentile(99%) = 3.9", "negative_time"),
    ],
)
def test_impossible_statistics_are_flagged(line: str, code: str) -> None:
    assert code in problems(f"[INFO] NPU_compute_time (ms): {line}\n")


def test_a_throughput_that_belongs_to_no_timing_line_is_flagged() -> None:
    text = stat_line("NPU_compute_time", TIMES) + "\n" + throughput_line(1, [8.0], "G2") + "\n"
    assert problems(text) == {"mean_unknown"}


def test_a_run_that_did_not_reach_its_end_is_flagged() -> None:
    text = ais_bench_run(TIMES).replace("[INFO] unload model success, model Id is 1\n", "")
    assert problems(text) == {"unload_missing"}


def test_coarse_float32_stamps_are_remarked() -> None:
    log = parse(stat_line("NPU_compute_time", [59.75, 59.765625, 59.78125]) + "\n")
    (finding,) = log.findings
    assert (finding.code, finding.level) == ("quantised", "remark")
    assert "0.015625 ms" in finding.message


def test_multi_device_blocks_are_joined_by_their_means() -> None:
    log = parse(MULTI_DEVICE)
    assert [
        (line.samples_per_s, log.compute_of(line).median_ms) for line in log.throughputs if log.compute_of(line)
    ] == [
        (250.0, 4.1),
        (275.86206896551727, 3.7),
    ]
    assert log.devices is not None
    assert {device.device_id: device.samples_per_s for device in log.devices.devices} == {
        1: 275.86206896551727,
        2: 250.0,
    }
    assert log.devices.summary_samples_per_s == 525.8620689655172
    assert log.devices.devices[0].start_time_s == 1676875630.8043878
    assert problems(MULTI_DEVICE) == set()


def test_multi_device_sum_that_is_none_is_flagged() -> None:
    assert problems(MULTI_DEVICE.replace("525.86", "625.86")) == {"device_sum_mismatch"}


def test_a_failed_worker_is_flagged_although_others_print_results() -> None:
    text = MULTI_DEVICE.replace("result:0", "result:1")
    assert "multi_device_failed" in problems(text)
    failure = parse(text).failure
    assert failure is not None
    assert failure.reason == "device_worker_failed"


def test_shape_range_with_a_failed_shape() -> None:
    text = (
        "[INFO] -----------------dyshape_range Performance Summary------------------\n"
        "[INFO] run_count:3 success_count:2 avg_throughput:225.0\n"
        "[INFO] 0 dymshape:x:1,3,224,224 bs:1 result:OK throughput:250.0\n"
        "[INFO] 1 dymshape:x:1,3,225,225  result:OK throughput:200.0\n"
        "[INFO] 2 dymshape:x:1,3,226,226 bs:1 result:Failed throughput:0\n"
    )
    (entry,) = parse(text).ranges
    assert [(shape.batchsize, shape.ok) for shape in entry.shapes] == [(1, True), (None, True), (1, False)]
    assert problems(text) == {"shapes_failed"}
    assert problems(text.replace("225.0\n", "226.0\n", 1)) == {"shapes_failed", "range_average_mismatch"}


def test_shape_range_without_a_success_has_no_average() -> None:
    (entry,) = parse("[INFO] run_count:2 success_count:0 avg_throughput:nan\n").ranges
    assert entry.average_samples_per_s is None


def test_size_mismatch_and_saved_axis() -> None:
    assert to_json(parse("[ERROR] arg0 tensorsize: 196608 filesize: 602112 not match\n"))["filesize"] == 602112
    saved = (
        "[ERROR] save out files error array shape:(1, 7, 64) filesinfo:[['a']] files_count_perbatch:{} ndata.shape0:1\n"
    )
    assert to_json(parse(saved.format(16)))["fix"] == "--output_batchsize_axis 2"
    assert "fix" not in to_json(parse(saved.format(5)))


def test_out_of_memory_is_an_outcome_with_the_tools_words() -> None:
    failure = parse(OOM_OUTPUT).failure
    assert failure is not None
    assert (failure.outcome, failure.category) == ("oom", "memory")
    assert "Malloc ptrData failed" in failure.message
    assert "207001" in parse(OOM_OUTPUT).codes


def test_legacy_benchmark_binary() -> None:
    text = (
        "[INFO] Dataset number: 49 finished cost 30.514ms\n"
        "[INFO] PureInfer result saved in ./result/PureInfer_perf_of_m_in_device_0.txt\n"
        "-----------------PureInfer Performance Summary------------------\n"
        "[INFO] ave_throughputRate: 524.094samples/s, ave_latency: 1.90805ms\n"
        "[infer] throughputRate: 244.4, Interface throughputRate: 382.328, moduleLatency: 4.09\n"
    )
    log = parse(text)
    assert log.generation == "G0"
    assert [line.to_json() for line in log.legacy] == [
        {"kind": "pure", "throughput": 524.094, "latency": 1.90805},
        {"kind": "dataset", "throughput": 382.328},
    ]
    assert problems(text) == set()
    assert problems(text.replace("1.90805", "2.1")) == {"throughput_mismatch"}


def summary(**changes: object) -> str:
    times = [12.25, 12.5, 12.75]
    timing = {"min": 12.25, "max": 12.75, "mean": 12.5, "median": 12.5, "percentile(99%)": 12.745, "count": 3}
    entries = {
        "filesinfo": {},
        "args": {},
        "NPU_compute_time": timing,
        "npu_compute_time_list": times,
        "throughput": 80.0,
    }
    return json.dumps({**entries, "pid": 17, **changes})


def test_summary_file_gives_raw_times() -> None:
    log = parse(summary())
    assert log.summary is not None
    assert log.summary.compute_ms == (12.25, 12.5, 12.75)
    assert (log.summary.samples_per_s, log.summary.pid) == (80.0, 17)
    assert log.findings == ()
    assert to_json(log)["json_stats"][0] == {
        "name": "NPU_compute_time",
        "min": 12.25,
        "max": 12.75,
        "mean": 12.5,
        "median": 12.5,
        "p99": 12.745,
    }


def test_pairs_of_stamps_become_durations_with_their_step() -> None:
    pairs = [[131072.0, 131084.25], [131090.0, 131102.5], [131110.0, 131122.75]]
    log = parse(summary(npu_compute_time_list=pairs))
    assert log.summary is not None
    assert log.summary.compute_ms == (12.25, 12.5, 12.75)
    assert log.summary.stamp_step_ms == 1 / 64  # 131 s into a session float32 stamps are 1/64 ms apart
    assert [finding.code for finding in log.findings] == ["quantised"]


def test_busy_time_of_overlapping_threads_is_a_valid_mean() -> None:
    pairs = [[0.0, 12.5], [6.0, 18.0], [12.5, 25.0], [18.0, 31.0]]
    log = parse(summary(NPU_compute_time={"mean": 7.75, "count": 4}, npu_compute_time_list=pairs))
    assert log.findings == ()


def test_a_mean_over_stamps_is_called_what_it_is() -> None:
    pairs = [[1000.0, 1012.5], [2000.0, 2012.5]]
    log = parse(summary(NPU_compute_time={"mean": 1506.25, "count": 2}, npu_compute_time_list=pairs))
    (finding,) = log.findings
    assert finding.code == "mean_mismatch"
    assert "averages start and end stamps" in finding.message


@pytest.mark.parametrize("raw", [[[1, 2, 3]], ["x"], [None], {"a": 1}, [[float("nan"), 2]], []])
def test_raw_lists_of_another_shape_are_left_out(raw: object) -> None:
    log = parse(summary(npu_compute_time_list=raw))
    assert log.summary is not None
    assert log.summary.compute_ms == ()


def test_cut_summary_file_gives_what_is_whole() -> None:
    whole = summary()
    log = parse(whole[: whole.index("12.745")])
    assert log.summary is not None
    assert log.summary.timings[0].to_json() == {"min": 12.25, "max": 12.75, "mean": 12.5, "median": 12.5}
    assert log.summary.samples_per_s is None


def test_a_number_at_the_end_of_a_cut_log_is_left_out_and_named() -> None:
    text = ais_bench_run(TIMES)
    cut = parse(text[: text.index("59.73049926") + 8])
    assert cut.timings_of("NPU_compute_time")[0].median_ms is None
    assert cut.timings_of("NPU_compute_time")[0].max_ms == 60.215999603271484
    assert any(finding.code == "truncated" and "59.73049" in finding.message for finding in cut.findings)


def test_a_throughput_without_a_line_end_counts_if_the_formula_gives_all_its_digits() -> None:
    line = throughput_line(16, TIMES, "G4")
    assert parse(line).throughputs[0].batchsize == 16
    with pytest.raises(ParseError):
        parse(line[:-1])
    g1 = f"{stat_line('NPU_compute_time', TIMES)}\n{throughput_line(16, TIMES, 'G1')}"
    assert len(parse(g1).throughputs) == 1
    assert parse(g1[:-1]).throughputs == ()


def test_not_a_number_is_not_a_value() -> None:
    log = parse(
        "[INFO] NPU_compute_time (ms): min = nan, max = inf, mean = 3.0, median = 1.2.3, percentile(99%) = 4.0\n"
    )
    assert log.timings[0].to_json() == {"mean": 3.0, "p99": 4.0}
    assert sum(finding.code == "not_a_number" for finding in log.findings) == 3


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\n".join(f"\x1b[32m{line}\x1b[0m" for line in text.split("\n")),
        lambda text: "```text\n" + text + "```\n",
        lambda text: "".join(f"{count:6d}\t{line}\n" for count, line in enumerate(text.split("\n"), 1)),
        lambda text: "".join(f"> {line}\n" for line in text.split("\n")),
        lambda text: text.replace(",", "，").replace(":", "：").replace("(", "（").replace(")", "）"),
        lambda text: text.replace("\n[INFO] ", " [INFO] "),
        lambda text: "说明：如下所示（节选）。\n" + text + "\n以上，吞吐率为 16.74 fps。\n",
    ],
)
def test_dress_does_not_matter(wrap) -> None:
    plain, dressed = parse(ais_bench_run(TIMES, 8)), parse(wrap(ais_bench_run(TIMES, 8)))
    assert dressed.timings == plain.timings
    assert dressed.throughputs == plain.throughputs
    assert (dressed.loads, dressed.unloads) == (1, 1)


def test_nothing_understood_says_what_was_given_and_expected() -> None:
    with pytest.raises(ParseError, match=r"no output of ais_bench recognised in 1 line.*timing lines.*'hello'"):
        parse("hello")
    with pytest.raises(ParseError, match="empty"):
        parse(" \n")


def test_numbers_are_json() -> None:
    text = json.dumps(to_json(parse(MULTI_DEVICE + OOM_OUTPUT + summary())), allow_nan=False)
    assert math.isclose(json.loads(text)["summary_throughput"], 525.8620689655172)
