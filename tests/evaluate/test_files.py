"""Files mode: the seed's names in, ais_bench's names out, and the same result as streaming."""

import numpy as np
import pytest

from harness.datasets.pictures import WindowedPictures
from harness.datasets.shapes import SHAPES_SLIDING, Shapes
from harness.errors import HarnessError
from harness.evaluate.accumulate import Settings
from harness.evaluate.files import evaluate_outputs, infer_folder, write_inputs
from harness.evaluate.merge import WindowMerger
from harness.evaluate.outputs import SampleFormat, output_stem
from harness.evaluate.stream import evaluate
from harness.evaluate.task import Model
from harness.evaluate.tasks import classification, segmentation
from tests.evaluate.counted import NAMES, Counted, Echo

SIZES = [2, 1, 3, 2]
INPUT, OUTPUT = SampleFormat((2, 3)), SampleFormat((1, 6))


@pytest.fixture
def written(tmp_path):
    """A small data set, written and inferred with batch size 2; the outputs lie in ``out/run``."""
    data = Counted(SIZES)
    names = write_inputs(data, data.items, tmp_path / "in", Settings())
    infer_folder(Model(Echo(), "x", 2), names, tmp_path / "in", tmp_path / "out/run", INPUT)
    for path in (tmp_path / "out/run").glob("*.bin"):
        np.fromfile(path).astype(np.float32).tofile(path)
    return data, names, tmp_path


def count(data, folder, output=OUTPUT, **options):
    return evaluate_outputs(
        data, data.items, folder, output=output, task=classification(NAMES), settings=Settings(**options)
    )


class Mixture:
    """A made-up network whose scores depend a little on the place in the batch."""

    def run(self, inputs):
        (batch,) = inputs.values()
        mixture = np.random.default_rng(5).standard_normal((8, 3)).astype(np.float32)
        scores = np.einsum("kc,bchw->bkhw", mixture, batch)
        return [(scores + 0.1 * np.arange(len(batch)).reshape(-1, 1, 1, 1) * scores**2).astype(np.float32)]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_both_modes_give_the_same_bits_at_the_same_batch_size(tmp_path, batch_size):
    data = WindowedPictures(Shapes(6), SHAPES_SLIDING)
    model = Model(Mixture(), "x", batch_size)
    settings = Settings()
    with WindowMerger(2) as merger:
        task = segmentation(data.class_names, merger)
        streamed = evaluate(data, data.items, [model], task, settings)
        names = write_inputs(data, data.items, tmp_path / "in", settings)
        infer_folder(model, names, tmp_path / "in", tmp_path / "out", SampleFormat((3, 128, 128)))
        filed = evaluate_outputs(
            data,
            data.items,
            tmp_path / "out",
            output=SampleFormat((1, 8, 128, 128)),
            task=task,
            settings=settings,
        )
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == sorted(names)
    assert repr(filed.result) == repr(streamed.result)
    assert filed.samples == streamed.samples == len(names)


def test_inputs_hold_the_samples_bytes_under_the_data_sets_names(written):
    _, names, folder = written
    assert names[:3] == ("item000-0.bin", "item000-1.bin", "item001-0.bin")
    assert (folder / "in/item002-1.bin").read_bytes() == np.full((2, 3), 201, np.float32).tobytes()
    assert len(list((folder / "in").iterdir())) == sum(SIZES)
    assert len(list((folder / "out/run").glob("item???-?_0.bin"))) == sum(SIZES)


def test_the_run_is_found_from_the_folder_above_and_summaries_are_ignored(written):
    data, _, folder = written
    (folder / "out/run/sumary.json").write_text("{}")
    (folder / "out/run_summary.json").write_text("{}")
    want = count(data, folder / "out/run")
    assert want.items == len(SIZES)
    assert repr(count(data, folder / "out").result) == repr(want.result)


def test_outputs_of_several_devices_and_npy_files_are_found(written):
    data, names, folder = written
    want = count(data, folder / "out/run")
    run = folder / "out/run"
    for number, name in enumerate(names):
        device = run / f"device{number % 2}_{number % 2}"
        device.mkdir(exist_ok=True)
        path = run / f"{output_stem(name)}.bin"
        if number == 1:
            np.save(device / f"{path.stem}.npy", np.fromfile(path, np.float32).reshape(1, 6))
            path.unlink()
        else:
            path.rename(device / path.name)
    for place in (run, folder / "out"):
        assert repr(count(data, place).result) == repr(want.result)


def test_missing_outputs_are_counted_and_the_first_is_named_before_anything_is_counted(written):
    data, _, folder = written
    for name in ("item001-0_0.bin", "item003-1_0.bin"):
        (folder / "out/run" / name).unlink()
    with pytest.raises(HarnessError, match=r"2 of 8 output files are not in .*\(first: 'item001-0_0.bin'\)") as caught:
        count(data, folder / "out/run", state=folder / "state.npz")
    assert str(caught.value).isprintable()
    assert not (folder / "state.npz").exists()


def test_outputs_of_another_size_are_named_with_both_sizes(written):
    data, _, folder = written
    np.zeros(5, np.float32).tofile(folder / "out/run/item001-0_0.bin")
    with pytest.raises(HarnessError, match=r"1 of 8 .* 24 bytes of float32 \(1, 6\).*'item001-0_0.bin' has 20"):
        count(data, folder / "out/run")
    with pytest.raises(HarnessError, match=r"7 of 8 .* 20 bytes of float16 \(2, 5\)"):
        count(data, folder / "out/run", SampleFormat((2, 5), np.float16))


def test_an_npy_of_another_size_or_kind_is_an_error_too(written):
    data, _, folder = written
    path = folder / "out/run/item001-0_0.bin"
    path.unlink()
    np.save(path.with_suffix(".npy"), np.zeros(5))
    with pytest.raises(HarnessError, match=r"'item001-0_0.npy' holds 5 values, expected \(1, 6\)"):
        count(data, folder / "out/run")
    path.with_suffix(".npy").write_bytes(b"no array")
    with pytest.raises(HarnessError, match=r"'item001-0_0.npy' cannot be read"):
        count(data, folder / "out/run")


def test_float16_outputs_are_read_as_such(written):
    data, _, folder = written
    for path in (folder / "out/run").glob("*.bin"):
        np.fromfile(path, np.float32).astype(np.float16).tofile(path)
    assert count(data, folder / "out/run", SampleFormat((1, 6), np.float16)).items == len(SIZES)


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_folder_without_outputs_says_what_was_expected(tmp_path, place):
    (tmp_path / "empty/below").mkdir(parents=True)
    with pytest.raises(HarnessError, match="ais_bench"):
        count(Counted([1]), tmp_path / place)


def test_several_runs_have_to_be_chosen_from(written):
    data, _, folder = written
    other = folder / "out/2024_01_01-00_00_00"
    other.mkdir()
    (other / "x_0.bin").write_bytes(b"")
    with pytest.raises(HarnessError, match="2 runs: '2024_01_01-00_00_00', 'run'; name the one"):
        count(data, folder / "out")


def test_names_that_agree_up_to_a_dot_are_refused(tmp_path):
    class Dotted(Counted):
        def _prepared(self, item, *, pixels):
            prepared = super()._prepared(item, pixels=pixels)
            return type(prepared)(item, (f"clip.{item.index}.bin",), prepared.samples, prepared.truth, None)

    data = Dotted([1, 1])
    with pytest.raises(HarnessError, match="2 inputs would make only 1 outputs"):
        write_inputs(data, data.items, tmp_path, Settings())


def test_foreign_inputs_in_the_folder_are_refused(tmp_path):
    (tmp_path / "old_0.bin").write_bytes(b"x")
    data = Counted([1])
    with pytest.raises(HarnessError, match=r"1 other \.bin files .*'old_0.bin'"):
        write_inputs(data, data.items, tmp_path, Settings())


def test_a_broken_item_stops_or_is_skipped_in_every_step(tmp_path):
    data = Counted([1, None, 1])
    with pytest.raises(HarnessError, match=r"item001\.x is broken"):
        write_inputs(data, data.items, tmp_path / "in", Settings())
    skip = Settings(on_bad_sample="skip")
    names = write_inputs(data, data.items, tmp_path / "in", skip)
    assert len(names) == 2
    infer_folder(Model(Echo(), "x", 1), names, tmp_path / "in", tmp_path / "out", INPUT)
    done = count(data, tmp_path / "out", SampleFormat((1, 6), np.float64), on_bad_sample="skip")
    assert [bad.item_id for bad in done.bad] == ["item001"]
    assert done.items == 2


def test_an_input_that_is_gone_is_an_error_and_not_an_empty_sample(tmp_path):
    with pytest.raises(HarnessError, match=r"'a\.bin' cannot be read"):
        infer_folder(Model(Echo(), "x", 1), ["a.bin"], tmp_path, tmp_path / "out", INPUT)


def test_counting_goes_on_after_an_interruption(written):
    data, _, folder = written

    def stop(prepared, *_):
        if prepared.item.index == 2:
            raise KeyboardInterrupt

    state = folder / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        count(data, folder / "out", state=state, observer=stop)
    again = count(data, folder / "out", state=state)
    assert again.resumed == 3
    assert repr(again.result) == repr(count(data, folder / "out").result)
