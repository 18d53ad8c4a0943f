"""Segmentation metrics against mmsegmentation's numbers, and the invariants of merging and restoring."""

import json
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.ade20k_classes import ADE20K_CLASSES
from harness.evaluate.tables import segmentation_tables
from harness.metrics.segmentation import SegmentationMetric, rounded, segmentation_result

NAMES = ("sky", "tree", "road")


@pytest.fixture(scope="module")
def golden(shared):
    metric = SegmentationMetric(ADE20K_CLASSES)
    for number in (1, 2, 3):
        annotation = shared / f"real/ADEChallengeData2016/annotations/validation/ADE_val_0000000{number}.png"
        prediction = cv2.imread(str(shared / f"golden/noisygt_{number}.png"), cv2.IMREAD_UNCHANGED)
        metric.update(f"image {number}", prediction, cv2.imread(str(annotation), cv2.IMREAD_UNCHANGED))
    return metric.result(), json.loads((shared / "golden/seg_metrics.json").read_text())


def test_noisy_ground_truth_scores_what_mmsegmentation_says(golden):
    result, truth = golden
    want = truth["noisy_gt"]
    assert math.isclose(result.a_acc, want["aAcc"], abs_tol=1e-9)
    for mine, theirs in (
        ("iou", "IoU"),
        ("acc", "Acc"),
        ("dice", "Dice"),
        ("f_score", "Fscore"),
        ("precision", "Precision"),
        ("acc", "Recall"),
    ):
        np.testing.assert_allclose(getattr(result, mine), np.array(want[theirs], float), rtol=0, atol=1e-9)


def test_rounded_equals_the_dictionary_of_evaluate(golden):
    result, truth = golden
    want = {key.strip(): value for key, value in truth["noisy_gt_evaluate"].items()}
    mine = rounded(result)
    assert mine.keys() == want.keys()
    for key, value in want.items():
        assert mine[key] == value or (math.isnan(mine[key]) and math.isnan(value)), key


def test_tables_look_as_the_seed_prints_them(golden):
    lines = segmentation_tables(golden[0]).splitlines()
    assert lines[:6] == [
        "per class results:",
        "+---------------------+-------+-------+",
        "|        Class        |  IoU  |  Acc  |",
        "+---------------------+-------+-------+",
        "|         wall        | 67.37 |  70.6 |",
        "|       building      | 69.95 | 70.27 |",
    ]
    assert lines[153:] == [
        "|         flag        |  0.0  |  nan  |",
        "+---------------------+-------+-------+",
        "",
        "Summary:",
        "+-------+------+-------+",
        "|  aAcc | mIoU |  mAcc |",
        "+-------+------+-------+",
        "| 70.22 | 5.1  | 70.71 |",
        "+-------+------+-------+",
    ]


def test_unlabelled_pixels_count_nowhere_and_absent_classes_are_nan():
    metric = SegmentationMetric(NAMES)
    metric.update("a", np.array([[0, 0, 1, 2]], np.uint8), np.array([[1, 1, 1, 0]], np.uint8))
    result = metric.result()
    assert result.confusion.tolist() == [[2, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert result.iou[0] == 2 / 3
    assert result.iou[1] == 0, "predicted but never true"
    assert math.isnan(result.iou[2])
    assert math.isnan(result.acc[1])
    assert result.m_iou == pytest.approx(1 / 3)
    assert result.m_acc == 2 / 3


def test_without_the_reduced_zero_label_zero_is_a_class_and_255_is_ignored():
    metric = SegmentationMetric(NAMES, reduce_zero_label=False)
    metric.update("a", np.array([[0, 1, 2]], np.uint8), np.array([[0, 255, 2]], np.uint8))
    assert np.diagonal(metric.result().confusion).tolist() == [1, 0, 1]


def test_nothing_evaluated_is_nan_and_not_a_warning():
    result = SegmentationMetric(NAMES).result()
    assert math.isnan(result.m_iou)
    assert math.isnan(result.a_acc)
    assert "| nan  | nan  | nan  |" in segmentation_tables(result)


@pytest.mark.parametrize(("prediction", "truth"), [([[3]], [[1]]), ([[0]], [[4]]), ([[0]], [[200]]), ([[0, 0]], [[1]])])
def test_values_and_shapes_that_cannot_be_are_refused_and_counted_nowhere(prediction, truth):
    metric = SegmentationMetric(NAMES)
    with pytest.raises(ValueError, match="a: "):
        metric.update("a", np.array(prediction, np.uint8), np.array(truth, np.uint8))
    assert metric.result().confusion.sum() == 0
    assert metric.result().images == ()


def test_an_image_counts_once():
    metric = SegmentationMetric(NAMES)
    metric.update("a", np.zeros((1, 1), np.uint8), np.ones((1, 1), np.uint8))
    with pytest.raises(ValueError, match="twice"):
        metric.update("a", np.zeros((1, 1), np.uint8), np.ones((1, 1), np.uint8))


images = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(images, st.integers(0, 6), st.integers(0, 6))
def test_any_split_merge_and_restore_gives_the_same_bits(seeds, cut, saved_at):
    def add(metric, number):
        rng = np.random.default_rng(seeds[number])
        shape = tuple(rng.integers(1, 9, 2))
        metric.update(f"i{number}", rng.integers(0, 3, shape, np.uint8), rng.integers(0, 4, shape, np.uint8))

    whole, first, second = (SegmentationMetric(NAMES) for _ in range(3))
    for number in range(len(seeds)):
        add(whole, number)
        if number == saved_at:
            state, second = second.state(), SegmentationMetric(NAMES)
            second.restore(state)
        add(first if number < cut else second, number)
    second.merge(first)
    ours, theirs = whole.result(), second.result()
    assert np.array_equal(ours.confusion, theirs.confusion)
    assert repr(ours.images) == repr(theirs.images)
    assert (ours.m_iou == theirs.m_iou) or math.isnan(ours.m_iou)


def test_iou_equals_its_definition_on_sets():
    rng = np.random.default_rng(3)
    prediction, truth = rng.integers(0, 3, (40, 30), np.uint8), rng.integers(0, 4, (40, 30), np.uint8)
    metric = SegmentationMetric(NAMES)
    metric.update("a", prediction, truth)
    known = truth > 0
    for index, iou in enumerate(metric.result().iou):
        a, b = (prediction == index) & known, truth == index + 1
        assert iou == (a & b).sum() / (a | b).sum()


def test_a_result_can_be_rebuilt_from_the_confusion_alone():
    counts = np.array([[3, 1], [2, 4]], np.int64)
    result = segmentation_result(("a", "b"), counts)
    assert result.a_acc == 0.7
    assert result.iou.tolist() == [3 / 6, 4 / 7]
    assert result.dice.tolist() == [6 / 9, 8 / 11]
