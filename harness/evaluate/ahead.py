"""Doing the next items' work while the present one is used: in order, and never more than a few items ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.datasets.protocol import Item, Prepared, SampleError

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Ready(Generic[ValueT]):
    """What became of one item: its value, or why it has none."""

    item: Item
    value: ValueT | None
    problem: SampleError | None = None


def ahead(
    work: Callable[[Item], ValueT], items: Iterable[Item], *, workers: int, waiting: int
) -> Generator[Ready[ValueT], None, None]:
    """Yield ``work(item)`` for every item, in their order, done by ``workers`` threads.

    At most ``waiting`` items are under way or waiting at any moment, beside the one that was yielded last. A
    SampleError is handed on with its item, any other exception is raised here. Threads, not processes: decoding,
    resizing and the compiled loops run outside the interpreter lock, and a prepared video is too large to be sent
    around.
    """
    if workers < 1 or waiting < 1:
        raise ValueError(f"workers={workers}, waiting={waiting}: expected at least 1 of each")
    source = iter(items)
    pending: deque[tuple[Item, Future[ValueT]]] = deque()
    pool = ThreadPoolExecutor(min(workers, waiting), thread_name_prefix="prepare")
    try:
        while True:
            while len(pending) < waiting and (item := next(source, None)) is not None:
                pending.append((item, pool.submit(work, item)))
            if not pending:
                return
            item, future = pending.popleft()
            try:
                ready = Ready(item, future.result())
            except SampleError as problem:
                ready = Ready(item, None, problem)
            del future
            if (upcoming := next(source, None)) is not None:
                pending.append((upcoming, pool.submit(work, upcoming)))
            yield ready
            del ready
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


Loaded = Ready[Prepared]
