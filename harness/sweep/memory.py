"""What this machine and its control groups say about memory: how much is free, how often the kernel killed for it.

Linux only; elsewhere the answers are None. ``root`` is the root of the file system, another folder in tests.
Formats: proc(5), cgroups v1 ``memory.txt`` and v2 ``cgroup-v2.rst`` of the kernel's documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")
_LIMITS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.high", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Control groups v2 and v1: file of the limit, file of the usage, the part of the usage that can be dropped."""


def available_bytes(root: Path = ROOT) -> int | None:
    """Memory that a new process can take without swapping: ``MemAvailable``, or less where a control group says so.

    Returns None where neither is known (not Linux).
    """
    free = [left for group in memory_groups(root) if (left := _left_in_group(group)) is not None]
    machine = _counters(root / "proc/meminfo").get("MemAvailable")
    if machine is not None:
        free.append(machine * 1024)
    return min(free, default=None)


def oom_kills(root: Path = ROOT) -> int | None:
    """How many processes the kernel has killed for want of memory, machine and own control group added up.

    Only the difference of two readings means something. None where no counter is readable (kernel before 4.13).
    """
    own = [*memory_groups(root)][:1]
    files = [root / "proc/vmstat", *(group / name for group in own for name in ("memory.events", "memory.oom_control"))]
    counts = [count for file in files if (count := _counters(file).get("oom_kill")) is not None]
    return sum(counts) if counts else None


def memory_groups(root: Path = ROOT) -> Iterator[Path]:
    """The folders of the control groups that bound this process's memory, the innermost first."""
    mounts = list(_mounts(_lines(root / "proc/self/mountinfo")))
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        unified = number == "0" and not controllers
        if not path.startswith("/") or not (unified or "memory" in controllers.split(",")):
            continue
        for kind, options, top, mount in mounts:
            if kind == "cgroup2" if unified else kind == "cgroup" and "memory" in options:
                yield from _upwards(root / mount.lstrip("/"), PurePosixPath(path), top)
                break


def _upwards(mount: Path, path: PurePosixPath, top: str) -> Iterator[Path]:
    """The group's folder and its parents up to the mount; only the mount where a namespace hides the path."""
    inside = PurePosixPath(path).relative_to(top) if path.is_relative_to(top) and ".." not in path.parts else None
    folder = mount / inside if inside is not None and (mount / inside).is_dir() else mount
    yield folder
    while folder != mount:
        folder = folder.parent
        yield folder


def _mounts(lines: Iterable[str]) -> Iterator[tuple[str, list[str], str, str]]:
    """Type, options, root within the file system and mount point of every line of ``mountinfo``."""
    for line in lines:
        place, found, kind = line.partition(" - ")
        fields, words = place.split(), kind.split()
        if found and len(fields) >= 5 and len(words) >= 3:
            yield words[0], words[2].split(","), fields[3], fields[4]


def _left_in_group(group: Path) -> int | None:
    """Bytes that the group may still take, its droppable file cache counted as free; None without a limit."""
    left = []
    for limit_name, usage_name, cache_name in _LIMITS:
        limit, usage = _number(group / limit_name), _number(group / usage_name)
        if limit is not None and usage is not None and limit < 2**60:  # v1 writes nearly 2**63 for "no limit"
            cache = _counters(group / "memory.stat").get(cache_name, 0)
            left.append(max(0, limit - max(0, usage - cache)))
    return min(left, default=None)


def _number(file: Path) -> int | None:
    """The one number in a file; None where it is missing or says ``max``."""
    text = "".join(_lines(file)).strip()
    return int(text) if text.isdecimal() else None


def _counters(file: Path) -> dict[str, int]:
    """Lines of a name and a number, with or without a colon and a unit, as a dictionary; empty where unreadable."""
    pairs = (line.replace(":", " ").split() for line in _lines(file))
    return {words[0]: int(words[1]) for words in pairs if len(words) >= 2 and words[1].isdecimal()}


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except OSError:
        return []
