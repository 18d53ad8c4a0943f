"""Error codes in the text of CANN, ATC, ais_bench and the driver, with the words printed beside them.

``E10016: ...`` and ``W11001: ...`` are GE's error table (``metadef`` ``error_code.json``); CANN 8 puts a process id
and a time stamp after the code, CANN 8.2 a name before it (``Unsupported_Operator(EZ3003): ...``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.parsing.text import is_cut

CODE = r"(?:[EW](?:[A-Z][0-9]{4}|[1-9][0-9]{4})|E[A-Z][0-9]{3,4})"

_REPORT = re.compile(
    rf"(?<![A-Za-z0-9_\-])(?:([A-Z][A-Za-z_]+)\()?({CODE})\)?:[ \t]*"
    r"(?:\[PID:[ \t]*([0-9]{1,10})\][ \t]*)?([0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9:.]+)?[ \t]*([^\n]*)"
)
_STAMP_BEFORE = re.compile(r"\[PID:[ \t]*([0-9]{1,10})\][ \t]*([0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9:.]+)[ \t]*\Z")
_HEX = re.compile(r"\b0x[0-9a-fA-F]{6,8}\b")
_RUNTIME = re.compile(
    r"(?:\bret(?:Code)?\s*(?:=|:|is)\s*|\bresult\s*=\s*|\berror ?code\s*(?:=|:|is)?\s*|^\[|RuntimeError:\s*\[)"
    r"((?:1[04]|2[04]|[35]0)[0-9]{4}|-8[0-9]{3})\b",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Report:
    """One coded message.

    Attributes:
        code: such as ``E10016`` or ``W11001``.
        message: the rest of the line, without process id and time stamp.
        pid: process id where printed.
        time: the tool's own time stamp where printed, as text.

    """

    code: str
    message: str
    pid: int | None = None
    time: str | None = None

    @property
    def is_warning(self) -> bool:
        """Whether the code is a warning's."""
        return self.code.startswith("W")

    def to_json(self) -> dict[str, str | int]:
        """Keys ``code message``, and ``pid time`` where printed."""
        out: dict[str, str | int] = {"code": self.code, "message": self.message}
        if self.pid is not None:
            out["pid"] = self.pid
        if self.time is not None:
            out["time"] = self.time
        return out


def parse_reports(text: str) -> list[Report]:
    """All coded messages of cleaned text, in their order."""
    reports = []
    for found in _REPORT.finditer(text):
        pid, time = found[3], found[4] if found[4] and not is_cut(text, found.end(4)) else None
        if pid is None:
            line_start = text.rfind("\n", 0, found.start()) + 1
            before = _STAMP_BEFORE.search(text[line_start : found.start()])
            pid, time = (before[1], before[2]) if before else (None, time)
        reports.append(Report(found[2], found[5].strip(), int(pid) if pid else None, time))
    return reports


def parse_codes(text: str) -> tuple[str, ...]:
    """All codes of cleaned text, sorted, each once: GE codes, hexadecimal ones of 6 to 8 digits, runtime numbers.

    Runtime numbers are decimal ACL codes (``ret=507033``, ``[207001]``) and the driver's ``ret is -8020``. Addresses
    and register contents have other lengths and stay out.
    """
    codes = {report.code for report in parse_reports(text)}
    codes.update(found[0] for found in _HEX.finditer(text) if not is_cut(text, found.end()))
    codes.update(_RUNTIME.findall(text))
    return tuple(sorted(codes))
