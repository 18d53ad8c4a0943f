"""Which paths ais_bench accepts, from G5 on: characters, links, owners, permissions and sizes."""

from __future__ import annotations

import os
import re
import stat

LEGAL = re.compile(r"^[A-Za-z0-9_\-/. ]*$")
LONGEST = 4096
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
MODEL_BYTES = 10 * 1024**3
JSON_BYTES = 8 * 1024
AIPP_BYTES = 12800


def check_path(path: str, what: str) -> None:
    """Refuse a path with characters other than ``A-Za-z0-9 _-/.``, too long a one, and links.

    Raises:
        ValueError: with the words of ais_bench.
    """
    if not LEGAL.match(path):
        raise ValueError(f"{what} path {path} contains illegal char. legal chars include alphanumeric, _-/.")
    if len(path) > LONGEST:
        raise ValueError(f"{what} path length is over {LONGEST}")
    if os.path.islink(os.path.abspath(path)):
        raise ValueError(f"{what} path {path} is a soft link, which is not a valid path")


def check_readable(path: str, what: str, suffix: str = "", most_bytes: int = 0) -> None:
    """Refuse a file or folder that is not there, not ours, writable by others, of another suffix, or too large.

    Raises:
        ValueError: with the words of ais_bench.
    """
    check_path(path, what)
    if not os.path.exists(path):
        raise ValueError(f"{what} path {path} is not a valid path: it does not exist")
    state = os.stat(path)
    if state.st_uid != os.getuid() and state.st_gid not in os.getgroups() and os.getuid() != 0:
        raise ValueError(f"current user isn't path {path}'s owner or in its owner group")
    if state.st_mode & WRITABLE_BY_OTHERS:
        raise ValueError(f"{what} path {path}: permission should not be over 0o755(rwxr-xr-x)")
    if suffix and not path.endswith(suffix):
        raise ValueError(f"{what} path {path} is not a valid path: expected a {suffix} file")
    if most_bytes and state.st_size > most_bytes:
        raise ValueError(f"{what} path {path}: file size is over {most_bytes}")
