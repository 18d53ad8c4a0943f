"""Tables are found in Markdown, HTML, CSV and TSV, with merged cells spread out, whatever surrounds them."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.parsing.table import plain
from harness.parsing.tables import read_tables
from harness.parsing.text import ParseError

CELL = st.text(st.characters(codec="utf-8", exclude_characters="|\\*_~`[]()<>&!-:\r\n\t,;\"'"), max_size=12).map(plain)
GRID = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=2, max_size=6)
)


def full(grid: list[list[str]]) -> bool:
    return all(any(row) for row in grid) and len(grid[0]) > 1


@given(GRID.filter(full), st.sampled_from(["", "    ", "\t"]), st.booleans())
def test_markdown_gives_back_what_was_written(grid: list[list[str]], indent: str, closed: bool) -> None:
    end = " |" if closed else " | " if not all(row[-1] for row in grid) else ""
    lines = [f"{indent}| {' | '.join(row)}{end}" for row in grid]
    lines.insert(1, f"{indent}|{'---|' * len(grid[0])}")
    (table,) = read_tables("# 标题\n\n" + "\n".join(lines) + "\n\nafterwards", "markup")
    assert (table.first, table.last, table.title) == (3, 3 + len(grid), "标题")
    assert [list(table.header), *map(list, table.rows)] == grid


@given(GRID)
def test_html_gives_back_what_was_written(grid: list[list[str]]) -> None:
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in grid)
    (table,) = read_tables(f"<p>before</p><table border=1>\n{rows}</table>", "markup")
    assert [list(table.header), *map(list, table.rows)] == grid


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_any_text_has_tables_of_even_rows_or_none(text: str) -> None:
    for kind in ("markup", "csv", "tsv"):
        try:
            found = read_tables(text, kind)
        except ParseError:
            continue
        for table in found:
            assert {len(row) for row in table.rows} == {len(table.header)}


@given(
    st.lists(
        st.sampled_from(["<table>", "</table>", "<tr>", "<td rowspan=3>", "<th colspan='2'>", "x", "</td>"]),
        max_size=30,
    )
)
def test_broken_html_ends_in_even_rows(parts: list[str]) -> None:
    for table in read_tables("".join(parts), "markup"):
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_merged_cells_stand_wherever_they_reach() -> None:
    (table,) = read_tables(
        "<table><tr><th rowspan=2>Model</th><th colspan=2>精度</th></tr><tr><th>top1</th><th>top5</th></tr>"
        "<tr><td rowspan='2'>a<br>b</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>",
        "markup",
    )
    assert table.header == ("Model", "精度 top1", "精度 top5")
    assert table.rows == (("a; b", "1", "2"), ("a; b", "3", "4"))


def test_markup_in_cells_is_left_out() -> None:
    (table,) = read_tables(
        "|**a**|<center>b|c|\n|--|--|--|\n|[47.72%](https://x/y)|*1.5*<br/>x &lt; y|top1：0.8，`k`|\n", "markup"
    )
    assert table.header == ("a", "b", "c")
    assert table.rows == (("47.72%", "1.5; x < y", "top1:0.8,k"),)


def test_scripts_and_fenced_code_are_not_read() -> None:
    text = (
        "<script>document.write('<table><tr><td>1</td></tr><tr><td>2</td></tr></table>')</script>\n"
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n"
        "<table><tr><th>a</th></tr><tr><td>5<script>alert(1)</script></td></tr></table>"
    )
    (table,) = read_tables(text, "markup")
    assert (table.header, table.rows) == (("a",), (("5",),))
    assert table.first == 7


def test_a_table_in_a_table_stands_for_itself() -> None:
    inner = "<table><tr><td>i</td></tr><tr><td>1</td></tr></table>"
    found = read_tables(f"<table><tr><td>o</td></tr><tr><td>{inner}2</td></tr></table>", "markup")
    assert sorted(table.rows for table in found) == [(("1",),), (("2",),)]


def test_a_line_of_dashes_with_a_column_too_few_is_one_all_the_same() -> None:
    (table,) = read_tables("| a | b | c |\n| -- | -- |\n| 1 | 2 | 3 |", "markup")
    assert table.rows == (("1", "2", "3"),)


def test_a_row_without_values_does_not_end_a_table_and_another_header_does() -> None:
    first, second = read_tables("| a | b |\n|-|-|\n| - | - |\n| 1 | 2 |\n| c | d |\n|---|---|\n| 3 | 4 |", "markup")
    assert first.rows == (("-", "-"), ("1", "2"))
    assert (second.header, second.rows) == (("c", "d"), (("3", "4"),))
    (table,) = read_tables("| a | b |\n|---|---|\n| x | 1 |\n|---|---|\n| y | 2 |\n|---|---|", "markup")
    assert table.rows == (("x", "1"), ("y", "2"))


@pytest.mark.parametrize(
    "hostile", ["-|" + " " * 50_000 + "x", "[" * 50_000, "**a " * 20_000, "<a" * 50_000, "|" * 50_000]
)
def test_hostile_lines_are_read_at_once(hostile: str) -> None:
    for table in read_tables(f"| a | b |\n|---|---|\n| {hostile} | 1 |\n{hostile}\n", "markup"):
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_separated_values_are_kept_as_they_are() -> None:
    (table,) = read_tables('\ufeffa;b\n" x; ""y""";１\n'.removeprefix("\ufeff"), "csv")
    assert table.rows == ((' x; "y"', "１"),)
    (table,) = read_tables('a\tb\n"x\t 1 \n', "tsv")
    assert table.rows == (('"x', " 1 "),)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "| a | b |", "|--|--|", "<table></table>", "<table><tr><td>1</td></tr></table>"]
)
def test_nothing_is_no_table(text: str) -> None:
    assert read_tables(text, "markup") == []


def test_a_cell_that_reaches_too_far_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.parsing.tables_html.MOST_CELLS", 5000)
    row = "<tr>" + "<td colspan=1000 rowspan=1000>x</td>" * 3 + "</tr>"
    with pytest.raises(ParseError, match="more than 5000 cells"):
        read_tables(f"<table>{row * 4}</table>", "markup")
