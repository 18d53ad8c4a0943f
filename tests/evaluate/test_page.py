"""The page of an evaluation: complete, in one file, and no text from files or class names is taken for markup."""

from html.parser import HTMLParser

import cv2
import numpy as np

from harness.evaluate.gallery import Shown
from harness.evaluate.page import page
from harness.evaluate.plan import Findings
from harness.evaluate.written import write_files
from harness.metrics.confusion import ConfusedPair
from harness.metrics.scores import ItemScore
from harness.records.schema import LeftOut
from tests.report.test_accuracy import accurate

EVIL = "<script>alert('x')</script>\"\x1b[31m"


def findings():
    return Findings(
        headline="mIoU",
        metrics={"mIoU": 0.4792, "aAcc": 0.8},
        columns=("IoU", "Acc"),
        classes=(("wall", (0.75, 0.5)), (EVIL, (float("nan"), 0.0))),
        scores=(ItemScore(EVIL, 0.1), ItemScore("fine", 0.9)),
        worst=(ItemScore(EVIL, 0.1),),
        confused=(ConfusedPair(EVIL, "wall", 3, 0.5),),
        text="tables",
    )


class Seen(HTMLParser):
    """Tags, the sources of images, and all text."""

    def __init__(self):
        super().__init__()
        self.tags, self.images, self.words = set(), [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"])

    def handle_data(self, data):
        self.words += data


def test_the_page_holds_its_pictures_and_escapes_every_name(tmp_path):
    picture = tmp_path / "worst_x.png"
    cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
    accuracy = accurate(0.4792, bad=(LeftOut(EVIL, EVIL),)).accuracy
    seen = Seen()
    seen.feed(page(accuracy, findings(), [], [Shown(EVIL, 0.1, picture)]))
    assert "script" not in seen.tags
    assert seen.words.count("<script>alert") == 6  # worst twice, confused, class, left out twice
    assert "\x1b" not in seen.words
    assert seen.images[0].startswith("data:image/jpeg;base64,")
    assert "mIoU 47.92 %" in seen.words


def test_tables_keep_all_digits_and_leave_empty_what_is_unknown(tmp_path):
    made = write_files(tmp_path, accurate(0.4792).accuracy, findings(), [], [])
    lines = made["tables/per_class.csv"].read_text().splitlines()
    assert lines[:2] == ["class,IoU,Acc", "wall,0.75,0.5"]
    assert lines[2].endswith(",,0.0")
    assert "\x1b" not in made["tables/per_class.csv"].read_text()
    assert "tables/left_out.csv" not in made
