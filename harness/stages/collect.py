"""Frees what no record needs: least recently used first, down to a size. What was just used stays for a running sweep."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError
from harness.stages.holdings import Holding, Holdings, Leftover
from harness.stages.store import Store


@dataclass(frozen=True)
class Plan:
    """What will be removed, in order, and what will not be although it was wanted."""

    remove: tuple[Holding | Leftover, ...]
    kept_bytes: int
    """What the store takes afterwards."""

    @property
    def freed_bytes(self) -> int:
        """What the removal gives back."""
        return sum(each.size_bytes for each in self.remove)


def planned(held: Holdings, *, size_bytes: int, before_s: float) -> Plan:
    """What to free so that the store takes at most ``size_bytes``: files that no record needs, and what kills left.

    ``before_s`` (seconds since 1970): what was used later stays, because a running sweep may be about to use it.

    Raises:
        HarnessError: a record cannot be read, so that what it needs is unknown.
    """
    if held.unread:
        name, reason = next(iter(held.unread.items()))
        more = f" and {len(held.unread) - 1} more" if len(held.unread) > 1 else ""
        raise HarnessError(
            f"{name}{more}: the record cannot be read ({reason}), so what it needs is unknown and nothing is freed;"
            " mend its permissions or remove it"
        )
    idle: list[Holding | Leftover] = [each for each in held.leftovers if not each.running]
    idle += [each for each in held.files if not each.needed_by]
    chosen: list[Holding | Leftover] = []
    left = held.size_bytes
    for each in sorted((each for each in idle if each.used_s < before_s), key=lambda each: each.used_s):
        if left <= size_bytes and each.size_bytes:
            break
        chosen.append(each)
        left -= each.size_bytes
    return Plan(tuple(chosen), left)


def freed(plan: Plan, store: Store, removed: Callable[[Path], None] = lambda _: None) -> list[str]:
    """Carry a plan out, keys before the files they promise; returns what could not be removed, in words.

    What a process holds the lock of is in use and stays. ``removed`` hears of each path that is gone.
    """
    problems = []
    for each in plan.remove:
        try:
            if isinstance(each, Leftover):
                shutil.rmtree(each.path)
            else:
                _forget(each, store)
                each.path.unlink(missing_ok=True)
        except Timeout:
            problems.append(f"{each.path.name}: a stage is at work on it")
            continue
        except OSError as error:
            problems.append(f"{each.path}: {error.strerror or error}")
            continue
        removed(each.path)
    return problems


def swept(held: Holdings, store: Store) -> int:
    """Remove keys whose files are gone, and the locks that no process holds; returns how many keys."""
    for key in held.dangling:
        key.path.unlink(missing_ok=True)
    for path in (store.root / "locks").glob("*.lock"):
        with suppress(Timeout, OSError), FileLock(path, timeout=0):
            path.unlink()
    return len(held.dangling)


def _forget(each: Holding, store: Store) -> None:
    """Take away the keys that lead to a file, each under its lock. Raises Timeout where a stage holds it."""
    for key in each.keys:
        with FileLock(store.lock_path(key.stage, key.path.stem), timeout=0):
            key.path.unlink(missing_ok=True)
