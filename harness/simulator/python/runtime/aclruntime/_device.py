"""The simulated chip: opening it, its memory, and the times that it takes.

Times are drawn, not waited for. Stamps are float32 milliseconds since the session began from G5 on, as in AIT RC3.
"""

from __future__ import annotations

import hashlib
import random
import time
from typing import Iterator

import numpy as np

from aclruntime._log import failure, log, plain
from aclruntime._options import options, salt


class Stamps(float):
    """A duration in ms that unpacks to the pair (start, end), which is what later versions of ais_bench expect."""

    start = 0.0
    end = 0.0

    def __iter__(self) -> Iterator[float]:
        return iter((self.start, self.end))


class State:
    """What this process has done with the library."""

    initialised = False
    opened: dict[int, int] = {}
    taken_bytes: dict[int, float] = {}
    loaded = 0


def open_device(device_id: int) -> None:
    """Open a device for one more session.

    Raises:
        RuntimeError: with the code that the library gives; the reason is printed.
    """
    settings = options()
    if settings["fail"] == "hang":
        while True:
            time.sleep(3600)
    if not State.initialised:
        State.initialised = True
        log("INFO", "acl init success")
    if State.opened.get(device_id):
        State.opened[device_id] += 1
        return
    if settings["fail"] == "device_busy":
        plain("EL0005: The resources are busy.\n       Possible Cause: The resources have been occupied.")
        _refuse(device_id, 507033, "device is occupied by another process")
    if settings["fail"] == "container":
        plain(
            "EL0003: The argument is invalid.\n"
            "       Failed to open device, because the device is used by another container. ret is -8020"
        )
        _refuse(device_id, 507899, "driver internal error")
    if device_id >= settings["devices"]:
        plain(
            f"EL0003: The argument is invalid.\n       Invalid device id, retCode=0x7020014,deviceId={device_id}."
            "[FUNC:Init][FILE:device.cc][LINE:211]"
        )
        log("ERROR", f"acl open device {device_id} failed")
        raise failure(107001)
    State.opened[device_id] = 1
    log("INFO", f"open device {device_id} success")


def _refuse(device_id: int, code: int, words: str) -> None:
    plain(
        f"       open device {device_id} failed, {words}, runtime result = {code}."
        "[FUNC:ReportCallError][FILE:log_inner.cpp][LINE:162]"
    )
    log("ERROR", f"acl open device {device_id} failed")
    plain(f"SetDevice failed.ret={code}")
    raise failure(code)


def close_device(device_id: int) -> None:
    """Close one session's use of a device; the last one resets it and ends the library."""
    if not State.opened.get(device_id):
        return
    State.opened[device_id] -= 1
    if not State.opened[device_id]:
        log("INFO", f"end to reset device {device_id}")
    if not any(State.opened.values()):
        log("INFO", "end to finalize acl")


def take_memory(device_id: int, size_bytes: float) -> bool:
    """Take memory of the chip; whether there was enough."""
    settings = options()
    free = (settings["memory_mb"] - settings["idle_memory_mb"]) * 2**20 - State.taken_bytes.get(device_id, 0.0)
    if size_bytes > free:
        plain(
            "EL0004: Failed to allocate memory.\n       Possible Cause: Available memory is insufficient.\n"
            "       rtMalloc failed, size:{:.0f}({:.1f} MB), free:{:.1f} MB of {:.1f} MB".format(
                size_bytes, size_bytes / 2**20, free / 2**20, settings["memory_mb"]
            )
        )
        return False
    State.taken_bytes[device_id] = State.taken_bytes.get(device_id, 0.0) + size_bytes
    return True


def give_back(device_id: int, size_bytes: float) -> None:
    """Free memory of the chip."""
    State.taken_bytes[device_id] = max(0.0, State.taken_bytes.get(device_id, 0.0) - size_bytes)


class Clock:
    """The seeded times of one session: a process has its own offset, an iteration its own scatter."""

    def __init__(self, model_key: str) -> None:
        self._settings = options()
        text = "{}/{}/{}".format(self._settings["seed"], salt(), model_key)
        self._random = random.Random(hashlib.sha256(text.encode()).hexdigest())
        self._process = 1 + self._settings["process_noise"] * self._random.gauss(0, 1)
        self._now_ms = 0.0
        self._first = True

    def compute(self, macs: float) -> Stamps:
        """The time of one execution; the first one of a session takes half as long again."""
        settings = self._settings
        mean = settings["fixed_ms"] + settings["ms_per_gmac"] * macs / 1e9
        taken = mean * self._process * (1 + settings["noise"] * abs(self._random.gauss(0, 1)))
        taken *= 1.5 if self._first else 1
        self._first = False
        start, end = self._now_ms, self._now_ms + taken
        self._now_ms = end + 0.02
        if settings["generation"] in ("G5", "G6"):
            start, end = float(np.float32(start)), float(np.float32(end))
        made = Stamps(end - start)
        made.start, made.end = start, end
        return made


class Copies:
    """The seeded times of copies; one stream a process, as the library keeps one list."""

    random: random.Random | None = None


def copied(direction: str, size_bytes: int) -> float:
    """The time of a copy in ms: 30 microseconds and the size over the bandwidth, with the scatter of an iteration."""
    settings = options()
    if Copies.random is None:
        Copies.random = random.Random("{}/{}/copies".format(settings["seed"], salt()))
    rate: float = settings["h2d_gb_per_s" if direction == "h2d" else "d2h_gb_per_s"]
    noise: float = settings["noise"]
    return (0.03 + size_bytes / (rate * 1e6)) * (1 + noise * abs(Copies.random.gauss(0, 1)))
