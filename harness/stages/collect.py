"""Frees what no record needs: least recently used first, down to a size. What was just used stays for a running sweep.

A kill at any moment leaves a consistent store: keys go before the files that they promise, and what was put aside
meanwhile is a leftover, which the next time removes.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError
from harness.files import NO_ROOM
from harness.stages.holdings import Holding, Holdings, Key, Leftover
from harness.stages.store import Store


@dataclass(frozen=True)
class Plan:
    """What will be removed, in this order, and what stays: for its need, or because it was used not long ago."""

    remove: tuple[Holding | Leftover, ...] = ()
    needed: tuple[Holding | Leftover, ...] = ()
    recent: tuple[Holding | Leftover, ...] = ()
    spared: tuple[Holding | Leftover, ...] = ()
    """Neither needed nor recent, but the size is reached without them."""


class UsedError(HarnessError):
    """A file was used, or made anew, after the plan was made."""


def total_bytes(things: Sequence[Holding | Leftover]) -> int:
    """The size of all of them."""
    return sum(each.size_bytes for each in things)


def planned(held: Holdings, *, size_bytes: int, before_s: float) -> Plan:
    """What to free so that the store takes at most ``size_bytes``: files that no record needs, and what kills left.

    ``before_s`` (seconds since 1970): what was used since then stays, as a running sweep may be about to use it.

    Raises:
        HarnessError: a record cannot be read, so that what it needs is unknown.
    """
    if held.unread:
        path, reason = next(iter(held.unread.items()))
        more = f" (and {len(held.unread) - 1} more)" if len(held.unread) > 1 else ""
        raise HarnessError(
            f"{path}{more} cannot be read ({reason}), so what it needs is unknown and nothing is freed;"
            " restore it, or remove the record"
        )
    needed = tuple(each for each in held.everything if each.needed_by)
    free = [each for each in held.everything if not each.needed_by]
    recent = tuple(each for each in free if _recent(each, before_s))
    idle = sorted((each for each in free if not _recent(each, before_s)), key=lambda each: (each.used_s, each.path))
    left, count = held.size_bytes, 0
    for each in idle:
        if left <= size_bytes and each.size_bytes:
            break
        left, count = left - each.size_bytes, count + 1
    return Plan(tuple(idle[:count]), needed, recent, tuple(idle[count:]))


def _recent(each: Holding | Leftover, before_s: float) -> bool:
    return each.used_s >= before_s or (isinstance(each, Leftover) and each.running)


def freed(
    plan: Plan, store: Store, removed: Callable[[Holding | Leftover], None] = lambda _: None
) -> list[tuple[Holding | Leftover, str]]:
    """Carry a plan out; returns what stays although it was to go, with the reason in words.

    What a process holds the lock of is in use and stays. ``removed`` hears of each thing that is gone.
    """
    kept: list[tuple[Holding | Leftover, str]] = []
    for each in plan.remove:
        try:
            _remove(each, store)
        except Timeout:
            kept.append((each, "a stage is at work on it"))
        except UsedError as error:
            kept.append((each, str(error)))
        except OSError as error:
            kept.append((each, error.strerror or str(error)))
        else:
            removed(each)
    return kept


def tidied(held: Holdings, store: Store) -> int:
    """Remove the keys whose files are gone, which nobody is served with; returns how many."""
    gone = 0
    for key in held.dangling:
        with suppress(Timeout, OSError), _locked(store.lock_path(key.stage, key.path.stem)):
            if store.lookup(key.stage, key.path.stem, using=False) is None:  # nobody has made them again meanwhile
                key.path.unlink(missing_ok=True)
                gone += 1
    return gone


def _remove(each: Holding | Leftover, store: Store) -> None:
    """Remove a thing under the locks of all that may make or use it.

    Raises:
        Timeout: a stage holds one of them.
        UsedError: it was used meanwhile; all is as it was.
        OSError: it cannot be removed; what is left of it is a leftover, or a file that no key leads to.
    """
    with ExitStack() as stack:
        if isinstance(each, Leftover):
            if each.path.parent.name == "unfinished":
                stage, _, digits = each.path.name.rpartition("-")
                stack.enter_context(_locked(store.lock_path(stage, digits)))
            shutil.rmtree(each.path) if each.path.is_dir() else each.path.unlink(missing_ok=True)
            return
        for key in sorted(each.keys, key=lambda key: key.path):
            stack.enter_context(_locked(store.lock_path(key.stage, key.path.stem)))
        with ExitStack() as undo:
            aside = [_put_aside(key, undo) for key in each.keys]
            if each.path.exists() and each.path.stat().st_mtime > each.used_s:
                raise UsedError("it was made anew meanwhile")
            undo.pop_all()
        each.path.unlink(missing_ok=True)
        for path in aside:
            path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a stage's key without waiting for it. Raises Timeout where a stage holds it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(path, timeout=0))
        except OSError as error:
            if error.errno not in NO_ROOM or path.exists():
                raise
            # The disk has no room for a lock file, so no stage has one: this is when room has to be made.
        yield


def _put_aside(key: Key, undo: ExitStack) -> Path:
    """Give a key a name under which nobody finds it, and only then see whether somebody had.

    Raises:
        UsedError: somebody had.
    """
    aside = key.path.with_name(f"{key.path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        key.path.rename(aside)
    except FileNotFoundError:
        return aside  # it went with another file
    undo.callback(aside.rename, key.path)
    if aside.stat().st_mtime > key.used_s:
        raise UsedError("it was used meanwhile")
    return aside
