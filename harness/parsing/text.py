"""Text before it is parsed: cleaning, numbers that may be cut short, the error that quotes what was not understood."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from harness.errors import HarnessError

#: What may stand where a number is expected: digits and their company, or a not-a-number of C++ or Python.
VALUE = r"(?:[-+]?(?:nan|inf)\b|[-+.0-9][-+.0-9eE]*)"

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[0-9]{1,18}")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_NUMBERED = re.compile(r"[ \t]*([0-9]{1,7})(?:[:.)|]|\t|(?= )|$)[ \t]?")
_EXCERPT_CHARS = 100

# Full-width forms (U+FF01..U+FF5E, pasted by input methods), odd blanks and typographic quotes become ASCII; what is
# invisible goes, and every separator that is not a newline becomes one only where the tools mean one (carriage return).
_ASCII = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys([0x3000, 0x00A0, 0x2007, 0x202F, 0x0B, 0x0C], " "),
    **dict.fromkeys([0x201C, 0x201D], '"'),
    **dict.fromkeys([0x2018, 0x2019], "'"),
    **dict.fromkeys([0xFEFF, 0x200B, 0x200C, 0x200D, 0x2060, *range(0x09), *range(0x0E, 0x20), 0x7F]),
    0x0D: "\n",
}


class ParseError(HarnessError):
    """Nothing of a tool's output was understood; the message names what was expected and quotes what was given."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a log that its reader must know: flagged, never hidden, never repaired.

    Attributes:
        code: snake_case, for programs.
        message: one line with the numbers concerned.
        level: ``problem`` (the numbers contradict each other, do not publish them) or ``remark``.

    """

    code: str
    message: str
    level: str = "problem"

    def to_json(self) -> dict[str, str]:
        """The finding as JSON values."""
        return {"code": self.code, "level": self.level, "message": self.message}


def narrowed(text: str) -> str:
    """Text with full-width signs as their narrow ones, typographic quotes as plain ones, and nothing invisible."""
    return text.translate(_ASCII)


def clean(text: str) -> str:
    """Text with colour codes, carriage returns, byte-order marks, full-width characters and line numbers taken out.

    A progress bar that redraws itself with carriage returns becomes one line a state. The result never gains a
    newline at its end, so that a value that touches the end can be told from one that was finished; a colour code
    there finishes it.
    """
    ends_with_colour = text.endswith("m") and re.search(r"\x1b\[[0-9;]*m\Z", text) is not None
    text = _ESCAPE.sub("", text.replace("\r\n", "\n")).translate(_ASCII)
    if ends_with_colour and not text.endswith("\n"):
        text += "\n"
    return _without_line_numbers(text)


def _without_line_numbers(text: str) -> str:
    """The text without the numbers that ``cat -n`` and forum software put before each of at least three lines."""
    head = _NUMBERED.match(text)
    if head is None:
        return text
    lines = text.split("\n")
    last = len(lines) - 1 if not lines[-1].strip() else len(lines)
    if last < 3:
        return text
    expected, starts = int(head[1]), []
    for line in lines[:last]:
        found = _NUMBERED.match(line)
        if found is None or int(found[1]) != expected:
            return text
        starts.append(found.end())
        expected += 1
    return "\n".join([line[start:] for line, start in zip(lines, starts, strict=False)] + lines[last:])


def number(token: str) -> float | None:
    """The finite float that the whole token spells, else None (cut exponent, two points, ``nan``, ``inf``).

    A full stop after a number that has its point already ends a sentence and is no part of it.
    """
    if token.endswith(".") and token.count(".") == 2:
        token = token[:-1]
    if len(token) > 400 or _NUMBER.fullmatch(token) is None:
        return None
    value = float(token)
    return value if math.isfinite(value) else None


def integer(token: str) -> int | None:
    """The non-negative integer of at most 18 digits that the whole token spells, else None."""
    return int(token) if _INTEGER.fullmatch(token) else None


def is_cut(text: str, end: int) -> bool:
    """Whether a value that ends at ``end`` touches the end of the text, so that more of it may have been lost."""
    return end >= len(text)


def cut_finding(what: str, token: str) -> Finding:
    """The finding that a value at the very end of the text was left out because it may be cut short."""
    return Finding(
        "truncated", f"the text ends in the middle of a line: {what} {token!r} may be cut short and was left out"
    )


def excerpt(text: str) -> str:
    """The first line that says something, shortened and quoted, for an error message."""
    line = next((line.strip() for line in text.split("\n") if line.strip()), "")
    if len(line) > _EXCERPT_CHARS:
        line = line[: _EXCERPT_CHARS - 3] + "..."
    return repr(line)


def not_understood(tool: str, text: str, expected: str) -> ParseError:
    """The error for a text in which nothing was recognised: what was given, what was expected, and its first words."""
    if not text.strip():
        return ParseError(f"nothing to parse: the text is empty, expected the output of {tool}")
    lines = text.count("\n") + 1
    return ParseError(
        f"no output of {tool} recognised in {lines} line(s): expected {expected}; it begins {excerpt(text)}"
    )
