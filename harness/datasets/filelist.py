"""The list of a folder of videos: generated once, kept beside the checkpoints, and checked file by file ever after.

Each line holds what was found out about one file; it counts as long as the file's size and time of change are the same.
Files that came since are looked at, those that are gone are forgotten.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.datasets.video_files import VideoFacts, examine
from harness.files import write_atomically

SAVE_EVERY = 200
"""Files that a kill may cost: how many are looked at between two savings."""

VERSION = "1"


@dataclass(frozen=True)
class Mark:
    """What a file that was not touched keeps: its size in bytes and the time of its last change in ns."""

    size_bytes: int
    changed_ns: int


class FileList:
    """What is known of the files below ``root``; methods may be called from several threads at once."""

    def __init__(self, root: Path, cache: Path) -> None:
        """``cache`` is the folder of all lists; a list that cannot be read or is another folder's begins anew."""
        self._root = root
        self._file = cache / f"{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]}.tsv"
        self._known: dict[str, tuple[Mark, VideoFacts]] = {}
        self._new = 0
        self._lock = threading.Lock()
        with suppress(OSError, ValueError):
            self._known = dict(_parsed(line) for line in self._file.read_text(encoding="utf-8").splitlines()[1:])

    @property
    def file(self) -> Path:
        """Where the list is kept: path, size, time of change, frames, problem; separated by tabs."""
        return self._file

    def facts(self, path: str) -> VideoFacts:
        """What is wrong with a file and how many frames it has, from the list where it is known."""
        place = self._root / path
        mark = mark_of(place)
        known = self._known.get(path)
        if known is not None and known[0] == mark:
            return known[1]
        found = examine(place)
        with self._lock:
            self._known[path] = (mark, found)
            self._new += 1
            if self._new >= SAVE_EVERY:
                self._save()
        return found

    def keep(self, paths: frozenset[str]) -> None:
        """Save the list with these files only; one that cannot be written is generated again the next time."""
        with self._lock:
            gone = self._known.keys() - paths
            if self._new or gone:
                self._known = {path: known for path, known in self._known.items() if path in paths}
                self._save()

    def _save(self) -> None:
        lines = [f"# videos of {self._root}, list version {VERSION}"]
        for path, (mark, facts) in sorted(self._known.items()):
            cells = (path, mark.size_bytes, mark.changed_ns, facts.frames, facts.problem or "")
            lines.append("\t".join(str(cell).replace("\t", " ").replace("\n", " ") for cell in cells))
        with suppress(OSError):
            write_atomically(self._file, ("\n".join(lines) + "\n").encode())
        self._new = 0


def mark_of(path: Path) -> Mark:
    """The mark of a file as it is now; zeros for one that is not there."""
    try:
        state = path.stat()
    except OSError:
        return Mark(0, 0)
    return Mark(state.st_size, state.st_mtime_ns)


def _parsed(line: str) -> tuple[str, tuple[Mark, VideoFacts]]:
    path, size_bytes, changed_ns, frames, problem = line.split("\t")
    return path, (Mark(int(size_bytes), int(changed_ns)), VideoFacts(int(frames), problem or None))
