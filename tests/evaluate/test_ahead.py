"""Working ahead: in order, in parallel, bounded."""

import threading

import pytest

from harness.datasets.protocol import Item, SampleError
from harness.evaluate.ahead import ahead

ITEMS = [Item(str(number), number) for number in range(30)]


def test_values_come_in_order_and_a_broken_item_comes_with_its_problem():
    def work(item):
        if item.index == 3:
            raise SampleError("3 is broken")
        return item.index * 2

    got = list(ahead(work, ITEMS, workers=3, waiting=5))
    assert [ready.item for ready in got] == ITEMS
    assert [ready.value for ready in got] == [None if number == 3 else number * 2 for number in range(30)]
    assert str(got[3].problem) == "3 is broken"


@pytest.mark.parametrize(("workers", "waiting"), [(1, 1), (2, 2), (4, 3), (2, 7)])
def test_never_more_than_the_waiting_items_are_begun_beside_the_yielded_one(workers, waiting):
    lock = threading.Lock()
    begun, most = 0, 0

    def work(item):
        nonlocal begun
        with lock:
            begun += 1
        return item.index

    for used, _ in enumerate(ahead(work, ITEMS, workers=workers, waiting=waiting)):
        with lock:
            most = max(most, begun - used - 1)
    assert begun == len(ITEMS)
    assert most <= waiting


def test_two_workers_work_at_the_same_time():
    meet = threading.Barrier(2, timeout=20)
    assert len(list(ahead(lambda _: meet.wait(), ITEMS[:4], workers=2, waiting=2))) == 4


def test_any_other_exception_ends_it_and_the_rest_is_not_begun():
    begun = []

    def work(item):
        begun.append(item.index)
        if item.index == 2:
            raise ZeroDivisionError
        return 1

    with pytest.raises(ZeroDivisionError):
        list(ahead(work, ITEMS, workers=1, waiting=2))
    assert len(begun) <= 5


def test_closing_early_leaves_no_thread_behind():
    stream = ahead(lambda item: item, ITEMS, workers=2, waiting=4)
    next(stream)
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prepare")]


def test_at_least_one_worker_and_one_place_are_needed():
    with pytest.raises(ValueError, match="waiting=0"):
        next(ahead(lambda item: item, ITEMS, workers=1, waiting=0))
