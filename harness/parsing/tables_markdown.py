"""Tables in Markdown, as lenient as the pages that hold them.

A parser of Markdown refuses many tables that people published: a line of dashes with a column too few, four spaces
before it, a sentence on the line of the header. Here a table is a line of cells above a line of dashes.
"""

from __future__ import annotations

import html
import re

from harness.parsing.table import MOST_CELLS, Table, plain, squared
from harness.parsing.text import ParseError

_OF_DASHES = frozenset("|:- \t")
_LONGEST_CELL = 2000
"""Characters; what is longer is no cell that markup matters in, and expressions would take long over it."""
_FENCE = re.compile(r"^\s*(```+|~~~+)")
_BAR = re.compile(r"(?<!\\)\|")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_EMPHASIS = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1|(?<![\w*])\*(?=[^\s*])([^*]+)(?<=[^\s*])\*(?![\w*])")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*$")


def without_code(text: str) -> str:
    """The text with the lines of fenced code emptied: what stands there is a tool's output. Line numbers stay."""
    kept: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            kept.append("")
        elif mark and "|" not in line:
            fence = mark[1]
            kept.append("")
        else:
            kept.append(line)
    return text if fence else "\n".join(kept)


def markdown_tables(text: str) -> list[Table]:
    """All tables of a text, with their lines.

    Raises:
        ParseError: more cells than any published table has.
    """
    lines = text.splitlines()
    found: list[Table] = []
    title, place, cells = "", 0, 0
    while place < len(lines):
        heading = _HEADING.match(lines[place])
        title = inline(heading[1]) if heading else title
        if place + 1 == len(lines) or "|" not in lines[place] or not _is_rule(lines[place + 1]):
            place += 1
            continue
        end = place + 2
        while end < len(lines) and "|" in lines[end] and not _begins(lines, end):
            end += 1
        rows = [_cells(lines[at]) for at in (place, *range(place + 2, end)) if not _is_long_rule(lines[at])]
        cells += sum(map(len, rows))
        if cells > MOST_CELLS:
            raise ParseError(f"more than {MOST_CELLS} cells: expected a table of published numbers")
        table = squared(rows, place + 1, end, title)
        if table is not None:
            found.append(table)
        place = end
    return found


def _is_rule(line: str) -> bool:
    """Whether a line is the one between header and rows: nothing but dashes, bars and colons."""
    return "-" in line and "|" in line and _OF_DASHES.issuperset(line.rstrip())


def _begins(lines: list[str], place: int) -> bool:
    """Whether another table begins right here, below the rows of one: a header, a line of dashes, and a row.

    A line of dashes may also stand between rows or close the table; a line with numbers above it is no header.
    """
    following = lines[place + 1 : place + 3]
    if len(following) < 2 or not _is_long_rule(following[0]) or "|" not in following[1] or _is_rule(lines[place]):
        return False
    return not any(re.match(r"[*\s]*\d", cell) for cell in _BAR.split(lines[place]))


def _is_long_rule(line: str) -> bool:
    """Whether a line is a rule rather than ``| - | - |``, a row without values."""
    return "--" in line and _is_rule(line)


def inline(text: str) -> str:
    """A cell without its markup: ``[47.72%](url)`` and ``**47.72%**`` are 47.72%; a line break becomes a semicolon."""
    if len(text) > _LONGEST_CELL:
        return plain(text)
    text = _TAG.sub("", _BREAK.sub("; ", _IMAGE_OR_LINK.sub(r"\1", text)))
    text = _EMPHASIS.sub(lambda found: found[2] or found[3], text)
    return plain(html.unescape(text.replace("\\|", "|").replace("`", "")))


def _cells(line: str) -> list[str]:
    before, bar, rest = line.partition("|")
    inside = rest if bar and (not before.strip() or before.strip().endswith((":", "\uff1a"))) else line
    parts = _BAR.split(inside.rstrip())
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return [inline(part) for part in parts]
