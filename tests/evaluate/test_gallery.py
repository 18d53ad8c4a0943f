"""What one looks at afterwards: panels of examples and of the worst images, the tables, the progress line."""

import cv2
import numpy as np
import pytest

from harness.datasets.pictures import WindowedPictures
from harness.datasets.protocol import Item, Prepared
from harness.datasets.shapes import SHAPES_CLASSES, SHAPES_SLIDING, Shapes
from harness.evaluate.gallery import Gallery, segmentation_draw
from harness.evaluate.panels import palette, panel
from harness.evaluate.progress import Progress, duration, progress_line
from harness.metrics.scores import ItemScore

ITEMS = [Item(f"i{number}", number) for number in range(10)]
SCORES = [0.9, 0.5, 0.8, 0.1, 0.7, 0.2, 0.6, 0.3, 0.4, float("nan")]


def draw(prepared, prediction):
    return np.full((4, 4, 3), prepared.item.index, np.uint8)


def show(gallery, numbers):
    for number in numbers:
        gallery(Prepared(ITEMS[number], (), (), None, None), None, SCORES[number])


ALL = tuple(ItemScore(item.id, score) for item, score in zip(ITEMS, SCORES, strict=True))


@pytest.mark.parametrize("interrupted_at", [0, 4, 6])
def test_examples_and_the_worst_are_left_whatever_happened_between(tmp_path, interrupted_at):
    show(Gallery(tmp_path, draw, ITEMS, examples=2, worst=3), range(interrupted_at + 1))
    gallery = Gallery(tmp_path, draw, ITEMS, examples=2, worst=3)
    show(gallery, range(interrupted_at, 10))
    examples, worst = gallery.close(ALL)
    assert [shown.item_id for shown in examples] == ["i0", "i5"]
    assert [(shown.item_id, shown.score) for shown in worst] == [("i3", 0.1), ("i5", 0.2), ("i7", 0.3)]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"example_i0.png", "example_i5.png", "worst_i3.png", "worst_i5.png", "worst_i7.png"}
    assert all(cv2.imread(str(shown.path))[0, 0, 0] == int(shown.item_id[1:]) for shown in [*examples, *worst])


def test_an_item_s_name_cannot_leave_the_folder(tmp_path):
    item = Item("../../etc/<b>x", 0)
    gallery = Gallery(tmp_path / "g", draw, [item], examples=1, worst=0)
    gallery(Prepared(item, (), (), None, None), None, 0.5)
    assert [path.name for path in (tmp_path / "g").iterdir()] == ["example_______etc__b_x.png"]


def test_a_panel_shows_picture_truth_and_prediction_side_by_side():
    data = WindowedPictures(Shapes(1), SHAPES_SLIDING)
    prepared = data.load(data.items[0])
    height, width = prepared.truth.shape
    prediction = np.full((height, width), 2, np.uint8)
    image = segmentation_draw(data.source)(prepared, prediction)
    assert image.shape[1] == 3 * width + 12
    assert image.shape[0] > height
    colours = palette(len(SHAPES_CLASSES))
    assert np.array_equal(image[:height, :width], data.source.picture(data.items[0]))
    assert np.array_equal(image[:height, width + 6 : 2 * width + 6], colours[prepared.truth])
    labelled = prepared.truth > 0
    assert np.all(image[:height, 2 * width + 12 :][labelled] == colours[3])
    assert np.all(image[:height, 2 * width + 12 :][~labelled] == colours[3] // 3)


def test_colours_differ_and_a_large_picture_is_made_smaller():
    assert len({tuple(colour) for colour in palette(150).tolist()}) == 151
    names = tuple(f"class {number} \u5929" for number in range(150))
    truth = np.arange(1200 * 900, dtype=np.int64).reshape(900, 1200) % 151
    image = panel(np.zeros((900, 1200, 3), np.uint8), truth.astype(np.uint8), np.zeros((900, 1200), np.uint8), names)
    assert image.shape[1] == 3 * 640 + 12
    assert image.shape[0] > 480


def test_the_progress_line_says_rate_time_left_and_metric():
    reading = Progress(120, 2000, 40.0, 3.1, 5.7, 606.4, {"mIoU": 0.47213})
    assert progress_line(reading) == "120/2000 images, 3.1 images/s, 10 min 6 s left, mIoU 47.21 %"


@pytest.mark.parametrize(
    ("seconds", "words"), [(7.4, "7 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min"), (float("nan"), "?")]
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
