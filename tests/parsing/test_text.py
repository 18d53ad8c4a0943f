"""Cleaning, numbers, and the error for a text that says nothing."""

# ruff: noqa: RUF001  (full-width characters are what is tested)

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.parsing.text import clean, excerpt, integer, not_understood, number
from harness.parsing.timing import Timing, check_timing, dyadic_step_ms


@given(st.text())
def test_cleaning_twice_changes_nothing_but_line_numbers(text: str) -> None:
    once = clean("x" + text)
    assert clean(once) == once
    assert "\r" not in once
    assert "\x1b" not in once


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("\ufeffa", "a"),
        ("\x1b[31ma\x1b[0m\n", "a\n"),
        ("a\x1b[0m", "a\n"),
        ("\x1b]0;title\x07a", "a"),
        ("１２，３％（ｘ）", "12,3%(x)"),
        ("a\u00a0b\u3000c", "a b c"),
        ("a\x08b\x00c", "abc"),
        ("1 a\n2 b\n3 c\n", "a\nb\nc\n"),
        ("  9\ta\n 10\tb\n 11\t\n", "a\nb\n\n"),
        ("1 a\n2 b\n4 c\n", "1 a\n2 b\n4 c\n"),
        ("1 a\n2 b\n", "1 a\n2 b\n"),
    ],
)
def test_cleaning(given: str, expected: str) -> None:
    assert clean(given) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_float_is_read_back(value: float) -> None:
    assert number(repr(value)) == value


@pytest.mark.parametrize(
    "token", ["", ".", "-", "1e", "1e-", "1.2.3", "nan", "inf", "-inf", "1e999", "0x10", "1_0", "٣", "9" * 401]
)
def test_what_is_no_finite_number(token: str) -> None:
    assert number(token) is None


@pytest.mark.parametrize(
    ("token", "value"), [("1.", 1.0), (".5", 0.5), ("+1e3", 1000.0), ("16.74.", 16.74), ("-0", 0.0)]
)
def test_numbers(token: str, value: float) -> None:
    assert number(token) == value


@given(st.text())
def test_integers_are_read_or_refused(text: str) -> None:
    value = integer(text)
    assert value is None or (text.isascii() and text.isdigit() and value == int(text))
    assert integer("9" * 5000) is None


@given(st.text())
def test_the_error_is_one_line(text: str) -> None:
    assert len(str(not_understood("atc", text, "words")).splitlines()) == 1
    assert len(excerpt(text)) < 1000


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_possible_statistics_are_not_flagged(values: list[float]) -> None:
    ordered = sorted(values)
    mean = min(max(math.fsum(values) / len(values), ordered[0]), ordered[-1])
    median = ordered[len(ordered) // 2]
    assert check_timing(Timing("t", ordered[0], ordered[-1], mean, median, ((99.0, ordered[-1]),))) == ()


def test_percentiles_by_level() -> None:
    timing = Timing("t", percentiles=((90.0, 1.0), (99.9, 2.0)))
    assert (timing.percentile(90), timing.percentile(99)) == (1.0, None)
    assert timing.to_json() == {"p90": 1.0, "p99.9": 2.0}


@pytest.mark.parametrize(
    ("values", "step"),
    [((59.75, 59.765625), 1 / 64), ((59.518001556396484,), None), ((0.0,), None), ((), None), ((3.0, 7.0), 1.0)],
)
def test_step_of_float32_stamps(values: tuple[float, ...], step: float | None) -> None:
    assert dyadic_step_ms(values) == step
