"""A free device for a cell that names none: of several alike on this machine, the first that no other cell has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from harness.config.schema import Settings
from harness.devices.physical import CPU, physical_name
from harness.errors import HarnessError
from harness.simulator.environment import environment
from harness.sweep.locks import POLL_S, LockedError, holder, lock_folder, locked_now

_MOST = 256


def device_ids(settings: Settings) -> dict[int, str]:
    """The devices of the cell's kind that are here, as device id to physical name; empty for the CPU."""
    found: dict[int, str] = {}
    name = settings.soc_version.name
    if name == CPU:
        return found
    tools = environment(settings.simulator)
    for device_id in range(_MOST):
        try:
            physical = physical_name(name, tools, device_id)
        except HarnessError:
            break
        if physical in found.values():
            break
        found[device_id] = physical
    return found


@contextmanager
def free_device(settings: Settings, waiting: Callable[[str], None]) -> Iterator[int | None]:
    """The id of a device that this cell has to itself among cells; None where it names its own or has no choice.

    Those that somebody measures on at this moment come last. The lock of each measurement is taken all the same, by
    :mod:`harness.sweep.claims`: sweeps of the default launcher know nothing of this one.
    """
    ids = {} if settings.device else device_ids(settings)
    if len(ids) < 2:
        yield None
        return
    folder, told = lock_folder(), False
    with ExitStack() as stack:
        while True:
            for device_id, physical in sorted(ids.items(), key=lambda each: _busy(each[1])):
                try:
                    stack.enter_context(locked_now(folder / f"{physical}.cell.lock"))
                except LockedError:
                    continue
                yield device_id
                return
            if not told:
                waiting(f"waits for one of {', '.join(ids.values())}")
                told = True
            time.sleep(POLL_S)


def _busy(physical: str) -> bool:
    return holder(lock_folder() / f"{physical}.lock") is not None
