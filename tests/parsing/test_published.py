"""Published performance tables give the numbers that they print, and say what they leave open."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.parsing.published import Published, published
from harness.parsing.published_cells import batch_in, chips_in, is_ratio, metrics_in, model_in, value_in
from harness.parsing.table import plain
from harness.parsing.tables import read_tables
from harness.records.references import Citation, Reference

ANYWHERE = Citation("a page")
EXPECTED_OTHERWISE = {
    # what the index of samples reads from a ratio, from a cell that the header does not stand above, or as no best row
    "Conformer-Ti__1": 5,
    "WaveGlow__2": 2,
    "TSM__3": 1,
    "Tacotron2-for-Pytorch__1": 3,
    "TransPose__1": 3,
    "TransPose__2": 3,
    "tinybert__1": 3,
    "AscendIE__2": 2,
}


def read(text: str, kind: str = "markup", model: str | None = "m") -> Published:
    return published(read_tables(text, kind), ANYWHERE, model=model)


def rows(found: Published) -> list[tuple[str | None, int | None, bool, float | None]]:
    return [(each.chip, each.batchsize, each.best, each.throughput) for each in found.references]


def family(reference: Reference) -> str | None:
    chip = reference.chip
    if chip is None or chip == "baseline":
        return chip or reference.chip_stated
    return "310P" if chip.startswith("Ascend310P") else chip.removeprefix("Ascend")


def samples(shared: Path) -> list[tuple[str, str, list[dict[str, object]]]]:
    with (shared / "samples" / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        index = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    tables = [each for each in index if each["kind"] == "perf_table"]
    texts = [(shared / "samples" / each["file"]).read_text(encoding="utf-8") for each in tables]
    expected = [json.loads(each["expected"])["rows"] for each in tables]
    return list(zip([Path(each["file"]).stem for each in tables], texts, expected, strict=True))


def test_real_tables_import_to_the_numbers_that_they_print(shared: Path) -> None:
    different = {}
    for name, text, expected in samples(shared):
        found = read(text).references
        assert found, name
        got = Counter(
            (family(each), "best" if each.best and not each.batchsize else str(each.batchsize or ""), each.throughput)
            for each in found
        )
        wanted = Counter((row["chip"], row["bs"], float(str(row["fps"])) if row["fps"] else None) for row in expected)
        if missing := sum((wanted - got).values()):
            different[name] = missing
        for each in found:
            printed = "".join(plain(text).split())
            assert each.throughput_stated is None or "".join(each.throughput_stated.split()).split("fps")[0] in printed
    assert different == EXPECTED_OTHERWISE


def test_real_accuracies_are_kept_as_stated(shared: Path) -> None:
    for name, text, expected in samples(shared):
        if name in EXPECTED_OTHERWISE:
            continue
        kept = "".join("".join(each.stated.values()) for each in read(text).references).replace(" ", "")
        for row in expected:
            for said in row["acc"] or ():  # type: ignore[attr-defined]
                for part in said.split(" ; "):
                    value = plain(part.partition("=")[2]).replace(" ", "").split(";")[0]
                    assert value in kept, (name, part)


def test_the_zoo_imports_without_loss(shared: Path) -> None:
    text = (shared / "reference" / "modelzoo_performance.tsv").read_text(encoding="utf-8")
    stated = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    found = read(text, "tsv", None)
    assert found.remarks == ()
    assert [dict(each.stated) for each in found.references] == stated
    for each, row in zip(found.references, stated, strict=True):
        assert each.model == row["model"]
        assert (each.throughput or 0) == float(row["throughput"] or 0)
        assert each.unit == (None if row["unit"] in {"unstated", ""} or not row["throughput"] else row["unit"].lower())
        assert str(each.batchsize or ("best" if each.best else "")) == row["batchsize"]
        assert each.chip_stated == row["chip"]
        citation = each.citation
        assert (citation.file, citation.commit, citation.date, citation.lines) == (
            row["readme"],
            row["commit"],
            row["date"],
            row["lines"],
        )
        assert not row["note"] or plain(row["note"]) in each.notes
        assert not row["x4_in_readme"] or f"x4_in_readme: {row['x4_in_readme']}" in each.notes


NUMBERS = st.floats(0.01, 1e6, allow_nan=False).map(lambda value: round(value, 3)).filter(bool)


@given(
    st.dictionaries(st.integers(1, 1024), st.tuples(NUMBERS, NUMBERS), min_size=1), st.sampled_from(["", " fps", "FPS"])
)
def test_a_column_a_chip_and_a_column_a_batch_say_the_same(table: dict[int, tuple[float, float]], unit: str) -> None:
    wide = "| batchsize | T4性能 | 310P性能 | 310P/T4 |\n|--|--|--|--|\n" + "".join(
        f"| {size} | {t4}{unit} | **{npu}{unit}** | {npu / t4:.2f}倍 |\n" for size, (t4, npu) in table.items()
    )
    across = f"| batchsize | {' | '.join(map(str, table))} |\n|{'--|' * (len(table) + 1)}\n"
    across += f"| T4 | {' | '.join(f'{t4}{unit}' for t4, _ in table.values())} |\n"
    across += f"| 310P | {' | '.join(f'{npu}{unit}' for _, npu in table.values())} |\n"
    long = "| 芯片型号 | Batch Size | 性能 |\n|--|--|--|\n" + "".join(
        f"| {chip} | {size} | {value}{unit} |\n"
        for size, values in table.items()
        for chip, value in zip(("T4", "310P"), values, strict=True)
    )
    expected = [
        (chip, size, False, value)
        for size, values in table.items()
        for chip, value in zip(("T4", "Ascend310P"), values, strict=True)
    ]
    for text in (wide, across, long):
        found = read(text)
        assert rows(found) == expected
        assert found.remarks == ()
        assert {each.unit for each in found.references} == {"fps" if unit else None}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("T4性能", ["T4"]),
        ("aoe后310P性能", ["Ascend310P"]),
        ("Ascend310P3", ["Ascend310P3"]),
        ("310p_aoe", ["Ascend310P"]),
        ("710(310p)", ["Ascend310P"]),
        ("310*4", ["Ascend310"]),
        ("T4Throughput/Card", ["T4"]),
        ("310 (FPS/Card)", ["Ascend310"]),
        ("性能基准", ["baseline"]),
        ("gpu性能", ["GPU"]),
        ("310P/310", ["Ascend310P", "Ascend310"]),
        ("A100", ["A100"]),
        ("3100", []),
        ("top1", []),
    ],
)
def test_chips(text: str, names: list[str]) -> None:
    assert [chip.name for chip in chips_in(text)] == names


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("16.74 fps", 16.74, "fps"),
        ("fps 5.5", 5.5, "fps"),
        ("fps:22.267", 22.267, "fps"),
        ("12,121.21", 12121.21, None),
        ("1.5e3", 1500.0, None),
        ("2580(bs64)", 2580.0, None),
        ("30 samples/s", 30.0, "samples/s"),
    ],
)
def test_throughputs(text: str, number: float, unit: str | None) -> None:
    value = value_in(text)
    assert value is not None
    assert (value.number, value.unit) == (number, unit)


@pytest.mark.parametrize("text", ["1729,43", "分档:430fps;动态:25fps", "1 x 3", "-5", "0", "12 parsecs", "<b>"])
def test_what_is_not_one_number_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"numbers|not"):
        value_in(text)


def test_a_time_is_not_a_throughput() -> None:
    (found,) = read("|device|bs|性能|\n|--|--|--|\n|T4|1|12 ms|").references
    assert (found.throughput, found.throughput_stated, found.unit) == (None, "12 ms", "ms")
    assert "a time, not a throughput" in found.notes[0]


def test_what_did_not_fit_is_an_outcome() -> None:
    found = read("|batch|T4|310P|\n|--|--|--|\n|16|显存不够|8.71|\n|64|-|注：超出设备内存|").references
    assert [(each.chip, each.batchsize, each.outcome, each.throughput) for each in found] == [
        ("T4", 16, "oom", None),
        ("Ascend310P", 16, "ok", 8.71),
        ("Ascend310P", 64, "oom", None),
    ]


def test_a_printed_ratio_that_its_own_numbers_do_not_give_is_noted() -> None:
    found = read("|bs|T4|310P|310P/T4|\n|--|--|--|--|\n|1|10|20|2.00|\n|4|10|20|2.50|").references
    assert [each.notes for each in found] == [
        (),
        (),
        (),
        ("printed 310P/T4 = 2.50, its own numbers give 2",),
    ]


def test_the_model_is_the_tables_own_or_asked_for() -> None:
    text = "|模型|T4|\n|--|--|\n|BERT(bs1)|5|\n|BERT(bs4)|6|\n|最优bs|6|"
    assert [each.model for each in read(text, model=None).references] == ["BERT"] * 3
    nameless = read("|bs|T4|\n|--|--|\n|bs1-head|5|\n|bs1-tail|6|", model=None)
    assert nameless.references == ()
    assert nameless.remarks == ("lines 1-4: no model is named, left out; give model=NAME",)
    assert model_in("3d_attention_net_bs4") == "3d_attention_net"


def test_accuracies_in_per_cent_are_numbers_and_others_stay_words() -> None:
    assert metrics_in("Top1@Acc=70.07%, Top5@Acc=88.55%", "精度") == {"top1": 70.07, "top5": 88.55}
    assert metrics_in("48.29%", "mIoU(NPU)") == {"mIoU": 48.29}
    assert metrics_in("EPE:2.15", "精度") == {}
    assert metrics_in("top1:0.806;top5:0.945", "精度") == {}
    (found, *_) = read("|模型|pth精度|310P精度|310P性能|\n|--|--|--|--|\n|x bs1|top1:81.2%|top1:81.1%|5|").references
    assert (found.metrics, found.original) == ({"top1": 81.1}, {"top1": 81.2})


def test_a_percentage_of_no_metric_is_said_once_a_cell() -> None:
    found = read("| 芯片型号 | Batch Size | 精度 | 性能 |\n|---|---|---|---|\n| 310P3 | 1 | 47.92% | 16.74 fps |\n")
    assert [(each.throughput, each.metrics) for each in found.references] == [(16.74, {})]
    assert found.remarks == ("lines 1-3, row 1, column 精度: '47.92%' does not say of which metric; left out",)


def test_several_cards_and_tuning_are_noted() -> None:
    found = read("|bs|T4(4卡)|310P_aoe|310P|\n|--|--|--|--|\n|1|10|12|11|").references
    assert [each.notes for each in found] == [("column: T4(4卡)",), ("column: 310P_aoe",), ("column: 310P",)]
    (card,) = read("|芯片型号|Batch Size|性能|\n|--|--|--|\n|310*4|1|32.5|").references
    assert (card.chip, card.chip_stated) == ("Ascend310", "310*4")


def test_ratios_are_never_throughputs() -> None:
    for header in ("310P/T4", "310P/基线性能", "310P(aoe)/310", "710(310p)/T4", "加速比"):
        assert is_ratio(header), header
    for header in ("310 (FPS/Card)", "310/FPS", "T4Throughput/Card", "性能"):
        assert not is_ratio(header), header


def test_a_table_of_something_else_is_named_and_left_out() -> None:
    found = read("| input | shape |\n|--|--|\n| image | 1 x 3 |")
    assert found.references == ()
    assert found.remarks == ("no throughput or accuracy of a chip, left out: the tables in lines 1-3",)


@given(st.text(max_size=30))
def test_no_cell_breaks_the_reader(text: str) -> None:
    chips_in(text)
    batch_in(text, bare=True)
    metrics_in(text, text)
    try:
        value = value_in(plain(text), text)
    except ValueError:
        return
    assert value is None or value.number is None or value.number > 0


@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=4))
def test_no_table_breaks_the_reader(cells: list[list[str]]) -> None:
    lines = ["| 芯片型号 | Batch Size | 性能 |", "|--|--|--|", *(f"| {' | '.join(map(plain, row))} |" for row in cells)]
    for each in read("\n".join(lines)).references:
        assert each.throughput is None or each.throughput > 0
