"""Confused pairs, worst items, and text that comes from files."""

import numpy as np

from harness.evaluate.tables import boxed, confused_table, worst_table
from harness.metrics.confusion import ConfusedPair, most_confused
from harness.metrics.scores import ItemScore, worst


def test_most_confused_pairs_come_first_with_their_share_of_the_truth():
    counts = np.array([[5, 5, 0], [7, 0, 0], [1, 0, 99]], np.int64)
    assert most_confused(counts, ("a", "b", "c"), top=2) == [
        ConfusedPair("b", "a", 7, 1.0),
        ConfusedPair("a", "b", 5, 0.5),
    ]
    assert len(most_confused(counts, ("a", "b", "c"))) == 3, "pairs that never happened are not listed"


def test_worst_items_leave_out_those_without_a_score():
    scores = (ItemScore("a", 0.5), ItemScore("b", float("nan")), ItemScore("c", 0.1), ItemScore("d", 0.1))
    assert [score.item_id for score in worst(scores, 3)] == ["c", "d", "a"]


def test_names_from_files_cannot_draw_on_the_terminal():
    text = worst_table([ItemScore("evil\x1b[31m\n| x", 0.25)])
    assert "\x1b" not in text
    assert "evil\\x1b[31m\\n| x" in text
    assert len(text.splitlines()) == 5


def test_cells_are_centred_as_prettytable_centres_them():
    assert boxed(("Class", "IoU"), [("even", 1.5), ("odd", 22.25)]).splitlines() == [
        "+-------+-------+",
        "| Class |  IoU  |",
        "+-------+-------+",
        "|  even |  1.5  |",
        "|  odd  | 22.25 |",
        "+-------+-------+",
    ]


def test_confused_table_shows_counts_and_percent():
    assert "|   b   |     a     |   7   |    50.0    |" in confused_table([ConfusedPair("b", "a", 7, 0.5)])
