"""Classification metrics against mmaction2's numbers, their ties and their merging."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.evaluate.tables import classification_tables
from harness.metrics.classification import ClassificationMetric

NAMES = tuple("abcdefg")


def test_five_hundred_vectors_score_what_mmaction_says(shared):
    arrays = np.load(shared / "golden/topk.npz")
    want = json.loads((shared / "golden/topk.json").read_text())
    metric = ClassificationMetric(tuple(str(index) for index in range(400)))
    for number, (scores, label) in enumerate(zip(arrays["scores"], arrays["labels"], strict=True)):
        metric.update(str(number), scores, int(label))
    result = metric.result()
    assert result.top1 == pytest.approx(want["top1"], abs=1e-9)
    assert result.top5 == pytest.approx(want["top5"], abs=1e-9)
    assert result.mean_class_accuracy == pytest.approx(want["mca"], abs=1e-9)


def test_a_class_that_is_only_predicted_counts_as_zero_and_an_unmet_one_not_at_all():
    metric = ClassificationMetric(("a", "b", "c"))
    metric.update("x", np.array([0.9, 0.1, 0.0]), 0)
    metric.update("y", np.array([0.1, 0.9, 0.0]), 0)
    assert metric.result().mean_class_accuracy == 0.25
    assert metric.result().acc[0] == 0.5
    assert np.isnan(metric.result().acc[1:]).all()


def test_equal_scores_rank_in_class_order():
    metric = ClassificationMetric(NAMES)
    for truth in range(7):
        metric.update(str(truth), np.zeros(7), truth)
    assert metric.running() == {"top1": 1 / 7, "top5": 5 / 7}


@pytest.mark.parametrize(("scores", "truth"), [(np.zeros(6), 0), (np.zeros(7), 7), (np.zeros((1, 7)), 0)])
def test_wrong_shapes_and_classes_are_refused(scores, truth):
    with pytest.raises(ValueError, match="x: "):
        ClassificationMetric(NAMES).update("x", scores, truth)


def test_nan_is_an_error_for_the_user_and_not_a_prediction():
    with pytest.raises(HarnessError, match="x: the scores hold NaN"):
        ClassificationMetric(NAMES).update("x", np.array([0, np.nan, 0, 0, 0, 0, 0]), 1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 6)), max_size=8), st.integers(0, 8))
def test_merging_and_restoring_change_nothing(items, cut):
    whole, first, second = (ClassificationMetric(NAMES) for _ in range(3))
    for number, (seed, truth) in enumerate(items):
        scores = np.random.default_rng(seed).random(7)
        whole.update(str(number), scores, truth)
        (first if number < cut else second).update(str(number), scores, truth)
    restored = ClassificationMetric(NAMES)
    restored.restore(first.state())
    second.merge(restored)
    assert repr(second.result()) == repr(whole.result())


def test_the_table_names_every_class_and_three_totals():
    metric = ClassificationMetric(("jump", "run"))
    metric.update("x", np.array([0.9, 0.1]), 0)
    text = classification_tables(metric.result())
    assert "|  jump | 100.0 |" in text
    assert "|  run  |  nan  |" in text
    assert "| 100.0 | 100.0 |     100.0      |" in text
