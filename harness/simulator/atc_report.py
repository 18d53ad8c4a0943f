"""How ATC ends: success and failure in its words, and its process log (ASCEND.md, sections d.1, d.3 and d.4)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
EXIT_FAILED = 255
"""GE returns 0xFFFFFFFF, of which a shell sees the last byte."""


class AtcError(Exception):
    """What ATC refuses: the code, the sentence, and the lines below it."""

    def __init__(self, code: str, words: str, *more: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words
        self.more = more

    def report(self) -> str:
        """The report as printed after the failure line."""
        return "\n".join([f"{self.code}: {self.words}", *(f"        {line}" for line in self.more)])


def invalid(flag: str, value: str, reason: str, code: str = "E10001") -> AtcError:
    """A value that the flag does not take."""
    return AtcError(code, f"Value [{value}] for parameter [--{flag}] is invalid. Reason: {reason}")


def failed(error: AtcError) -> int:
    """Print the failure and write the process log; returns the exit status."""
    print(FAILED)
    print(error.report(), flush=True)
    write_process_log([str(error), *error.more])
    return EXIT_FAILED


def missing_library(library: str) -> int:
    """What the loader says of a library that it does not find; returns the exit status of a shell."""
    print(
        f"atc.bin: error while loading shared libraries: {library}: cannot open shared object file: "
        "No such file or directory",
        file=sys.stderr,
    )
    return 127


def write_process_log(lines: Sequence[str]) -> None:
    """The ``plog`` below ``ASCEND_PROCESS_LOG_PATH``, ``ASCEND_WORK_PATH/log`` or ``$HOME/ascend/log``."""
    work = os.environ.get("ASCEND_WORK_PATH")
    default = Path(work) / "log" if work else Path.home() / "ascend" / "log"
    folder = Path(os.environ.get("ASCEND_PROCESS_LOG_PATH") or default) / "debug" / "plog"
    folder.mkdir(parents=True, exist_ok=True)
    pid, now = os.getpid(), time.strftime("%Y-%m-%d-%H:%M:%S")
    with (folder / f"plog-{pid}_{time.strftime('%Y%m%d%H%M%S')}000.log").open("a", encoding="utf-8") as file:
        for line in lines:
            file.write(f"[ERROR] GE({pid},atc.bin):{now}.000.000 [main_impl.cc:1] {line}\n")
