"""The published tables: the seed's numbers from references alone, two machines in one table, what is said of each."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.references import read_library
from harness.records.places import found_below
from harness.records.references import Citation, Reference
from harness.report.document import contents, refusal
from harness.report.query import load
from harness.report.quotient import comparability
from harness.report.rows import Loaded
from tests.report.documents import NPU, PUBLISHED, cell, merged, report, texts
from tests.report.folders import WOBBLE, failed, keep, measured


def kept(folder: Path, *records: object) -> Loaded:
    for record in records:
        keep(record, folder)  # type: ignore[arg-type]
    return load(found_below(folder))


def test_references_alone_give_the_tables_of_the_seed() -> None:
    rows = [row for row in load([], read_library().references).rows if row.model == "swin98"]
    performance, accuracy = report(Loaded(tuple(rows)), "zh", baseline="T4", targets=("Ascend310P3",)).tables
    assert [column.title for column in performance.columns] == ["batchsize", "T4性能", "310P性能", "310P/T4"]
    assert [[cell.text for cell in row] for row in performance.rows] == [
        ["1", "5.24 fps^", "16.74 fps^", "3.19倍^"],
        ["4", "4.65 fps^", "16.06 fps^", "3.45倍^"],
        ["8", "4.35 fps^", "16.20 fps^", "3.72倍^"],
        ["best", "5.24 fps^", "16.74 fps^", "3.19倍^"],
    ]
    assert "batchsize 为 1 时模型性能最优，达 16.74 fps" in performance.lead
    assert any("16 或更高时，因内存不足导致推理失败" in note for note in performance.notes)
    assert [column.title for column in accuracy.columns] == ["Model", "batchsize", "mIoU(NPU)", "mIoU(开源仓)"]
    assert [[(cell.text, cell.rows) for cell in row] for row in accuracy.rows] == [
        [("swin98", 2), ("1", 1), ("47.92%^", 2), ("47.72%^", 2)],
        [("swin98", 0), ("4", 1), ("47.92%^", 0), ("47.72%^", 0)],
    ]
    assert "1 和 4 的 mIoU 没有差别（0.01 个百分点以内），比开源仓的精度高出 0.20%" in accuracy.lead
    assert any("^ 参考值" in note for note in performance.notes)


def test_a_reference_of_unknown_unit_is_shown_and_divided_by_nothing() -> None:
    rows = [row for row in load([], read_library().references).rows if row.model == "video_swin"]
    performance, accuracy = report(Loaded(tuple(rows)), "zh", baseline="T4", targets=("Ascend310P3",)).tables
    assert cell(performance, "1", "310P").text == "0.607^"
    assert "310P：来源未说明吞吐率的单位，因此不计算比值。" in performance.notes
    assert "T4：没有 video_swin 在该设备上的任何数据，既无记录也无参考值，因此没有比值。" in performance.notes
    assert "310P：来源未说明：计时范围、重复次数、离散程度、频率。" in performance.notes
    assert any("op_precision.ini: Gelu" in note for note in performance.notes)
    assert "310P，备注：精度原文为 top1:0.806、top5:0.945。" in accuracy.notes
    assert not any("设备计算" in note for note in performance.notes)  # nor does it say what was timed
    assert [cell.text for cell in accuracy.rows[0]] == ["video_swin", "1", "80.6%^", "94.5%^"]


def test_numbers_of_one_source_are_divided_though_it_states_no_unit() -> None:
    citation = Citation("zoo")
    known = [
        Reference("m", citation, chip, batchsize=1, throughput=value, notes=(f"said of {chip}",))
        for chip, value in (("T4", 2.0), ("Ascend310P3", 3.0))
    ]
    (table,) = report(load([], known), baseline="T4").tables
    assert cell(table, "1", "310P/T4").text == "1.50x^"
    unit = "310P: the source does not state the unit of its throughput; it is divided by numbers of the same source"
    assert any(note.startswith(unit) for note in table.notes)
    assert "T4, remark: said of T4." in table.notes
    made = report(load([], known[:1]), "zh", baseline="A10", targets=("A30",))
    assert made.tables == ()
    assert [note.partition("：")[0] for note in made.notes] == ["A10", "A30"]


def test_of_several_published_numbers_one_with_a_unit_counts_and_none_stands_twice() -> None:
    known = [
        Reference("m", Citation(source), chip, batchsize=1, throughput=value, unit=unit)
        for source, chip, value, unit in (
            ("overview", "Ascend310P", 194.0, None), ("overview", "Ascend310P", 171.04, None),
            ("page", "Ascend310P", 171.04, "fps"), ("page", "T4", 98.01, "fps"),
        )
    ]  # fmt: skip
    (table,) = report(load([], known), baseline="T4").tables
    assert texts(table, "T4", "310P", "310P/T4")["1"] == ["98.01 fps^", "171.04 fps^", "1.75x^"]
    assert texts(table, "310P")["1 (also published)"] == ["194^"]
    assert [row[0].text for row in table.rows] == ["1", "1 (also published)", "best"]


def test_two_machines_merge_into_one_table_and_what_was_measured_twice_says_so(tmp_path: Path) -> None:
    performance, accuracy = report(merged(tmp_path), baseline="T4").tables
    shown = texts(performance, "T4", "310P", "cpu", "310P/T4")
    assert list(shown) == ["1", "1 (earlier)", "2", "4", "best"]
    assert shown["1"][:3] == ["5.24 fps^", "16.7 ±0.4 samples/s*", "0.410 ±0.010 samples/s"]
    assert shown["1 (earlier)"] == ["-", "16.5 ±0.4 samples/s*", "-", "-"]
    assert shown["2"][0] == "-"
    notes = "\n".join(performance.notes)
    assert "310P, batch size 1, was measured 2 times: the newest (2026-01-02 00:00:00 on npu-box, sweep" in notes
    assert "No figures for 310P at a batch size of 16: it did not fit into memory." in notes
    assert "* simulated by a stand-in" in notes
    assert texts(performance, "310P end_to_end")["1"] == ["6.34 ±0.06 samples/s*"]
    assert (
        accuracy.lead
        == "310P: the batch sizes 1 and 4 agree in mIoU within 0.01 points, 0.20 points above what is published."
    )
    assert [each.text for each in accuracy.rows[0]] == ["swin98", "1", "47.92%*", "47.95%", "47.72%^"]


def test_ratios_come_from_unrounded_values_with_the_interval_of_what_was_measured(tmp_path: Path) -> None:
    performance, _ = report(merged(tmp_path), baseline="T4").tables
    found = cell(performance, "4", "310P/T4")
    values = [16.06 * wobble / 4.65 for wobble in WOBBLE]
    assert found.value == pytest.approx(math.exp(sum(map(math.log, values)) / 3))
    assert found.low is not None
    assert found.low < min(values)
    assert found.source == "simulated"
    assert found.text.endswith("*^") or found.text.endswith("^*")


def test_cells_of_one_sweep_are_paired_by_round_and_those_of_two_are_not(tmp_path: Path) -> None:
    one = report(kept(tmp_path / "one", measured(1, 10.0), measured(1, 20.0, chip="Ascend310P3"))).tables[0]
    found = cell(one, "1", "310P/cpu")
    assert (found.low, found.value, found.high) == pytest.approx((2.0, 2.0, 2.0))
    apart = measured(1, 20.0, chip="Ascend310P3", sweep="20260101-000000-b")
    two = report(kept(tmp_path / "two", measured(1, 10.0), apart)).tables[0]
    wide = cell(two, "1", "310P/cpu")
    assert wide.low is not None
    assert wide.low < 1.99
    assert any("Welch" in note for note in two.notes)
    assert any("paired by round" in note for note in one.notes)


def test_a_ratio_within_the_noise_floor_or_whose_interval_holds_one_is_marked(tmp_path: Path) -> None:
    loaded = kept(tmp_path, measured(1, 10.0), measured(1, 10.3, chip="Ascend310P3"))
    assert not cell(report(loaded).tables[0], "1", "310P/cpu").text.endswith("~")
    from dataclasses import replace

    noisy = Loaded(tuple(replace(row, floor=0.05) for row in loaded.rows))
    table = report(noisy).tables[0]
    assert cell(table, "1", "310P/cpu").text.endswith("~")
    assert any("noise floor of 5.1 %" in note for note in table.notes)


def test_a_ratio_across_fingerprints_names_what_differs_and_strict_refuses_it(tmp_path: Path) -> None:
    alike = kept(tmp_path / "alike", measured(1), measured(1, 20.0, chip="Ascend310P3", backend="ascend"))
    assert refusal(contents(alike.rows)) is None
    other = measured(1, 20.0, chip="Ascend310P3", precision="fp16")
    other.fingerprint["data"] = "zeros"  # type: ignore[index]
    loaded = kept(tmp_path / "other", measured(1), other)
    (note,) = (note for note in report(loaded).tables[0].notes if "differ in" in note)
    assert "precision: fp32, fp16" in note
    assert "kind of data: seeded random (seed 0), zeros" in note
    reason = refusal(contents(loaded.rows))
    assert reason is not None
    assert reason.startswith("strict=true refuses swin98, batch size 1, Ascend310P3/cpu: precision: fp32, fp16")
    unknown = refusal(contents(load([], PUBLISHED).rows + loaded.rows, "T4"))
    assert unknown is not None
    assert "model_sha256 not known" in unknown


def test_the_acceptance_rule_is_checked_on_the_best_batches_and_open_where_the_interval_holds_it(
    tmp_path: Path,
) -> None:
    def verdict(per_s: float) -> str:
        loaded = kept(tmp_path / str(per_s), measured(1, per_s, chip="Ascend310P3", backend="ascend"))
        rows = (*loaded.rows, *load([], PUBLISHED).rows)
        return next(note for note in report(Loaded(rows), acceptance=True).tables[0].notes if "1.6" in note)

    assert ": met," in verdict(16.74)
    assert ": not met," in verdict(5.0)
    assert ": not decided," in verdict(5.24 * 1.6)


def test_a_failure_after_figures_keeps_them_and_is_said(tmp_path: Path) -> None:
    later = {"sweep": "20260102-000000-b", "started": "2026-01-02T00:00:00+00:00"}
    table = report(kept(tmp_path, measured(1, **NPU), failed(1, **NPU, **later), failed(2, "timeout", **NPU))).tables[0]
    notes = "\n".join(table.notes)
    assert "measured again since (2026-01-02 00:00:00 on bench-01" in notes
    assert "it ended as oom" in notes
    assert "310P, batch size 2: timeout" in notes
    assert "No figures" not in notes


def test_equal_accuracies_of_two_devices_are_cells_of_their_own() -> None:
    known = [
        Reference("m", Citation("zoo"), chip, batchsize=size, metrics={"top1": 80.0})
        for chip in ("Ascend310P3", "T4")
        for size in (1, 4)
    ]
    (table,) = report(load([], known)).tables
    at = [column.key for column in table.columns].index("top1")
    assert [(row[at].text, row[at].rows) for row in table.rows] == [("80%^", 2), ("80%^", 0), ("80%^", 2), ("80%^", 0)]


def test_what_follows_from_the_batch_size_is_no_difference_in_conditions(tmp_path: Path) -> None:
    one, four = kept(tmp_path, measured(1, 5.0), measured(4, 6.0)).rows
    one = replace(one, fingerprint={"model_sha256": "a", "inputs": "1x3", "precision": "fp32"})
    four = replace(four, fingerprint={"model_sha256": "b", "inputs": "4x3", "precision": "fp16"})
    assert comparability(one, four) == (("precision: fp16, fp32",), ())
    again = replace(four, batchsize=1)
    assert [part.partition(":")[0] for part in comparability(one, again)[0]] == ["model_sha256", "inputs", "precision"]
