"""The method card: everything that a reader has to know, in both languages, from the records alone."""

from __future__ import annotations

from dataclasses import replace

from harness.records.schema import Finding, Telemetry
from harness.report.method import method_card, method_markdown
from tests.report.test_cells import record, repeat

TOLD = Telemetry("telemetry/round-01.csv", 21, 10.0, left_out=4)
REPEATS = (
    replace(repeat(1), steady=True, telemetry=TOLD, conditions={"before": {"affinity": [0, 1]}}),
    replace(repeat(2), steady=True, findings=(Finding("device_busy", "before: 87 % busy"),)),
    replace(repeat(3, 12), steady=False),
)
RECORD = record(
    4,
    repeats=REPEATS,
    fingerprint={"tools": {"onnxruntime": "1.31.1", "intra_op_threads": "2"}},
    harness_version="0.1.0",
    environment={"harness": {"git": {"commit": "c" * 40, "dirty": True}}},
)


def test_the_english_card_says_how_it_was_measured() -> None:
    card = method_card([RECORD])
    for words in (
        "cpu (AMD EPYC 7B13) with onnxruntime 1.31.1, 2026-01-01, npu-harness 0.1.0 (cccccccc+)",
        "Timed: device compute",
        "3 fresh processes, one a round, in rotated order; each timed 10 to 12 iterations after 1 of warm-up",
        "95 % t-interval over processes",
        "2 cores were open",
        "1 of 3 processes have a finding",
        "steady before timing: 2 of 3",
        "4 iterations were left out because the device throttled",
    ):
        assert words in card
    assert "\n" not in card


def test_the_chinese_card_has_the_same_figures() -> None:
    card = method_card([RECORD], "zh")
    for words in (
        "AMD EPYC 7B13",
        "onnxruntime 1.31.1",
        "3 个全新进程",
        "计时 10 至 12 次",
        "95 % t 置信区间",
        "剔除 4 次迭代",
    ):
        assert words in card


def test_both_stand_in_the_file_and_nothing_measured_has_no_card() -> None:
    assert method_markdown([RECORD]).count("\n\n") == 1
    assert method_markdown([replace(RECORD, repeats=())]) == ""
    assert "one after the other" in method_card([replace(RECORD, interleaved=False)])
    assert "simulated" in method_card([replace(RECORD, source="simulated")])
