"""What the C++ side prints: ``[LEVEL] message`` on standard output, whole lines at once."""

from __future__ import annotations

import sys

LEVELS = {"DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}
CODES = {
    -1: "ACL: general failure",
    1: "ACL: invalid parameter",
    2: "ACL: memory allocation fail",
    1004: "Invalid parameter",
}


class Log:
    """The least level that is printed; the genuine one is a global of the library, too."""

    level = 2


def log(level: str, message: str) -> None:
    """Print a line of a level."""
    if LEVELS[level] >= Log.level:
        plain(f"[{level}] {message}")


def plain(message: str) -> None:
    """Print text as CANN returns it, without a level."""
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def failure(code: int) -> RuntimeError:
    """What pybind raises for a code: ``[1][ACL: invalid parameter] ``."""
    return RuntimeError("[{}][{}] ".format(code, CODES.get(code, "Error code unknown")))
