"""The charts of a sweep: what stands in them, that nothing overlaps or falls off the page, and what they cost."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import BboxBase
from PIL import Image

import harness.commands.run as command
from harness.records.schema import Estimate, Outcome, Record, Summary, Weights
from harness.report import plot_style, plots
from harness.report.plot_lines import draw_lines
from harness.report.plot_names import spread
from harness.report.plot_page import Canvas
from harness.report.plot_series import MOST_SERIES, chart
from harness.report.plot_style import marks
from harness.report.plot_words import all_words
from harness.report.plots import sweep_plots
from harness.report.reading import record_row
from harness.report.rows import Row
from tests.report.test_cells import record

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 150_000


def cell(
    batchsize: int | None,
    throughput: float | None = None,
    *,
    model: str = "swin98",
    device: str = "cpu",
    hardware: str | None = "AMD EPYC 7B13",
    precision: str = "fp32",
    backend: str = "onnxruntime",
    overrides: tuple[str, ...] = (),
    relative: float | None = 0.02,
    status: str = "ok",
    **changes: Any,
) -> Record:
    """A record with the figures of a throughput, or without any."""

    def estimate(mean: float) -> Estimate:
        if relative is None:
            return Estimate(mean, None, None, 1)
        return Estimate(mean, mean * (1 - relative), mean * (1 + relative), 3)

    base = record(batchsize or 1)
    summary = None
    if throughput is not None:
        latency = estimate(1000 * (batchsize or 1) / throughput)
        summary = Summary("compute", estimate(throughput), latency, None, 30, "stable")
    return replace(
        base,
        settings={
            "model": {"name": model},
            "batchsize": batchsize,
            "soc_version": {"name": device},
            "precision": {"name": precision},
            "backend": {"name": backend},
        },
        overrides=(f"model={model}", f"batchsize={batchsize}", *overrides),
        device={"name": device, "model": hardware} if hardware else {},
        outcome=Outcome(status=status),  # type: ignore[arg-type]
        summary=summary,
        repeats=base.repeats if summary else (),
        **changes,
    )


SWEEP = [cell(1, 0.41), cell(4, 0.45), cell(8, status="timeout"), cell(16, 0.46), cell(32, status="oom")]
TWO_DEVICES = [
    *SWEEP,
    *(cell(b, t, device="T4", hardware="Tesla T4", precision="fp16") for b, t in ((1, 13.1), (4, 15.0), (8, 15.8))),
    *(
        cell(b, t, device="Ascend310P3", hardware=None, precision="fp16", source="simulated")
        for b, t in ((1, 11.1), (4, 16.7), (32, 12.9))
    ),
    *(
        cell(b, t, device="Ascend310P3", hardware=None, precision="fp16", source="reference")
        for b, t in ((1, 10.1), (4, 16.74))
    ),
]
ONE_BATCH = [cell(4, 0.7, model="swin97"), cell(4, 0.45), cell(4, status="oom", model="swin100")]
MANY = [cell(b, (m + b**0.3) / 10, model=f"swin{m}") for m in range(90, 120) for b in (1, 4, 16)]
WIDE = [cell(1, 0.4, relative=6.0), cell(2, 0.5, relative=1.2), cell(3, 0.45, relative=None)]
NASTY = "$x^2$ <script>模型</script> _a_ {b} \\frac % \x1b[31m"
NASTIES = [cell(b, 0.1 * b**0.1, model=NASTY, overrides=("a=权重$.pth",)) for b in (1, 2)]
SWEEPS = {
    "sweep": SWEEP,
    "two devices": TWO_DEVICES,
    "one batch": ONE_BATCH,
    "one cell": [cell(8, 0.4)],
    "many": MANY,
    "wide": WIDE,
    "nasty": NASTIES + [cell(b, 0.2, model="b", overrides=("a=$",)) for b in (1, 2)],
    "nasty cells": [cell(4, 0.1, model=NASTY), *(cell(4, 0.2, overrides=(c + 90 * "x",)) for c in "abc")],
    "long names": [cell(b, 0.3, model=60 * "very", hardware=90 * "x ", overrides=(w,)) for b in (1, 2) for w in "uv"],
}


def rows(records: Sequence[Record]) -> list[Row]:
    return [record_row(each, each.name) for each in records]


class Pages(list[Figure]):
    """The figures that were drawn, throughput first."""


@contextmanager
def collected() -> Iterator[Pages]:
    """Collects every page that becomes a PNG meanwhile."""
    found = Pages()
    encode = Canvas.png

    def png(canvas: Canvas) -> bytes:
        content = encode(canvas)
        found.append(canvas.figure)
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Canvas, "png", png)
        yield found


@pytest.fixture
def pages() -> Iterator[Pages]:
    with collected() as found:
        yield found


@functools.cache
def drawn(name: str) -> tuple[dict[str, bytes], Pages]:
    """The files and pages of one of ``SWEEPS``."""
    with collected() as found:
        return sweep_plots(SWEEPS[name]), found


def visible_texts(page: Figure) -> list[Text]:
    """Every text that is drawn: not the labels of ticks outside the picture."""
    ticks = {text for axes in page.axes for axis in (axes.xaxis, axes.yaxis) for text in axis.findobj(Text)}
    for axes in page.axes:
        for axis in (axes.xaxis, axes.yaxis):
            ticks -= {axis.label, *(label for tick in axis._update_ticks() for label in (tick.label1, tick.label2))}
    found = [text for text in page.findobj(Text) if text not in ticks]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def texts(page: Figure) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in visible_texts(page)]


def written(page: Figure) -> str:
    return "\n".join(texts(page))


@pytest.mark.parametrize("name", SWEEPS)
def test_both_charts_are_small_pictures_without_colliding_texts(name: str) -> None:
    files, pages = drawn(name)
    assert list(files) == ["throughput.png", "latency.png"]
    for content in files.values():
        picture = Image.open(io.BytesIO(content))
        assert (picture.format, picture.width) == ("PNG", 1296)
        assert 300 < picture.height < 2600
        assert len(content) < MOST_BYTES
    for page in pages:
        boxes: list[tuple[BboxBase, str]] = []
        for text in visible_texts(page):
            box = text.get_window_extent()
            assert -1 <= box.x0 <= box.x1 <= page.bbox.x1 + 1, text.get_text()
            assert -1 <= box.y0 <= box.y1 <= page.bbox.y1 + 1, text.get_text()
            within = box.shrunk(0.95, 0.7)
            for other, words in boxes:
                assert not within.overlaps(other), (text.get_text(), words)
            boxes.append((within, text.get_text()))


def test_equal_records_give_equal_bytes_in_any_process_with_any_settings_of_matplotlib(tmp_path: Path) -> None:
    here, _ = drawn("sweep")
    code = (
        "import hashlib; from tests.report.test_plots import SWEEP; from harness.report.plots import sweep_plots;"
        "print(*(hashlib.sha256(content).hexdigest() for content in sweep_plots(SWEEP).values()))"
    )
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\nfont.size: 30\n", encoding="utf-8")
    environment = {**os.environ, "MATPLOTLIBRC": str(tmp_path), "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [hashlib.sha256(content).hexdigest() for content in here.values()]


def test_the_chart_names_model_device_units_and_small_print(pages: Pages) -> None:
    sweep_plots([replace(each, sweep_id="20260102-swin98-3f9c", harness_version="0.1.0") for each in SWEEP])
    throughput, latency = map(texts, pages)
    assert "Throughput of swin98 by batch size" in throughput
    assert "Latency of swin98 by batch size" in latency
    for words in (throughput, latency):
        assert "cpu (AMD EPYC 7B13) · fp32 · onnxruntime" in words
        assert "batch size" in words
        assert {"1", "4", "8", "16", "32"} <= set(words)
        small = words[-1] if "Timed" in words[-1] else next(each for each in words if "Timed" in each)
        assert (
            "Timed: device compute; 3 processes of 10 iterations a cell. Bars: 95 % intervals over processes." in small
        )
        assert "Random or untrained weights" in small
        assert small.endswith("Sweep 20260102-swin98-3f9c; harness 0.1.0")
    assert "samples/s (higher is better)" in throughput
    assert "ms, median of a batch (lower is better)" in latency
    assert "0.450 ±0.009" in throughput
    assert "8890 ±180" in latency


def test_trained_weights_and_one_process_say_so(pages: Pages) -> None:
    trained = Weights(kind="checkpoint", trained=True)
    sweep_plots([cell(b, 0.4, relative=None, weights=trained) for b in (1, 2)])
    assert "Random" not in written(pages[0])
    assert "1 process" in written(pages[0]).replace("3 processes", "1 process")
    assert "One process has no interval." in written(pages[0])
    assert "0.40" in texts(pages[0])


def test_cells_without_figures_are_gaps_marked_at_their_batch_size() -> None:
    _, pages = drawn("sweep")
    plot, strip = pages[0].axes
    lines = [line for line in plot.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in lines] == [[0, 2], [4]]  # 1 and 4, then 16: logarithms
    crosses = [line for line in strip.lines if line.get_marker() == "x"]
    assert [line.get_xdata()[0] for line in crosses] == [3, 5]
    said = {text.get_text(): text.get_position()[0] for text in strip.texts}
    assert said == {"timeout": 3, "oom": 5}
    assert plot.get_xlim() == strip.get_xlim()
    assert "no figure" in texts(pages[0])


def test_a_device_that_was_not_there_is_a_row_of_gaps(pages: Pages) -> None:
    absent = [cell(b, device="T4", hardware=None, status="skipped") for b in (1, 4)]
    sweep_plots([cell(1, 0.4), cell(4, 0.5), *absent])
    words = texts(pages[0])
    assert words.count("skipped") == 2
    assert "T4" in words
    assert "cpu (AMD EPYC 7B13), T4 · fp32 · onnxruntime" in words


def test_intervals_are_the_records(pages: Pages) -> None:
    sweep_plots(SWEEP[:2])
    bars = [list(line.get_ydata()) for line in pages[0].axes[0].lines if line.get_marker() == "_"]
    wanted = [[e.summary.throughput.low, e.summary.throughput.high] for e in SWEEP[:2] if e.summary]
    assert bars == [pytest.approx(each) for each in wanted]


def test_a_very_wide_interval_does_not_squeeze_the_points() -> None:
    _, pages = drawn("wide")
    low, high = pages[0].axes[0].get_ylim()
    assert low == 0
    assert 0.5 < high < 1
    bars = [line.get_ydata() for line in pages[0].axes[0].lines if line.get_marker() == "_"]
    assert len(bars) == 2, "one process has no bar"
    assert all(low >= 0 for low, _ in bars), "no throughput is below 0"


def test_axes_start_at_zero_unless_the_values_lie_far_apart() -> None:
    near, far = drawn("sweep")[1][0], drawn("two devices")[1][0]
    assert near.axes[0].get_ylim()[0] == 0
    assert far.axes[0].get_yscale() == "log"
    assert "samples/s (higher is better), log scale" in texts(far)
    assert {"0.5", "1", "10", "20"} <= set(texts(far))


def test_series_can_be_told_apart_without_colour() -> None:
    _, pages = drawn("two devices")
    names = {
        "cpu · fp32",
        "T4 · fp16",
        "Ascend310P3 · fp16 (simulated)",
        "Ascend310P3 · fp16 (reference)",
    }
    assert names <= set(texts(pages[0]))
    used = {
        (line.get_marker(), str(line._unscaled_dash_pattern))
        for line in pages[0].axes[0].lines
        if line.get_marker() not in {"_", "x"}
    }
    assert len(used) == 4
    many = chart(rows(MANY), "throughput")
    assert many is not None
    assert len({(each.marker, each.dashes) for each in marks(many.series)}) == len(many.series) == MOST_SERIES


@pytest.mark.parametrize("records", [TWO_DEVICES, [replace(each, source="simulated") for each in ONE_BATCH]])
def test_what_is_not_measured_is_hollow_and_named(records: list[Record], pages: Pages) -> None:
    sweep_plots(records)
    hollow = [line for line in pages[0].findobj(Line2D) if line.get_markerfacecolor() == "white"]
    assert hollow
    assert "Hollow marks, simulated: from a stand-in of the device, not measured." in written(pages[0])
    measured = [line for line in pages[0].axes[0].lines if line.get_marker() in {"o", "s", "D"} and line not in hollow]
    assert bool(measured) == (records is TWO_DEVICES)


def test_one_batch_size_gives_a_line_a_cell() -> None:
    _, pages = drawn("one batch")
    words = texts(pages[0])
    assert "Throughput of swin97, swin98 and swin100 at batch size 4" in words
    assert {"swin97", "swin98", "swin100", "oom", "0.700 ±0.014", "0.450 ±0.009"} <= set(words)
    (axes,) = pages[0].axes
    assert axes.get_xlim()[0] == 0
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"] == [0.7, 0.45]


def test_what_else_was_swept_names_the_series(pages: Pages) -> None:
    swept = [cell(b, 0.4 + 0.01 * o, overrides=("seed=1", f"export.opset={o}")) for o in (11, 13) for b in (1, 4)]
    sweep_plots([*swept, swept[-1]])
    words = set(texts(pages[0]))
    assert {"export.opset=11", "export.opset=13", "export.opset=13 #2"} <= words
    assert not any("seed=1" in each for each in words)


def test_several_boundaries_are_each_named_with_their_backend() -> None:
    end_to_end = cell(4, 3.0, backend="rknn")
    assert end_to_end.summary is not None
    end_to_end = replace(end_to_end, summary=replace(end_to_end.summary, boundary="end_to_end"))
    made = chart(rows([cell(1, 0.4), end_to_end]), "throughput")
    assert made is not None
    wanted = "Timed: device compute by onnxruntime, end to end (H2D + compute + D2H) by rknn; 3 processes"
    assert made.footnotes[0].startswith(wanted)


def test_names_are_written_as_they_are() -> None:
    _, pages = drawn("nasty")
    title = "Throughput of $x^2$ <script>模型</script> _a_ {b} \\frac % [31m and b by batch size"
    if len(plot_style.font_families()) > 1:
        assert title in texts(pages[0])
    assert all(not text.get_parse_math() for text in pages[0].findobj(Text))


def test_characters_without_a_font_are_spelt_and_explained(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot_style, "_OTHERS", ("A Font That Nobody Has",))
    sweep_plots([cell(b, 0.1, model=NASTY.replace("模型", "鲲鹏")) for b in (1, 2)])
    assert "Throughput of $x^2$ <script>\\u9cb2\\u9e4f</script> _a_ {b} \\frac % [31m by batch size" in texts(pages[0])
    assert "\\u...: 2 characters that no font here has" in written(pages[0])


def test_the_shipped_fonts_hold_every_character_of_the_projects_chinese_words() -> None:
    for file in plot_style.FONTS.glob("*.otf"):
        font = font_manager.get_font(file)
        own = {character for character in all_words("zh") if ord(character) > 0x2000}
        missing = {character for character in own if not font.get_char_index(ord(character))}
        assert not missing, "run docs/chart_font.py"
        assert len(own) > 150
        assert file.stat().st_size < 60_000


def test_chinese_charts_need_no_font_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot_style, "_OTHERS", ())
    wanted = chart(rows(TWO_DEVICES), "throughput", "zh")
    assert wanted is not None
    with plot_style.style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        page = draw_lines(plot_style.readable(wanted, "zh"))
        assert page.svg() == page.svg()
        words = texts(page.figure)
    assert {
        "swin98 吞吐率（按 batchsize）",
        "样本/s（越高越好），对数坐标",
        "batchsize",
        "Ascend310P3 · fp16（模拟值）",
        "内存不足",
    } <= set(words)
    assert "\\u" not in written(page.figure)


@contextmanager
def settings_unchanged() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before


def test_nothing_global_is_left_behind() -> None:
    with settings_unchanged():
        sweep_plots(ONE_BATCH)
    code = (
        "import sys; import harness.commands.run, harness.report.plots as plots;"
        "assert 'matplotlib' not in sys.modules, 'imported before it is needed';"
        "from tests.report.test_plots import SWEEP; plots.sweep_plots(SWEEP[:2]);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "records", [[], [cell(1, status="oom"), cell(4, status="oom")], [cell(1, float("nan")), cell(4, float("inf"))]]
)
def test_without_a_figure_there_is_no_chart(records: list[Record]) -> None:
    assert sweep_plots(records) == {}


def test_records_with_next_to_nothing_in_them_are_drawn(pages: Pages) -> None:
    bare = replace(cell(1, 0.4), settings={}, device={}, overrides=(), repeats=(), weights=None)
    assert len(sweep_plots([bare, cell(1, 0.5), cell(4, 0.6)])) == 2
    assert "Throughput of ? and swin98 at several batch sizes" in texts(pages[0])


def test_a_sweeps_folder_gets_the_charts(tmp_path: Path) -> None:
    assert command._draw(SWEEP, tmp_path, tmp_path / "home") == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == drawn("sweep")[0]


def test_a_chart_that_fails_is_a_warning_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(records: object) -> dict[str, bytes]:
        raise RuntimeError("no\nfonts")

    monkeypatch.setattr(plots, "sweep_plots", fail)
    (warning,) = command._draw(SWEEP, tmp_path, tmp_path / "home")
    assert warning == "the charts could not be drawn: RuntimeError: no fonts; the table has their figures"
    assert list(tmp_path.iterdir()) == []


HEIGHTS = st.floats(0.1, 1.0)
PLACES = st.lists(st.tuples(st.floats(-5, 15), HEIGHTS), max_size=12)


@given(PLACES)
def test_names_never_overlap_and_keep_their_order(wanted: list[tuple[float, float]]) -> None:
    wanted = sorted(wanted)
    heights = [height for _, height in wanted]
    places = spread([place for place, _ in wanted], heights, 0.0, 10.0)
    for index in range(len(places) - 1):
        assert places[index + 1] - places[index] >= (heights[index] + heights[index + 1]) / 2 - 1e-9
    assert all(place >= -1e-9 for place in places)
    assert all(place <= 10.0 + 1e-9 for place in places) or sum(heights) > 10.0


@given(st.lists(st.floats(1, 9), min_size=1, max_size=1))
def test_a_name_with_room_stands_where_it_wants(wanted: list[float]) -> None:
    assert spread(wanted, [0.2], 0.0, 10.0) == wanted
