"""Videos as views, Kinetics-400's folder, and the videos that cannot be used, found before anything is inferred."""

from __future__ import annotations

import json

import av
import cv2
import numpy as np
import pytest

from harness.config.schema import DatasetSettings
from harness.datasets.buffers import Buffers
from harness.datasets.check import BadSamplesError, usable
from harness.datasets.kinetics400 import Kinetics400
from harness.datasets.kinetics400_classes import KINETICS400_CLASSES
from harness.datasets.motions import MOTIONS_CLASSES, Motions, encode
from harness.datasets.normalise import Normalisation, lookup_tables
from harness.datasets.protocol import SampleError
from harness.datasets.registry import open_dataset
from harness.datasets.video_files import VideoFacts, count_frames, examine, read_frames
from harness.datasets.videos import ViewedVideos, prepare_views
from harness.datasets.views import Sampling
from harness.errors import ConfigError

SMALL = Sampling(frames=4, interval=2, clips=2, crops=3, size=32)


def moving_square(frames: int = 48, height: int = 48, width: int = 64) -> np.ndarray:
    """A grey video that gets brighter by four levels a frame."""
    levels = (40 + 4 * np.arange(frames) % 200).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (frames, height, width, 3)).copy()


def write(path, frames: int = 48) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = encode(moving_square(frames)).getvalue()
    path.write_bytes(data)
    return data


@pytest.fixture
def folder(tmp_path):
    """Kinetics-400's layout with two good videos and one of each kind of bad ones."""
    val = tmp_path / "kinetics400" / "val"
    data = write(val / "abseiling" / "good.mp4")
    write(val / "crossing_river" / "fine.mp4")
    (val / "crossing_river" / "ZVdAl-yh2m0.mp4").write_bytes(b"")
    (val / "zumba").mkdir()
    (val / "zumba" / "broken.mp4").write_bytes(b"no video at all" * 50)
    (val / "zumba" / "cut.mp4").write_bytes(data[: len(data) // 2])
    write(val / "zumba" / "short.mp4", frames=9)
    (val / "zumba" / "notes.txt").write_text("not a video")
    return tmp_path


@pytest.mark.parametrize(("name", "clip"), [("arm_wrestling", "arm_wrestling"), ("test_mp4", "test")])
def test_views_are_the_official_ones(shared, name, clip):
    golden = json.loads((shared / "golden" / "video_pipeline.json").read_text())[name]
    part = np.load(shared / "golden" / "video_pipeline_sub.npz")[name]
    file = shared / "real" / "kinetics400" / f"{clip}.mp4"
    assert examine(file) == VideoFacts(golden["total_frames"])
    views = prepare_views(file, Sampling(), lookup_tables(Normalisation()))
    assert list(views.shape) == golden["shape"]
    assert np.abs(views[:, :, ::8, ::32, ::32] - part).mean() < 0.02
    np.testing.assert_allclose(views.mean((0, 2, 3, 4)), golden["mean"], atol=0.02)
    np.testing.assert_allclose(views.std((0, 2, 3, 4)), golden["std"], atol=0.02)


def test_views_hold_the_frames_they_should_in_the_order_crop_then_clip():
    views = prepare_views(encode(moving_square()), SMALL, lookup_tables(Normalisation((0,) * 3, (1,) * 3)))
    assert views.shape == (6, 3, 4, 32, 32)
    expected = 40 + 4 * np.array([[10, 12, 14, 16], [30, 32, 34, 36]])
    np.testing.assert_allclose(views.mean((1, 3, 4)), np.tile(expected, (3, 1)), atol=3)


def test_memory_of_views_is_used_again_once_nobody_holds_any_part_of_it():
    buffers = Buffers((2, 3), keep=1)
    first = buffers.take()
    first[:] = 1
    part = first[None][:, 1:]
    address = first.ctypes.data
    del first
    other = buffers.take()
    other[:] = 2
    assert (part == 1).all()
    del part
    again = buffers.take()
    assert again.ctypes.data == address
    assert (other == 2).all()


def test_two_videos_at_once_do_not_share_their_views():
    data = ViewedVideos(Motions(8), SMALL)
    first, second = (data.load(item).samples[0] for item in data.items[:2])
    kept = first.copy()
    del second
    data.load(data.items[2])
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(data.load(data.items[0]).samples[0], kept)


def test_frames_come_by_number_and_decoding_stops_behind_the_last():
    media = encode(moving_square())
    assert count_frames(media) == 48
    found = dict(read_frames(media, {3, 17}))
    assert found.keys() == {3, 17}
    assert abs(found[17].mean() - found[3].mean() - 4 * 14) < 3
    with pytest.raises(SampleError, match="breaks off after 48 frames, frame 60 is needed"):
        dict(read_frames(media, {60}))


def test_bad_videos_are_all_named_before_inference(folder):
    data = Kinetics400(folder, folder / "cache")
    with pytest.raises(BadSamplesError) as caught:
        usable(ViewedVideos(data))
    reasons = {bad.item_id: bad.reason for bad in caught.value.samples}
    assert reasons.keys() == {"crossing_river/ZVdAl-yh2m0.mp4", *(f"zumba/{n}.mp4" for n in ("broken", "cut", "short"))}
    assert reasons["crossing_river/ZVdAl-yh2m0.mp4"] == "is empty (0 bytes)"
    assert reasons["zumba/broken.mp4"].startswith("cannot be opened as a video (Invalid data found")
    assert "cannot be opened" in reasons["zumba/cut.mp4"] or "cut off" in reasons["zumba/cut.mp4"]
    assert reasons["zumba/short.mp4"] == "is too short: it has 9 frames, expected 32 (dataset.options.min_frames)"
    items, bad = usable(ViewedVideos(data), "skip")
    assert [item.id for item in items] == ["abseiling/good.mp4", "crossing_river/fine.mp4"]
    assert len(bad) == 4


def test_labels_follow_the_folders_and_names_the_seed(folder):
    data = ViewedVideos(Kinetics400(folder / "kinetics400", folder / "cache"), SMALL)
    prepared = data.load(data.items[0])
    assert prepared.names == ("1.bin",)
    assert prepared.samples[0].shape == (6, 3, 4, 32, 32)
    assert data.class_names[prepared.truth] == "abseiling"
    assert data.class_names[data.outline(data.items[1]).truth] == "crossing river"
    with pytest.raises(SampleError, match=r"zumba/broken\.mp4 cannot be opened"):
        data.load(next(item for item in data.items if item.id == "zumba/broken.mp4"))


def test_every_class_of_the_map_is_found_by_its_folder(tmp_path, shared):
    official = (shared / "real" / "kinetics400" / "label_map_k400.txt").read_text().split("\n")
    assert list(KINETICS400_CLASSES) == [name for name in official if name]
    for name in KINETICS400_CLASSES:
        (tmp_path / "val" / name.replace(" ", "_")).mkdir(parents=True)
        (tmp_path / "val" / name.replace(" ", "_") / "a.mp4").touch()
    data = Kinetics400(tmp_path, tmp_path / "cache")
    assert sorted(data.label(item) for item in data.items) == list(range(400))


def test_list_is_generated_once_and_only_what_changed_is_looked_at_again(folder, monkeypatch):
    looked: list[str] = []

    def look(media):
        looked.append(media.name)
        return examine(media)

    monkeypatch.setattr("harness.datasets.filelist.examine", look)
    first = Kinetics400(folder, folder / "cache")
    usable(ViewedVideos(first), "skip")
    assert len(looked) == 6
    assert first.list.file.is_file()
    usable(ViewedVideos(Kinetics400(folder, folder / "cache")), "skip")
    assert len(looked) == 6
    write(folder / "kinetics400" / "val" / "zumba" / "broken.mp4")
    (folder / "kinetics400" / "val" / "zumba" / "cut.mp4").unlink()
    again = Kinetics400(folder, folder / "cache")
    items, _ = usable(ViewedVideos(again), "skip")
    assert looked[6:] == ["broken.mp4"]
    assert "zumba/broken.mp4" in {item.id for item in items}
    assert "cut.mp4" not in again.list.file.read_text()
    assert again.fingerprint() != first.fingerprint()
    again.list.file.write_text("rubbish\nmore rubbish\n")
    usable(ViewedVideos(Kinetics400(folder, folder / "cache")), "skip")
    assert len(looked) == 7 + 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, r"val is not a folder; expected val/<class>/<video>\.mp4 there"),
        (lambda root: (root / "val" / "zumba").mkdir(parents=True), "holds no <class>/<video>.mp4"),
        (
            lambda root: write(root / "val" / "zumbaa" / "a.mp4"),
            "zumbaa is called after no class; did you mean 'zumba'",
        ),
    ],
)
def test_a_folder_of_another_kind_is_refused_in_one_line(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(ConfigError, match=message) as caught:
        Kinetics400(tmp_path, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_own_label_map_decides_classes_and_order(folder):
    label_map = folder / "map.txt"
    label_map.write_text("zumba\ncrossing river\nabseiling\n")
    data = Kinetics400(folder, folder / "cache", label_map=label_map)
    assert data.class_names == ("zumba", "crossing river", "abseiling")
    assert data.label(data.items[0]) == 2
    label_map.write_text("zumba\nzumba\n")
    with pytest.raises(ConfigError, match="names zumba twice"):
        Kinetics400(folder, folder / "cache", label_map=label_map)


def test_limit_takes_a_part_whose_files_keep_their_numbers(folder):
    part = Kinetics400(folder, folder / "cache", limit=2)
    whole = Kinetics400(folder, folder / "cache")
    assert len(part.items) == 2
    assert set(part.items) < set(whole.items)


def test_audio_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert examine(tmp_path / "a.mp4").problem == "holds no video stream"


def test_motions_are_reproducible_balanced_and_read_as_any_other_video():
    data = Motions(16)
    assert np.bincount([data.label(item) for item in data.items]).tolist() == [2] * len(MOTIONS_CLASSES)
    first = data.frames(data.items[0])
    assert first.shape == (48, 96, 128, 3)
    np.testing.assert_array_equal(first, Motions(16).frames(data.items[0]))
    assert (first != Motions(16, split="train").frames(data.items[0])).any()
    assert (first != Motions(16, seed=1).frames(data.items[0])).any()
    decoded = dict(read_frames(data.media(data.items[0]), {0, 47}))
    assert np.abs(decoded[47].astype(int) - first[47]).mean() < 12
    assert data.media(data.items[0]).getvalue() == data.media(data.items[0]).getvalue()
    assert Motions(16).fingerprint() == data.fingerprint() != Motions(16, seed=1).fingerprint()


@pytest.mark.parametrize("index", [0, 1, 2, 3, 8, 9, 10, 11])
def test_motions_move_where_their_class_says(index):
    data = Motions(12, split="train")  # without noise
    grey = data.frames(data.items[index]).mean(axis=3)
    (right, down), _ = cv2.phaseCorrelate(grey[10], grey[18], cv2.createHanningWindow((128, 96), cv2.CV_64F))
    name = MOTIONS_CLASSES[data.label(data.items[index])]
    assert {"left": right < -3, "right": right > 3, "up": down < -3, "down": down > 3}[name]
    assert abs(down if name in {"left", "right"} else right) < 1


def test_configuration_opens_both(folder):
    assert open_dataset(DatasetSettings(name="motions", kind="motions", options={"count": 8})).items
    with pytest.raises(ConfigError, match=r"dataset\.root must be given"):
        open_dataset(DatasetSettings(name="kinetics400", kind="kinetics400"))
