"""Text that comes from file names and class lists, made safe for a line of a log, a terminal or a message."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every control character, line break and escape sequence written out as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
