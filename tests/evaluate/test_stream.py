"""The streaming evaluation as a whole: the same bits for any split, interruption or batch; bad items; progress."""

import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.pictures import WindowedPictures
from harness.datasets.protocol import SampleError
from harness.datasets.shapes import SHAPES_SLIDING, Shapes
from harness.errors import HarnessError
from harness.evaluate.accumulate import Settings
from harness.evaluate.merge import WindowMerger
from harness.evaluate.stream import evaluate
from harness.evaluate.task import Model
from harness.evaluate.tasks import average_views, classification, segmentation
from tests.evaluate.counted import NAMES, Counted, Echo

SIZES = [2, 1, 3, 2, 5, 1, 1, 2, 3]


def run(data, *echoes, batch_size=2, **options):
    models = [Model(echo, "x", batch_size) for echo in echoes]
    return evaluate(data, data.items, models, classification(NAMES), Settings(**options))


def test_scores_are_the_mean_of_the_views_softmax():
    views = np.random.default_rng(0).standard_normal((12, 6)).astype(np.float32)
    want = np.mean([np.exp(view) / np.exp(view).sum() for view in views.astype(float)], axis=0)
    np.testing.assert_allclose(average_views(None, [views[:4], views[4:]]), want, rtol=1e-12)
    with pytest.raises(HarnessError, match=r"\(6,\)"):
        average_views(None, [views[0]])


def test_large_logits_do_not_overflow():
    assert average_views(None, [np.array([[1e4, 0.0]])]).tolist() == [1.0, 0.0]


def test_every_item_is_counted_once_in_order():
    seen = []
    data = Counted(SIZES)
    done = run(data, Echo(), observer=lambda prepared, _, score: seen.append((prepared.item.id, score)))
    assert [item_id for item_id, _ in seen] == [item.id for item in data.items]
    assert (done.items, done.samples, done.resumed, done.bad) == (9, 20, 0, ())
    assert sorted(seen) == [(score.item_id, score.score) for score in done.result.items]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=10), st.integers(1, 4), st.integers(1, 4))
def test_several_devices_count_each_item_once_and_agree_with_one(sizes, devices, batch_size):
    data = Counted(sizes)
    echoes = [Echo() for _ in range(devices)]
    split = run(data, *echoes, batch_size=batch_size)
    assert sorted(data.loads) == [item.id for item in data.items]
    assert split.items == len(sizes)
    assert split.samples == sum(sizes)
    whole = run(Counted(sizes), Echo(), batch_size=batch_size)
    assert np.array_equal(split.result.confusion, whole.result.confusion)
    assert [score.item_id for score in split.result.items] == [score.item_id for score in whole.result.items]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7])
@pytest.mark.parametrize("save_every", [1, 3])
def test_after_a_failure_at_any_run_the_next_call_ends_with_the_same_bits(tmp_path, batch_size, save_every):
    whole = Echo()
    want = run(Counted(SIZES), whole, batch_size=batch_size)
    for fail_at in range(len(whole.fed)):
        state = tmp_path / f"{fail_at}.npz"
        first, second = Echo(fail_at=fail_at), Echo()
        with pytest.raises(RuntimeError, match="killed"):
            run(Counted(SIZES), first, batch_size=batch_size, state=state, save_every=save_every)
        got = run(Counted(SIZES), second, batch_size=batch_size, state=state, save_every=save_every)
        assert repr(got.result) == repr(want.result)
        assert got.samples == want.samples
        assert whole.fed[-len(second.fed) :] == second.fed, "the same batches"
        if fail_at > 3 * batch_size:
            assert got.resumed > 0


def test_a_finished_evaluation_is_not_run_again(tmp_path):
    state = tmp_path / "state.npz"
    first = run(Counted(SIZES), Echo(), state=state)
    idle = Echo()
    again = run(Counted(SIZES), idle, state=state)
    assert idle.fed == []
    assert again.resumed == len(SIZES)
    assert repr(again.result) == repr(first.result)


def test_a_state_of_another_batch_size_or_model_is_not_taken(tmp_path, caplog):
    state = tmp_path / "state.npz"
    run(Counted(SIZES), Echo(), state=state, identity="model 1")
    for options in ({"batch_size": 3, "identity": "model 1"}, {"identity": "model 2"}):
        again = run(Counted(SIZES), Echo(), state=state, **options)
        assert again.resumed == 0
        assert "belongs to another" in caplog.text


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04 cut short", b"not a state at all"])
def test_an_unreadable_state_starts_from_the_beginning(tmp_path, caplog, junk):
    state = tmp_path / "state.npz"
    state.write_bytes(junk)
    assert run(Counted(SIZES), Echo(), state=state).resumed == 0
    assert "cannot be read" in caplog.text
    assert run(Counted(SIZES), Echo(), state=state).resumed == len(SIZES)


def test_states_of_several_devices_lie_beside_each_other_and_are_resumed(tmp_path):
    state = tmp_path / "state.npz"
    want = run(Counted(SIZES), Echo(), Echo())
    with pytest.raises(RuntimeError, match="killed"):
        run(Counted(SIZES), Echo(), Echo(fail_at=2), state=state, save_every=1)
    got = run(Counted(SIZES), Echo(), Echo(), state=state)
    assert got.resumed > 0
    assert repr(got.result) == repr(want.result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state-0of2.npz", "state-1of2.npz"]


def test_an_item_that_breaks_after_the_check_stops_the_run_by_name():
    with pytest.raises(SampleError, match=r"^item002: item002.x is broken; repair it or leave it out with"):
        run(Counted([1, 1, None, 1]), Echo())


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_skip_leaves_it_out_and_names_it_also_after_a_resume(tmp_path, batch_size):
    sizes = [None, 2, None, 1, 3, None]
    state = tmp_path / "state.npz"
    want = run(Counted(sizes), Echo(), batch_size=batch_size, on_bad_sample="skip")
    assert [bad.item_id for bad in want.bad] == ["item000", "item002", "item005"]
    assert want.bad[0].reason == "item000.x is broken"
    assert (want.items, want.samples) == (3, 6)
    options = {"batch_size": batch_size, "on_bad_sample": "skip", "state": state, "save_every": 1}
    with pytest.raises(RuntimeError, match="killed"):
        run(Counted(sizes), Echo(fail_at=1), **options)
    got = run(Counted(sizes), Echo(), **options)
    assert got.bad == want.bad
    assert repr(got.result) == repr(want.result)


def test_an_error_of_the_metric_names_the_item():
    class Broken(Echo):
        def run(self, inputs):
            scores = super().run(inputs)[0]
            return [np.full_like(scores, np.nan) if len(self.fed) == 2 else scores]

    with pytest.raises(HarnessError, match=r"^item001: .*NaN"):
        run(Counted([2, 2, 2]), Broken())


def test_a_failing_observer_loses_no_item(tmp_path):
    def fail_once(prepared, *_):
        if prepared.item.index == 4 and failures.pop():
            raise OSError("disk full")

    failures = [False, True]
    state = tmp_path / "state.npz"
    with pytest.raises(OSError, match="disk full"):
        run(Counted(SIZES), Echo(), state=state, observer=fail_once)
    got = run(Counted(SIZES), Echo(), state=state)
    assert got.resumed == 5
    assert repr(got.result) == repr(run(Counted(SIZES), Echo()).result)


def test_progress_counts_up_with_rate_time_left_and_running_metric(tmp_path):
    readings = []
    state = tmp_path / "state.npz"
    with pytest.raises(RuntimeError, match="killed"):
        run(Counted(SIZES), Echo(fail_at=4), state=state)
    done = run(Counted(SIZES), Echo(), state=state, progress=readings.append)
    assert [reading.done for reading in readings] == list(range(done.resumed + 1, len(SIZES) + 1))
    assert all(reading.total == len(SIZES) for reading in readings)
    assert all(reading.items_per_s > 0 for reading in readings)
    assert readings[-1].left_s == 0
    assert readings[-1].running == {"top1": done.result.top1, "top5": done.result.top5}


def test_progress_of_several_devices_adds_up():
    readings = []
    run(Counted(SIZES), Echo(), Echo(), progress=readings.append)
    assert sorted(reading.done for reading in readings) == list(range(1, len(SIZES) + 1))
    assert {reading.total for reading in readings} == {len(SIZES)}


class Colours:
    """A made-up network: every class's score is a fixed mixture of the three channels, smeared by a small blur."""

    def __init__(self, classes):
        self.mixture = np.random.default_rng(5).standard_normal((classes, 3)).astype(np.float32)

    def run(self, inputs):
        (batch,) = inputs.values()
        return [np.einsum("kc,bchw->bkhw", self.mixture, batch)]


@pytest.fixture(scope="module")
def shapes():
    return WindowedPictures(Shapes(10), SHAPES_SLIDING)


def segment(data, runtimes, batch_size, **options):
    with WindowMerger(2) as merger:
        task = segmentation(data.class_names, merger)
        return evaluate(data, data.items, [Model(one, "x", batch_size) for one in runtimes], task, Settings(**options))


def test_segmentation_gives_the_same_counts_at_any_batch_size_and_on_several_devices(shapes):
    results = [
        segment(shapes, [Colours(8)] * devices, batch_size).result for batch_size, devices in ((1, 1), (3, 1), (4, 2))
    ]
    for result in results:
        assert np.array_equal(result.confusion, results[0].confusion)
        assert result.images == results[0].images
    assert 0 < results[0].m_iou < 1


KILLED = """
    import sys
    from pathlib import Path
    from harness.evaluate.accumulate import Settings
    from harness.evaluate.stream import evaluate
    from harness.evaluate.task import Model
    from harness.evaluate.tasks import classification
    from tests.evaluate.counted import NAMES, Counted, Echo

    data = Counted([1, 2, 3] * 200)
    settings = Settings(state=Path(sys.argv[1]), save_every=1, progress=lambda reading: print(reading.done, flush=True))
    evaluate(data, data.items, [Model(Echo(), "x", 4)], classification(NAMES), settings)
"""


def test_a_killed_process_goes_on_where_it_was(tmp_path):
    state = tmp_path / "state.npz"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        for line in process.stdout:
            if int(line) == 100:
                process.kill()
                break
        process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    data = Counted([1, 2, 3] * 200)
    want = run(data, Echo(), batch_size=4)
    got = run(data, Echo(), batch_size=4, state=state)
    assert 99 <= got.resumed < 600
    assert repr(got.result) == repr(want.result)


def test_settings_change_nothing_in_the_numbers(shapes):
    base = segment(shapes, [Colours(8)], 2)
    for options in ({"workers": 1, "waiting": 1}, {"workers": 3, "waiting": 9, "save_every": 1}):
        assert repr(segment(shapes, [Colours(8)], 2, **options).result) == repr(base.result)
    assert replace(base, elapsed_s=0).bad == ()


@pytest.mark.slow
def test_memory_does_not_grow_from_image_50_to_image_500():
    data = WindowedPictures(Shapes(500), SHAPES_SLIDING)
    resident: dict[int, int] = {}

    def note(reading):
        resident[reading.done] = psutil.Process().memory_info().rss

    segment(data, [Colours(8)], 4, progress=note)
    early = max(size for done, size in resident.items() if 40 <= done <= 60)
    late = max(size for done, size in resident.items() if 480 <= done <= 500)
    assert late - early < 16 * 2**20
