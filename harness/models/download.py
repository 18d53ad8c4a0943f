"""Fetching one large file over HTTP into a ``.part`` file that a later try goes on with.

Beside ``FILE.part`` lies ``FILE.part.json``: the address, and the mark by which the server tells one version of the
file from another (RFC 9110, sections 8.8 and 13.1.5: strong ETag, else Last-Modified). Whether it is the right file
is the caller's to check.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from harness.models.connect import (
    RANGE_NOT_SATISFIABLE,
    Answer,
    DownloadError,
    InterruptedDownloadError,
    UnreachableError,
    ask,
    host,
)

Progress = Callable[[str, int, "int | None"], None]
"""Called with the file's name, the bytes that are there and the bytes it has in all (None: the server does not say)."""

TRIES = 3
"""So many tries in a row that bring next to nothing end a download."""

PROGRESS_BYTES = 1 << 20
"""What a try has to bring to count as one that helped."""


@dataclass(frozen=True)
class _Remembered:
    """What ``FILE.part`` is a part of."""

    url: str
    validator: str | None


def fetch(url: str, part: Path, *, patience_s: float, stall_s: float, progress: Progress) -> bool:
    """Download ``url`` into ``part``, going on where an earlier try stopped; True when it was put together from pieces.

    A dropped or stalled connection is tried again at once. What has come stays in ``part`` whatever happens.

    Raises:
        UnreachableError: nobody answered the first request.
        DownloadError: the server refuses, or breaks off again and again.
        OSError: ``part`` cannot be written.
    """
    fruitless, asked = 0, False
    while True:
        before = _size(part)
        try:
            return _fetch_rest(url, part, patience_s=patience_s, stall_s=stall_s, progress=progress)
        except UnreachableError:
            if not asked:
                raise
            fruitless += 1
            problem = f"{host(url)} cannot be reached any more"
        except InterruptedDownloadError as error:
            problem = str(error)
            fruitless = 0 if _size(part) - before >= PROGRESS_BYTES else fruitless + 1
        asked = True
        if fruitless == TRIES:
            raise DownloadError(f"{problem}, {TRIES} times in a row")


def in_tenths(report: Callable[[str], None]) -> Progress:
    """Progress as lines for ``report``: one for each tenth of a file."""
    reported = 0

    def progress(name: str, done_bytes: int, total_bytes: int | None) -> None:
        nonlocal reported
        tenth = 10 * done_bytes // total_bytes if total_bytes else 0
        if total_bytes and 0 < tenth < 10 and tenth != reported:
            reported = tenth
            report(f"{name}: {10 * tenth} % of {total_bytes / 1e6:.0f} MB")

    return progress


def discard(part: Path) -> None:
    """Forget what has been downloaded so far."""
    for path in (part, _memo(part)):
        with suppress(FileNotFoundError):
            path.unlink()


def _fetch_rest(url: str, part: Path, *, patience_s: float, stall_s: float, progress: Progress) -> bool:
    """One request for what is missing; True when it added to what was there.

    Raises:
        InterruptedDownloadError: something is still missing.
        UnreachableError, DownloadError, OSError: as `fetch`.
    """
    remembered = _recall(part)
    if remembered is None or remembered.url != url:
        discard(part)
        remembered = _Remembered(url, None)
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and remembered.validator:
        headers["If-Range"] = remembered.validator
    answer = ask(url, headers, patience_s=patience_s, stall_s=stall_s)
    with closing(answer.body):
        if answer.status == RANGE_NOT_SATISFIABLE:
            _check_nothing_is_missing(answer, part, have)
            return True
        total = _total(answer, have)
        adding = answer.status == 206
        if adding and not _goes_on(answer, have, remembered.validator):
            discard(part)
            raise InterruptedDownloadError(f"{host(url)} sent another part than asked for")
        if not adding:
            have = 0
            discard(part)
            _remember(part, _Remembered(url, _validator(answer.headers)))
        _check_space(part, have, total)
        _append(answer, part, have, total, progress)
        return adding


def _append(answer: Answer, part: Path, have: int, total: int | None, progress: Progress) -> None:
    """Write the body behind the ``have`` bytes of ``part``."""
    name = part.name.removesuffix(".part")
    with part.open("ab") as file:
        progress(name, have, total)
        while block := answer.read():
            file.write(block)
            have += len(block)
            progress(name, have, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and have < total:
        raise InterruptedDownloadError(f"{host(answer.url)} broke off after {have} of {total} bytes")


def _check_nothing_is_missing(answer: Answer, part: Path, have: int) -> None:
    """A server that has nothing to add says how long the file is: all is here, or what is here is not of this file."""
    match = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range") or "")
    if match is None or int(match[1]) != have:
        discard(part)
        raise InterruptedDownloadError(f"{host(answer.url)} has another file than the one that was begun")


def _check_space(part: Path, have: int, total: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - have > free:
        raise DownloadError(f"{part.parent} has {free / 1e6:.0f} MB free and {(total - have) / 1e6:.0f} MB are missing")


def _goes_on(answer: Answer, have: int, validator: str | None) -> bool:
    """Whether a 206 begins where ``part`` ends and is of the same version of the file."""
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range") or "")
    same = validator is None or _validator(answer.headers) in {None, validator}
    return match is not None and int(match[1]) == have and same


def _total(answer: Answer, have: int) -> int | None:
    """The size of the whole file in bytes, as far as the server says."""
    match = re.search(r"/(\d+)$", answer.headers.get("Content-Range") or "")
    if match:
        return int(match[1])
    length = answer.headers.get("Content-Length") or ""
    rest = int(length) if length.isdigit() else None
    return None if rest is None else rest + (have if answer.status == 206 else 0)


def _validator(headers: Message) -> str | None:
    """What an ``If-Range`` may carry: a strong ETag, else the date."""
    tag = headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _memo(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _remember(part: Path, remembered: _Remembered) -> None:
    _memo(part).write_text(json.dumps({"url": remembered.url, "validator": remembered.validator}))


def _recall(part: Path) -> _Remembered | None:
    """What `_remember` wrote; None when nothing readable is there."""
    try:
        said = json.loads(_memo(part).read_text())
        return _Remembered(url=said["url"], validator=said["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size(part: Path) -> int:
    """Size in bytes, zero when there is none."""
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0
