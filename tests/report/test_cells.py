"""The table of cells: its text as a user reads it, on wide, narrow and old terminals, and as Markdown."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.records.schema import Estimate, Outcome, Record, Repeat, Step, Summary, Tail, Weights
from harness.report.cells import cells_markdown, cells_table
from harness.report.digits import figure, significant
from tests.report.golden_files import assert_golden

RANDOM = Weights(kind="random", trained=False, seed=0)


def repeat(number: int, iterations: int = 10) -> Repeat:
    return Repeat(
        round=number,
        started="2026-01-01T00:00:00+00:00",
        boundary="compute",
        iterations=iterations,
        mean_ms=100.0,
        median_ms=100.0,
        min_ms=90.0,
        max_ms=110.0,
        warmup_iterations=1,
        first_iteration_ms=200.0,
        load_s=1.0,
        window_s=1.0,
        samples_file=f"samples-{number:02d}.npz",
        peak_memory_bytes=4_512_345_678,
    )


def summary(
    throughput: tuple[float, float], latency: tuple[float, float], n: int = 3, verdict: str = "stable"
) -> Summary:
    def estimate(mean: float, halfwidth: float) -> Estimate:
        return Estimate(mean, mean - halfwidth, mean + halfwidth, n)

    return Summary("compute", estimate(*throughput), estimate(*latency), None, 30, verdict)  # type: ignore[arg-type]


def record(batchsize: int = 1, **changes: Any) -> Record:
    base = Record(
        record_id=f"r{batchsize}",
        sweep_id="s",
        cell=0,
        name=f"swin98_cpu_fp32_bs{batchsize}",
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:10:00+00:00",
        settings={
            "model": {"name": "swin98"},
            "batchsize": batchsize,
            "soc_version": {"name": "cpu"},
            "precision": {"name": "fp32"},
        },
        overrides=("model=swin98", f"batchsize={batchsize}"),
        outcome=Outcome(status="ok"),
        source="measured",
        device={"name": "cpu", "cpu_model": "AMD EPYC 7B13"},
        steps=(Step(stage="export", outcome=Outcome(status="ok"), peak_memory_bytes=5_400_000_000),),
        repeats=(repeat(1), repeat(2), repeat(3)),
        summary=summary((0.41234, 0.0123), (2431.2, 43.0)),
        weights=RANDOM,
    )
    return replace(base, **changes)


MIXED = [
    record(1),
    record(
        4,
        summary=summary((0.4512, 0.06), (8_912.0, 512.0), verdict="unstable"),
        repeats=(repeat(1, 2), repeat(2, 3), repeat(3, 2)),
    ),
    record(
        8,
        outcome=Outcome(
            status="oom",
            stage="measure",
            reason="host_out_of_memory",
            message="std::bad_alloc",
            hint="it was allowed 6.0 GB (limits.memory_gb); a smaller batchsize needs less",
        ),
        repeats=(),
        summary=None,
    ),
    record(
        16,
        outcome=Outcome(status="skipped", reason="no_device", message="no T4 here"),
        repeats=(),
        summary=None,
        steps=(),
        weights=None,
    ),
]
SIMULATED = [
    record(1, source="simulated", device={"name": "Ascend310P3"}, weights=Weights(kind="checkpoint", trained=True)),
    record(1, source="reference", interleaved=False, repeats=(repeat(1),), weights=None),
    record(
        4,
        summary=summary((0.41234, 0.0), (2431.2, 0.0), n=1),
        repeats=(repeat(1),),
        outcome=Outcome(status="timeout", stage="measure", reason="time_limit", message="still running after 60 s"),
        weights=Weights(kind="file", trained=False),
    ),
]


def shown(records: list[Record], width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding) as out:
        Console(file=out, width=width, _environ={}).print(cells_table(records))
        out.flush()
        return "\n".join(line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()) + "\n"


@pytest.mark.parametrize("name", ["mixed", "simulated"])
def test_the_table_is_the_golden_one(name: str) -> None:
    records = {"mixed": MIXED, "simulated": SIMULATED}[name]
    assert_golden(shown(records), f"cells_{name}.txt")
    assert_golden(cells_markdown(records), f"cells_{name}.md")


@pytest.mark.parametrize("width", [20, 30, 40, 55, 60, 70, 80, 97, 98, 100, 200])
def test_what_is_shown_is_complete_whatever_the_width(width: int) -> None:
    text = shown(MIXED, width)
    hidden = " ".join(text.split()).partition("Not shown for want of width: ")[2]
    assert max(map(len, text.splitlines())) <= width
    assert all(words in text for words in ("swin98", "oom [1]", "skipped [2]"))
    for column, value in {"samples/s": "0.412 ±0.012", "median ms": "2430 ±40", "verdict": "unstable"}.items():
        assert (value in text) != (column in hidden)
    assert (width >= 98) != bool(hidden)


def test_an_old_terminal_gets_what_it_can_show() -> None:
    text = shown([replace(MIXED[0], name="模型", outcome=Outcome(status="ok", message="了"))], encoding="ascii")
    assert "0.412 +-0.012" in text
    assert "[1] ??: ok: ?" in text


def test_nothing_in_a_record_is_taken_for_markup() -> None:
    nasty = "[red]x[/] <script>alert(1)</script> a|b `c` *d* _e_ \x1b[31m\nf"
    bad = record(1, name=nasty, outcome=Outcome(status="failed", stage="export", reason="x", message=nasty))
    bad = replace(bad, settings={**bad.settings, "model": {"name": nasty}})
    plain = nasty.replace("\x1b", " ").replace("\n", " ")
    assert "\x1b" not in shown([bad], 400)
    assert plain in shown([bad], 400)
    markdown = cells_markdown([bad])
    assert "<" not in markdown
    assert r"\[red\]x\[/\] &lt;script&gt;alert(1)&lt;/script&gt; a\|b \`c\` \*d\* \_e\_" in markdown
    assert len(markdown.splitlines()[2].replace(r"\|", "").split("|")) == 12


def test_names_with_inner_underscores_stay_readable() -> None:
    tiny = record(1, settings={**record(1).settings, "model": {"name": "swin98_tiny"}})
    assert "| swin98_tiny |" in cells_markdown([tiny])


def test_cells_that_the_columns_do_not_tell_apart_show_what_does() -> None:
    records = [record(1, overrides=("model=swin98", "seed=1", f"export.opset={opset}")) for opset in (11, 13)]
    text = shown(records, 120)
    assert "swin98 export.opset=11" in text
    assert "swin98 export.opset=13" in text
    assert "seed=1" not in text


def test_random_weights_are_named_in_column_and_note() -> None:
    text = shown([record(1)])
    assert text.splitlines()[1].endswith("random")
    assert "Random and untrained weights" in text
    trained = shown([record(1, weights=Weights(kind="checkpoint", trained=True))])
    assert "trained" in trained
    assert "untrained" not in trained


@pytest.mark.parametrize(("source", "mark"), [("simulated", "*"), ("reference", "^")])
def test_what_is_not_a_measurement_bears_a_mark_at_every_figure(source: Any, mark: str) -> None:
    text = shown([record(1, source=source)])
    assert f"0.412 ±0.012{mark}" in text
    assert f"2430 ±40{mark}" in text
    assert f"{mark} {source}" in text
    assert f"±0.012{mark}".replace("*", r"\*") in cells_markdown([record(1, source=source)])


def test_a_record_with_next_to_nothing_in_it_is_a_row() -> None:
    bare = replace(record(1), settings={}, device={}, steps=(), repeats=(), summary=None, weights=None)
    bare = replace(bare, outcome=Outcome(status="crashed"))
    assert "crashed" in shown([bare])
    assert "| - | - | - | - | crashed | - | - | - | - | - |" in cells_markdown([bare])
    odd = replace(bare, settings={"model": "swin98", "soc_version": None, "batchsize": 0})
    assert "crashed" in shown([odd], 30)


def test_graph_rules_that_never_fired_are_mentioned() -> None:
    busy = replace(record(1), graph={"nodes": 3, "rules": {"empty_parts": 2, "whole_slice": 0}})
    assert "swin98: graph rules that never fired: whole_slice." in shown([busy])
    assert "never fired" not in shown([replace(busy, graph={"rules": {"empty_parts": 2}})])


def test_no_cells_is_an_empty_table() -> None:
    assert "samples/s" in shown([])
    assert len(shown([]).strip().splitlines()) == 1
    assert len(cells_markdown([]).splitlines()) == 2


@pytest.mark.parametrize(
    ("mean", "halfwidth", "words"),
    [
        (0.41234, 0.0123, "0.412 ±0.012"),
        (0.41234, 0.03, "0.41 ±0.03"),
        (2431.2, 43.0, "2430 ±40"),
        (2431.2, 143.0, "2430 ±140"),
        (16.7421, 0.00031, "16.7421 ±0.0003"),
        (0.4, 0.9, "0.4 ±0.9"),
        (0.5, 0.2, "0.5 ±0.2"),
        (1000.0, 0.99, "1000.0 ±1.0"),
        (16.7421, 0.0, "16.74 ±0"),
        (16.7421, 1e-12, "16.74 ±0"),
        (float("nan"), 1.0, "-"),
        (float("inf"), 1.0, "-"),
    ],
)
def test_digits_go_as_far_as_the_interval_earns_them(mean: float, halfwidth: float, words: str) -> None:
    assert figure(Estimate(mean, mean - halfwidth, mean + halfwidth, 3)) == words


@pytest.mark.parametrize(("mean", "words"), [(0.41234, "0.41"), (2431.0, "2400"), (16.74, "17"), (0.0, "0")])
def test_one_process_earns_two_digits_and_no_interval(mean: float, words: str) -> None:
    assert figure(Estimate(mean, None, None, 1)) == words


@given(st.floats(1e-6, 1e6), st.floats(1e-4, 2))
def test_a_printed_figure_is_within_half_a_digit_of_the_truth(mean: float, relative: float) -> None:
    halfwidth = mean * relative
    shown_mean, shown_half = map(float, figure(Estimate(mean, mean - halfwidth, mean + halfwidth, 3)).split(" ±"))
    assert abs(shown_mean - mean) <= halfwidth * 0.26
    assert abs(shown_half - halfwidth) <= halfwidth * 0.26


@given(st.floats(-1e12, 1e12), st.integers(1, 8))
def test_significant_digits_are_never_scientific(value: float, digits: int) -> None:
    text = significant(value, digits)
    assert "e" not in text
    assert abs(float(text) - value) <= abs(value) * 0.51 * 10.0 ** (1 - digits)


def test_copies_and_percentiles_have_columns_where_there_are_any() -> None:
    means = {"compute": 50.0, "h2d": 1.0, "d2h": 98.0, "end_to_end": 149.0}
    base = summary((20, 0.2), (50, 0.5))
    bound = replace(
        base,
        bound="transfer-bound",
        percentiles={"p90": Tail(52.34, 53.07)},
        throughputs={"end_to_end": Estimate(6.71, 6.6, 6.82, 3)},
    )
    npu = record(1, summary=bound, repeats=tuple(replace(repeat(n), means_ms=means) for n in (1, 2, 3)))
    text = cells_markdown([npu, record(4)])
    head, row, other = (text.splitlines()[line].split(" | ") for line in (0, 2, 3))
    assert "p99 ms" not in text
    at = {name: place for place, name in enumerate(head)}
    assert (row[at["end to end/s"]], row[at["p90 ms"]]) == ("6.71 ±0.11", "52.3 (≤53.1)")
    assert (other[at["end to end/s"]], other[at["p90 ms"]]) == ("-", "-")
    assert row[at["verdict"]] == "stable, transfer-bound"
    assert "with an output 16 times smaller end to end would be 17.5 samples/s" in text
    assert "end to end/s" not in cells_markdown([record(4)])
