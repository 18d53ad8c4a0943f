"""ADE20K from its folder: the official pipeline's pixels, subsets, and every kind of bad file."""

import hashlib
import json
import shutil

import cv2
import numpy as np
import pytest

from harness.datasets.ade20k import Ade20k
from harness.datasets.ade20k_classes import ADE20K_CLASSES
from harness.datasets.check import BadSamplesError, usable
from harness.datasets.pictures import WindowedPictures
from harness.datasets.protocol import SampleError
from harness.errors import ConfigError, HarnessError


def write_pair(root, stem, size=(40, 60), label=7):
    images, annotations = (root / kind / "validation" for kind in ("images", "annotations"))
    for folder in (images, annotations):
        folder.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(len(stem)).integers(0, 255, (*size, 3), np.uint8)
    cv2.imwrite(str(images / f"{stem}.jpg"), picture)
    cv2.imwrite(str(annotations / f"{stem}.png"), np.full(size, label, np.uint8))
    return images / f"{stem}.jpg", annotations / f"{stem}.png"


def test_windows_of_the_real_images_are_bit_for_bit_mmsegmentations(shared):
    data = WindowedPictures(Ade20k(shared / "real/ADEChallengeData2016"))
    golden = json.loads((shared / "golden/seg_windows.json").read_text())
    coarse = np.load(shared / "golden/seg_windows_s32.npz")
    assert [item.id for item in data.items] == list(golden)
    exact = True
    for item in data.items:
        prepared = data.load(item)
        want = golden[item.id]["windows"]
        assert list(prepared.names) == [window["name"] for window in want]
        for sample, window in zip(prepared.samples, want, strict=True):
            assert sample.shape == (3, 512, 512)
            assert sample.dtype == np.float32
            left, top, *_ = window["window"]
            difference = np.abs(sample[:, ::32, ::32] - coarse[f"{item.id}_{left}_{top}"])
            assert difference.max() <= 1 / 57, "more than one grey level"
            exact &= hashlib.sha256(sample.tobytes()).hexdigest() == window["sha256"]
    if cv2.__version__[:2] in {"4.", "5."}:
        assert exact


def test_the_outline_names_the_same_windows_without_their_pixels(shared):
    data = WindowedPictures(Ade20k(shared / "real"))
    for item in data.items:
        whole, outline = data.load(item), data.outline(item)
        assert outline.names == whole.names
        assert outline.context == whole.context
        assert np.array_equal(outline.truth, whole.truth)
        assert outline.samples == ()


def test_the_real_files_have_no_problem(shared):
    data = WindowedPictures(Ade20k(shared / "real/ADEChallengeData2016"))
    items, bad = usable(data)
    assert len(items) == 3
    assert bad == ()


def test_there_are_150_different_classes():
    assert len(set(ADE20K_CLASSES)) == len(ADE20K_CLASSES) == 150
    assert ADE20K_CLASSES[0] == "wall"
    assert ADE20K_CLASSES[-1] == "flag"


def test_a_picture_smaller_than_the_window_is_filled_up_with_zeros(tmp_path):
    write_pair(tmp_path, "thin", (10, 100))
    data = WindowedPictures(Ade20k(tmp_path))
    prepared = data.load(data.items[0])
    assert prepared.context.resized == (205, 2048)
    assert all(sample.shape == (3, 512, 512) for sample in prepared.samples)
    assert np.all(prepared.samples[0][:, 205:] == 0)
    assert np.any(prepared.samples[0][:, 204] != 0)


def test_a_subset_is_fixed_and_part_of_every_larger_one(tmp_path):
    for number in range(12):
        write_pair(tmp_path, f"p{number:02d}", (8, 8))
    chosen = {limit: [item.id for item in Ade20k(tmp_path, limit=limit).items] for limit in (3, 7, 12, None)}
    assert len(chosen[3]) == 3
    assert chosen[3] == sorted(chosen[3])
    assert set(chosen[3]) < set(chosen[7]) < set(chosen[12])
    assert chosen[12] == chosen[None]
    assert chosen[3] != [item.id for item in Ade20k(tmp_path, limit=3, seed=1).items]
    index = {item.id: item.index for item in Ade20k(tmp_path).items}
    assert all(index[item.id] == item.index for item in Ade20k(tmp_path, limit=7).items)


def test_a_missing_root_says_what_is_expected_where(tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.root=.*nowhere.*expected images/validation"):
        Ade20k(tmp_path / "nowhere")
    (tmp_path / "images/validation").mkdir(parents=True)
    with pytest.raises(ConfigError, match="annotations/validation is not a folder"):
        Ade20k(tmp_path)
    (tmp_path / "annotations/validation").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"holds no \*\.jpg"):
        Ade20k(tmp_path)
    write_pair(tmp_path, "a")
    with pytest.raises(ConfigError, match=r"dataset\.limit=0"):
        Ade20k(tmp_path, limit=0)


@pytest.fixture
def spoilt(tmp_path):
    """One good picture among one of each kind of bad one; the reasons that are expected, by id."""
    write_pair(tmp_path, "good")
    write_pair(tmp_path, "lonely")[1].unlink()
    for stem, which in (("cut", 0), ("cut_labels", 1)):
        path = write_pair(tmp_path, stem, (200, 300))[which]
        path.write_bytes(path.read_bytes()[:-40])
    write_pair(tmp_path, "empty")[0].write_bytes(b"")
    write_pair(tmp_path, "empty_labels")[1].write_bytes(b"")
    write_pair(tmp_path, "text")[0].write_text("<html>not found</html>")
    _, labels = write_pair(tmp_path, "size")
    cv2.imwrite(str(labels), np.ones((60, 40), np.uint8))
    write_pair(tmp_path, "range", label=151)
    _, labels = write_pair(tmp_path, "colour")
    cv2.imwrite(str(labels), np.ones((40, 60, 3), np.uint8))
    _, labels = write_pair(tmp_path, "deep")
    cv2.imwrite(str(labels), np.ones((40, 60), np.uint16))
    reasons = {
        "lonely": "no annotation: lonely.png is not in annotations/validation",
        "cut": "cut.jpg is truncated after",
        "cut_labels": "cut_labels.png is truncated after",
        "empty": "empty.jpg is empty",
        "empty_labels": "empty_labels.png is empty",
        "text": "text.jpg cannot be decoded",
        "size": "annotation is 40x60, the picture 60x40 pixels",
        "range": "annotation holds the label 151, expected 0 to 150",
        "colour": "colour.png is uint8 of shape (40, 60, 3), expected 8 bits and one channel",
        "deep": "deep.png is uint16 of shape (40, 60), expected 8 bits and one channel",
    }
    return tmp_path, reasons


def test_all_bad_files_are_found_and_named_before_anything_runs(spoilt):
    root, reasons = spoilt
    data = WindowedPictures(Ade20k(root))
    with pytest.raises(BadSamplesError) as caught:
        usable(data)
    assert {sample.item_id for sample in caught.value.samples} == set(reasons)
    for sample in caught.value.samples:
        assert sample.reason.startswith(reasons[sample.item_id])
        assert f" {sample.item_id}: {sample.reason}" in str(caught.value)
    message = str(caught.value)
    assert message.startswith("10 of 11 samples of ade20k cannot be used: ")
    assert "dataset.on_bad_sample=skip" in message
    assert "\n" not in message


def test_skip_leaves_them_out_and_keeps_their_names(spoilt):
    root, reasons = spoilt
    items, bad = usable(WindowedPictures(Ade20k(root)), "skip")
    assert [item.id for item in items] == ["good"]
    assert {sample.item_id for sample in bad} == set(reasons)


def test_nothing_left_is_an_error_even_when_skipping(spoilt):
    root, _ = spoilt
    (root / "images/validation/good.jpg").unlink()
    with pytest.raises(HarnessError, match="10 of 10"):
        usable(WindowedPictures(Ade20k(root)), "skip")


def test_a_file_that_breaks_after_the_check_is_a_sample_error(spoilt):
    root, reasons = spoilt
    data = WindowedPictures(Ade20k(root))
    for item in data.items:
        if item.id in reasons and item.id not in {"size", "range"}:
            with pytest.raises(SampleError):
                data.load(item)


def test_every_truncation_of_a_picture_is_found(tmp_path):
    path, _ = write_pair(tmp_path, "p", (30, 30))
    whole = path.read_bytes()
    data = WindowedPictures(Ade20k(tmp_path))
    for length in (*range(0, len(whole) - 20, 23), *range(len(whole) - 20, len(whole))):
        path.write_bytes(whole[:length])
        assert data.problem(data.items[0]) is not None, length
    path.write_bytes(whole + b"trailing bytes are harmless")
    assert data.problem(data.items[0]) is None


def test_a_thumbnail_cannot_hide_a_truncation_and_exif_turns_the_size(tmp_path):
    path, labels = write_pair(tmp_path, "p", (20, 30))
    whole = path.read_bytes()
    orientation = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    payload = b"Exif\0\0" + orientation + b"\xff\xd8 a thumbnail \xff\xd9"
    turned = whole[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + whole[2:]
    path.write_bytes(turned)
    data = WindowedPictures(Ade20k(tmp_path))
    assert data.problem(data.items[0]) == "annotation is 30x20, the picture 20x30 pixels"
    cv2.imwrite(str(labels), np.ones((30, 20), np.uint8))
    assert data.problem(data.items[0]) is None
    assert data.load(data.items[0]).context.original == (30, 20)
    path.write_bytes(turned[:-10])
    assert "truncated" in data.problem(data.items[0])


def test_a_picture_named_with_control_characters_cannot_break_the_line(tmp_path):
    write_pair(tmp_path, "a")
    shutil.copy(tmp_path / "images/validation/a.jpg", tmp_path / "images/validation/b\n\x1b[31m.jpg")
    with pytest.raises(BadSamplesError) as caught:
        usable(WindowedPictures(Ade20k(tmp_path)))
    assert str(caught.value).isprintable()
