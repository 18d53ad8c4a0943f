"""Packing samples into full batches: every output comes back to its sample, whatever the batch size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.protocol import SampleError
from harness.errors import HarnessError
from harness.evaluate.ahead import Ready
from harness.evaluate.batches import Underway, infer, lead_of
from harness.evaluate.task import Model
from tests.evaluate.counted import Counted, Echo

counts = st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=1, max_size=12)


def loaded(data, items=None):
    for item in data.items if items is None else items:
        try:
            yield Ready(item, data.load(item))
        except SampleError as problem:
            yield Ready(item, None, problem)


@given(counts, st.integers(1, 7), st.integers(1, 3))
def test_every_output_comes_back_to_its_own_sample_in_order(sizes, batch_size, rows):
    data, echo = Counted(sizes), Echo(rows)
    finished = [one for complete, _ in infer(Model(echo, "x", batch_size), loaded(data)) for one in complete]
    assert [one.item for one in finished] == list(data.items)
    for one, size in zip(finished, sizes, strict=True):
        assert (one.problem is None) == (size is not None)
        assert len(one.outputs) == (size or 0)
        for k, output in enumerate(one.outputs):
            want = np.sin(100 * one.item.index + k + np.arange(6, dtype=np.float32))
            assert output.shape == (rows, 6)
            np.testing.assert_allclose(output, np.tile(want, (rows, 1)), atol=0.01)
    total = sum(size or 0 for size in sizes)
    assert len(echo.fed) == -(-total // batch_size)
    assert all(len(batch) == batch_size for batch in echo.fed)
    assert [value for batch in echo.fed for value in batch][:total] == [
        100 * index + k for index, size in enumerate(sizes) for k in range(size or 0)
    ]


@given(counts, st.integers(1, 7), st.data())
def test_going_on_after_any_item_fills_the_same_batches(sizes, batch_size, data):
    done = data.draw(st.integers(0, len(sizes) - 1))
    source, whole, rest = Counted(sizes), Echo(), Echo()
    list(infer(Model(whole, "x", batch_size), loaded(source)))
    lead = lead_of([size or 0 for size in sizes[:done]], batch_size)
    resumed = infer(Model(rest, "x", batch_size), loaded(source, source.items[done - lead.items :]), lead)
    assert [one.item for complete, _ in resumed for one in complete] == list(source.items[done:])
    assert len(rest.fed) <= len(whole.fed)
    skipped = sum(size or 0 for size in sizes[:done]) // batch_size
    assert rest.fed[: len(whole.fed) - skipped] == whole.fed[skipped:]


def test_the_last_batch_is_filled_with_its_first_sample():
    echo = Echo()
    list(infer(Model(echo, "x", 4), loaded(Counted([1, 4, 1]))))
    assert echo.fed == [[0, 100, 101, 102], [103, 200, 103, 103]]


def test_open_items_keep_copies_and_not_whole_batches():
    batch = np.zeros((4, 10))
    one = Underway(None, None, None, [batch[1:2], np.ones((1, 10))])
    alone = one.outputs[1]
    one.detach()
    assert one.outputs[0].base is None
    assert one.outputs[1] is alone


def test_samples_of_different_shapes_are_refused():
    data = Counted([1, 1])
    ready = list(loaded(data))
    ready[1].value.samples[0].resize((3, 3), refcheck=False)
    with pytest.raises(HarnessError, match=r"a sample has shape \(3, 3\), expected \(2, 3\)"):
        list(infer(Model(Echo(), "x", 2), ready))


def test_an_output_that_is_no_multiple_of_the_batch_is_refused():
    class Odd:
        def run(self, inputs):
            return [np.zeros((3, 6))]

    with pytest.raises(HarnessError, match=r"shape \(3, 6\).*batch size 2"):
        list(infer(Model(Odd(), "x", 2), loaded(Counted([2]))))
