"""Evaluating video networks: through the loop that segmentation uses, streamed and through files, bounded in memory."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from harness.config.compose import compose_settings
from harness.datasets.motions import MOTIONS_CLASSES, Motions
from harness.datasets.protocol import Item, Prepared
from harness.datasets.videos import ViewedVideos
from harness.datasets.views import Sampling
from harness.errors import ConfigError
from harness.evaluate.accumulate import Settings
from harness.evaluate.contact_sheet import contact_sheet, video_draw
from harness.evaluate.files import evaluate_outputs, infer_folder, write_inputs
from harness.evaluate.outputs import SampleFormat
from harness.evaluate.plans import opened_plan
from harness.evaluate.stream import evaluate
from harness.evaluate.task import Model
from harness.evaluate.tasks import classification

SAMPLING = Sampling(frames=2, interval=2, clips=2, crops=3, size=16)
VIEWS = SAMPLING.views


class Brightness:
    """Logits that follow from the pixels of each view: (batch * views, classes)."""

    def run(self, inputs):
        (batch,) = inputs.values()
        means = batch.mean(axis=(3, 4, 5)).reshape(-1, 3)  # view by view
        return [np.concatenate([means, np.sin(9 * means), means[:, :2] * 2], axis=1).astype(np.float32)]


def softmax_mean(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)


def test_scores_are_the_mean_over_the_views_of_the_softmax():
    data = ViewedVideos(Motions(10), SAMPLING)
    result = evaluate(
        data, data.items, [Model(Brightness(), "input", 2)], classification(data.class_names), Settings()
    ).result
    hits = {1: 0, 5: 0}
    for item in data.items:
        prepared = data.load(item)
        scores = softmax_mean(Brightness().run({"x": prepared.samples[0][None]})[0])
        ranked = np.argsort(-scores, kind="stable")
        for k in hits:
            hits[k] += prepared.truth in ranked[:k]
        (own,) = (each.score for each in result.items if each.item_id == item.id)
        assert own == pytest.approx(scores[prepared.truth], abs=1e-9)
    assert (result.top1, result.top5) == (hits[1] / 10, hits[5] / 10)


@pytest.mark.parametrize("batch", [1, 3])
def test_files_have_the_seeds_names_and_give_the_same_result(tmp_path, batch):
    data = ViewedVideos(Motions(5), SAMPLING)
    model = Model(Brightness(), "input", batch)
    task = classification(data.class_names)
    streamed = evaluate(data, data.items, [model], task, Settings()).result
    names = write_inputs(data, data.items, tmp_path / "inputs", Settings())
    assert names == ("1.bin", "2.bin", "3.bin", "4.bin", "5.bin")
    assert (tmp_path / "inputs" / "1.bin").stat().st_size == 4 * np.prod((VIEWS, 3, 2, 16, 16))
    sample, output = SampleFormat((VIEWS, 3, 2, 16, 16)), SampleFormat((VIEWS, 8))
    infer_folder(model, names, tmp_path / "inputs", tmp_path / "outputs", sample, resume=False, progress=None)
    assert {file.name for file in (tmp_path / "outputs").rglob("*.bin")} == {f"{n}_0.bin" for n in range(1, 6)}
    found = evaluate_outputs(
        data, data.items, tmp_path / "outputs", output=output, task=task, settings=Settings()
    ).result
    assert found.items == streamed.items
    assert (found.top1, found.top5, found.mean_class_accuracy) == (
        streamed.top1,
        streamed.top5,
        streamed.mean_class_accuracy,
    )


def test_at_most_two_prepared_videos_wait_however_many_there_are():
    settings = compose_settings("model=video_swin_tiny", "dataset=motions", "evaluate=true", "model.weights=random")
    alive, most, lock = set(), [0], threading.Lock()

    class Watched:
        """Counts the videos that were prepared and not yet given to the model."""

        name, class_names = "watched", MOTIONS_CLASSES
        items = tuple(Item(f"video{number}", number) for number in range(40))

        def load(self, item):
            with lock:
                alive.add(item.index)
                most[0] = max(most[0], len(alive))
            return Prepared(item, (f"{item.index + 1}.bin",), (np.full((1,), item.index, np.float32),), 0, None)

    class Slow:
        def run(self, inputs):
            (batch,) = inputs.values()
            with lock:
                alive.discard(int(batch[0, 0]))
            return [np.zeros((1, len(MOTIONS_CLASSES)), np.float32)]

    with opened_plan(settings) as plan:
        assert plan.waiting == 2
        how = Settings(waiting=plan.waiting)
    evaluate(Watched(), Watched.items, [Model(Slow(), "input", 1)], classification(MOTIONS_CLASSES), how)
    assert most[0] <= 3  # two that wait, and the one that is handed over


def test_plan_follows_the_models_input():
    settings = compose_settings("model=video_swin", "dataset=motions", "model.options.num_classes=8")
    with opened_plan(settings) as plan:
        assert plan.mode == "12 views"
        assert plan.how == "4 clips of 32 frames, 1 in 2, 3 crops of 224x224"
        assert plan.sample.shape == (12, 3, 32, 224, 224)
        assert plan.sample.size_bytes == 231_211_008  # the seed's 231 MB
        assert plan.output.shape == (12, 8)


def test_model_of_other_classes_is_refused():
    settings = compose_settings("model=video_swin", "dataset=motions")
    with pytest.raises(ConfigError, match="motions has 8 classes and video_swin 400"), opened_plan(settings):
        pass


def test_contact_sheet_names_the_true_and_the_predicted_class():
    data = ViewedVideos(Motions(3), SAMPLING)
    prepared = data.load(data.items[1])
    prediction = np.full(8, 0.05)
    prediction[1] = 0.65
    right = video_draw(data.source, SAMPLING)(prepared, prediction)
    wrong = video_draw(data.source, SAMPLING)(prepared, np.roll(prediction, 1))
    assert right.dtype == np.uint8
    assert right.shape == wrong.shape
    assert right.shape[0] > SAMPLING.clips * 90
    assert (right != wrong).any(axis=2)[:44].any()  # the words above
    np.testing.assert_array_equal(right[60:], wrong[60:])
    clips = [[np.full((48, 64, 3), (255, 0, 0), np.uint8)] * 2] * 3
    sheet = contact_sheet(clips, 0, prediction, MOTIONS_CLASSES)
    red = cv2.inRange(sheet, (0, 0, 255), (0, 0, 255)).sum() / 255
    assert red >= 6 * 96 * 128  # RGB frames are shown as BGR
