"""``python -m harness.parse KIND FILE``: what the harness understands of a tool's log, as JSON.

It is also how a user sends in a log that was read wrongly.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.parsing.text import ParseError

#: Names on the command line; each is a module of ``harness.parsing`` with ``parse`` and ``to_json``.
KINDS = ("ais_bench", "npu_smi", "atc", "trtexec")
_USAGE = f"usage: python -m harness.parse {'|'.join(KINDS)} FILE   (FILE - reads standard input)"
_HELP = f"""{_USAGE}

Prints what the harness understands of a log as JSON: ais_bench logs and summary JSON files of all generations, the
table and the queries of npu-smi, atc's stdout, trtexec logs and --exportTimes files of TensorRT 7 to 11. `findings`
name what contradicts itself.
Exit status: 0 something was understood, 1 nothing was (the reason is on standard error), 2 wrong usage."""


def parse_text(kind: str, text: str) -> dict[str, Any]:
    """What is understood of a text of that kind, as JSON values.

    Raises:
        ParseError: nothing was; where another kind understands it, the message says so.

    """
    if kind == "trtexec" and text.lstrip().startswith("[") and '"computeMs"' in text:
        return _times_json(text)
    try:
        return _read(kind, text)
    except ParseError as error:
        other = _other_kind(kind, text)
        if other is None:
            raise
        raise ParseError(f"{error}; it looks like output of {other}: python -m harness.parse {other} FILE") from None


def _read(kind: str, text: str) -> dict[str, Any]:
    module = importlib.import_module(f"harness.parsing.{kind}")
    out: dict[str, Any] = module.to_json(module.parse(text))
    return out


def _other_kind(kind: str, text: str) -> str | None:
    for other in KINDS:
        if other == kind:
            continue
        try:
            understood = _read(other, text)
        except ParseError:
            continue
        if "failure" not in understood:
            return other
    return None


def _times_json(text: str) -> dict[str, Any]:
    from harness.parsing.trtexec_times import parse_times

    times = parse_times(text)
    ordered = sorted(times.compute_ms)
    middle = len(ordered) // 2
    return {
        "format": "exportTimes JSON",
        "count": len(ordered),
        "min": ordered[0],
        "max": ordered[-1],
        "mean": sum(ordered) / len(ordered),
        "median": ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2,
        "findings": [finding.to_json() for finding in times.findings],
    }


def read_log(name: str) -> str:
    """The text of a log file, ``-`` for standard input; UTF-8, or UTF-16 where a byte-order mark says so (PowerShell).

    Raises:
        HarnessError: the file cannot be read, is empty or is not text.

    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise HarnessError(
            f"cannot read {name!r}: {error.strerror or error}; give a log file, or - for standard input"
        ) from None
    except ValueError as error:
        raise HarnessError(f"cannot read {name!r}: {error}; give a log file, or - for standard input") from None
    where = "standard input" if name == "-" else repr(name)
    if not data.strip():
        raise HarnessError(f"{where} is empty, expected the text of a log")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\x00" in data[:65536]:
        raise HarnessError(f"{where} is binary, expected the text of a log (unpack it first if it is compressed)")
    return data.decode("utf-8", errors="replace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the file named by the arguments and print the result; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["-h"], ["--help"]):
        print(_HELP)
        return 0
    kind = words[0].replace("-", "_") if words else ""
    if len(words) != 2 or kind not in KINDS:
        given = " ".join(words) or "nothing"
        print(f"harness.parse: got {given!r}, expected a kind and a file; {_USAGE}", file=sys.stderr)
        return 2
    try:
        understood = parse_text(kind, read_log(words[1]))
    except HarnessError as error:
        print(f"harness.parse: {error}", file=sys.stderr)
        return 1
    is_utf = (sys.stdout.encoding or "").lower().startswith("utf")
    try:
        print(json.dumps(understood, indent=2, ensure_ascii=not is_utf, allow_nan=False), flush=True)
    except BrokenPipeError:  # the reader (head, less) left; nothing is wrong, and the interpreter must not flush again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
