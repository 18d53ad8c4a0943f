"""The charts of a report: what stands in them, in both languages, from rows and raw samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from harness.config.references import read_library
from harness.records.io import write_record
from harness.records.references import Citation, Reference
from harness.records.schema import Accuracy, Estimate, Evaluated, PublishedAccuracy, Record
from harness.report.chart_cells import parts_chart, strips_chart
from harness.report.chart_trade import trade_chart
from harness.report.charts import draw_charts, wanted
from harness.report.document import contents
from harness.report.method_words import Language
from harness.report.plot_bars import RatioBar, RatioChart, draw_ratios, draw_stacks
from harness.report.plot_lines import draw_lines
from harness.report.plot_page import Canvas
from harness.report.plot_series import Chart, chart
from harness.report.plot_strips import draw_strips
from harness.report.plot_style import readable, style
from harness.report.plot_trade import draw_trade
from harness.report.query import load
from harness.report.reading import record_row, reference_row
from tests.report.test_plots import cell, texts, visible_texts

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def page(draw: Any, chart: Any) -> Canvas:
    with style():
        canvas: Canvas = draw(readable(chart, chart.language))
        canvas.svg()
        return canvas


def nothing_falls_off(figure: Figure) -> None:
    for text in visible_texts(figure):
        box = text.get_window_extent()
        assert -1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, text.get_text()
        assert -1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, text.get_text()


def timed(batchsize: int, **means_ms: float) -> Record:
    made = cell(batchsize, 1000 * batchsize / means_ms["compute"], source="simulated", device="Ascend310P3")
    return replace(made, repeats=tuple(replace(each, means_ms=means_ms) for each in made.repeats))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_time_of_a_sample_is_split_into_copies_and_compute(language: Language) -> None:
    rows = [record_row(timed(b, h2d=0.2 * b, compute=1.5 * b, d2h=0.33 * b), "x") for b in (1, 4)]
    chart = parts_chart(rows, language)
    assert chart is not None
    assert [dict(stack.parts) for stack in chart.stacks] == [
        pytest.approx({"h2d": 0.2, "compute": 1.5, "d2h": 0.33})
    ] * 2
    figure = page(draw_stacks, chart).figure
    words = texts(figure)
    assert words.count("2.03") == 2
    assert {"H2D", "D2H", "compute" if language == "en" else "计算"} <= set(words)
    hatches = {patch.get_hatch() for patch in figure.axes[0].patches}
    assert len(hatches) == 3, "the parts differ without colour"
    nothing_falls_off(figure)
    assert parts_chart([record_row(cell(1, 2.0), "x")], language) is None


def test_the_distribution_is_that_of_the_raw_samples(tmp_path: Path) -> None:
    rows = []
    for number, times in enumerate(([10.0, 11.0, 12.0], [20.0, 21.0, 90.0])):
        folder = tmp_path / str(number)
        record = cell(4 ** (number + 1), 1.0)
        record = replace(record, repeats=(replace(record.repeats[0], samples_file="repeats/round-01.npz"),))
        write_record(record, folder)
        (folder / "repeats").mkdir()
        np.savez(folder / "repeats" / "round-01.npz", compute_ms=np.array(times))
        rows.append(record_row(record, str(folder), folder))
    lost = record_row(cell(8, 1.0), "elsewhere")
    broken = tmp_path / "broken"
    write_record(record, broken)
    (broken / "repeats").mkdir()
    (broken / "repeats" / "round-01.npz").write_bytes(b"no archive")
    chart = strips_chart([*rows, lost, record_row(record, "b", broken)], "en")
    assert chart is not None
    assert [strip.processes for strip in chart.strips] == [((10.0, 11.0, 12.0),), ((20.0, 21.0, 90.0),)]
    assert "2 cells have no raw times here." in chart.footnotes
    words = texts(page(draw_strips, chart).figure)
    assert {"median 11.0 ms, 10.0 to 12.0", "median 21.0 ms, 20.0 to 90.0"} <= set(words)
    assert strips_chart([lost], "en") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_accuracy_stands_against_throughput_with_what_was_published(language: Language) -> None:
    evaluated = Evaluated({"mIoU": 0.4772}, 200, 200, 1, "cpu", "onnxruntime", "fp32", "0" * 64, 1.0)
    accuracy = Accuracy(
        "segmentation", "ade20k", "val", None, "slide", "", "stream", "images", "mIoU", evaluated,
        reference=replace(evaluated, metrics={"mIoU": 0.4780}),
        published=PublishedAccuracy("slide", {"mIoU": 47.92}, "o"),
    )  # fmt: skip
    measured = [record_row(cell(b, 0.4 + b / 100, accuracy=accuracy), "x") for b in (1, 4)]
    citation = Citation("ModelZoo")
    published = [
        Reference("swin98", citation, "Ascend310P3", batchsize=1, throughput=16.74, unit="fps"),
        Reference("swin98", citation, "Ascend310P3", batchsize=1, metrics={"mIoU": 47.7}, dataset="ade20k"),
        Reference("swin98", citation, "T4", batchsize=1, throughput=5.24, unit="fps"),
    ]
    chart = trade_chart([*measured, *map(reference_row, published)], language)
    assert chart is not None
    assert [(cloud.source, [spot.accuracy for spot in cloud.spots]) for cloud in chart.clouds] == [
        ("measured", [pytest.approx(47.72)] * 2),
        ("reference", [47.7]),
    ]
    words = texts(page(draw_trade, chart).figure)
    lines = {"published 47.92", "own fp32 47.80"} if language == "en" else {"开源仓 47.92", "自测 fp32 47.80"}
    assert lines <= set(words)
    assert trade_chart([reference_row(published[2])], language) is None


def test_a_cell_that_was_evaluated_as_well_is_the_same_cell_and_keeps_its_accuracy() -> None:
    evaluated = Evaluated({"mIoU": 0.4772}, 200, 200, 1, "cpu", "onnxruntime", "fp32", "0" * 64, 1.0)
    kind = Accuracy("segmentation", "ade20k", "val", None, "slide", "", "stream", "images", "mIoU", evaluated)
    first = [cell(b, 0.4, accuracy=kind, overrides=("evaluate.enabled=True", "dataset=ade20k")) for b in (1, 4)]
    again = [replace(cell(b, 0.5), started="2027-01-01T00:00:00+00:00") for b in (1, 4)]
    (content,) = contents([record_row(each, "x") for each in [*first, *again]])
    made = dict(wanted(content, "en"))
    throughput, trade = made["throughput"], made["accuracy"]
    assert isinstance(throughput, Chart)
    assert [[point.estimate and point.estimate.mean for point in each.points] for each in throughput.series] == [
        [pytest.approx(0.5)] * 2
    ]
    assert [spot.accuracy for spot in trade.clouds[0].spots] == [pytest.approx(47.72)] * 2


def test_the_published_accuracy_of_the_origin_is_a_line_though_it_stands_in_another_row() -> None:
    (content,) = contents([row for row in load([], read_library().references).rows if row.model == "swin98"])
    assert [each.label for each in dict(wanted(content, "zh"))["accuracy"].across] == ["开源仓 47.72"]


def test_published_numbers_have_the_digits_of_their_source() -> None:
    citation = Citation("ModelZoo")
    rows = [
        reference_row(Reference("m", citation, "T4", batchsize=b, throughput=v, throughput_stated=s, unit="fps"))
        for b, v, s in ((1, 16.0, "16.00 fps"), (4, 16.2, "16.20 fps"))
    ]
    made = chart(rows, "throughput")
    assert made is not None
    assert {"16.00", "16.20"} <= set(texts(page(draw_lines, made).figure))


def test_what_was_published_has_no_place_in_the_latencies_and_that_it_did_not_fit_needs_no_unit() -> None:
    published = [
        reference_row(Reference("swin98", Citation("zoo"), "T4", batchsize=1, throughput=5.24, unit="fps")),
        reference_row(Reference("swin98", Citation("zoo"), "T4", batchsize=4, outcome="oom")),
    ]
    (content,) = contents([*published, *(record_row(cell(b, 0.4), "x") for b in (1, 4))])
    made = dict(wanted(content, "en"))
    latency, throughput = made["latency"], made["throughput"]
    assert isinstance(latency, Chart)
    assert [each.source for each in latency.series] == ["measured"]
    assert isinstance(throughput, Chart)
    assert [[point.status for point in each.points] for each in throughput.series] == [["ok", "oom"], ["ok", "ok"]]
    assert not [note for kind in ("latency", "throughput") for note in made[kind].footnotes if "unit" in note]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_with_a_name_like_markup_has_its_charts_under_a_plain_name(language: Language) -> None:
    hostile = [cell(b, 2.0 * b, model="../<script>", device=d, hardware=None) for b in (1, 4) for d in ("T4", "cpu")]
    again = [replace(each, started="2020-01-01T00:00:00+00:00") for each in hostile]  # measured before: not drawn
    found = contents([record_row(each, "x") for each in (*again, *hostile)])
    drawn = list(draw_charts(found, language))
    assert [each.name for each in drawn] == ["throughput-.._script", "ratios-.._script", "latency-.._script"]
    for each in drawn:
        assert each.files["png"].startswith(b"\x89PNG")
        root = ET.fromstring(each.files["svg"])
        assert not [element for element in root.iter() if element.tag.endswith("}text")], "needs no font to be read"
        assert b"<script" not in each.files["svg"]
    assert "cpu / T4" in drawn[1].caption
    (throughput, *_) = dict(wanted(found[0], language)).values()
    assert isinstance(throughput, Chart)
    assert [len(series.points) for series in throughput.series] == [2, 2], "each cell once"


@pytest.mark.parametrize("language", LANGUAGES)
def test_ratios_are_bars_with_intervals_and_gaps(language: Language) -> None:
    bars = (
        RatioBar("batch size 1", Estimate(3.19, None, None, 0), "3.19x", measured=False),
        RatioBar("batch size 4", Estimate(3.45, 3.4, 3.5, 3), "3.45x"),
        RatioBar("batch size 16", None, "-"),
        RatioBar("best", Estimate(0.9, 0.85, 0.95, 3), "0.9x", best=True),
    )
    chart = RatioChart("Ratios", "T4", "310P / T4", bars, ("Sweep",), language)
    figure = page(draw_ratios, chart).figure
    words = texts(figure)
    assert {"3.19x", "3.45x", "0.9x", "equal" if language == "en" else "相等"} <= set(words)
    assert "no figure" in words or "无数据" in words
    published, paired, best = figure.axes[0].patches
    assert [bar.get_width() for bar in (published, paired, best)] == [3.19, 3.45, 0.9]
    assert published.get_hatch()
    assert not paired.get_hatch()
    nothing_falls_off(figure)
