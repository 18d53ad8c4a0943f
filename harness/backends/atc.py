"""Runs ATC: in a folder of its own, with a process log of its own; what it says becomes fields, or an error."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.backends.atc_command import atc_arguments
from harness.backends.tool_errors import explained, tool_error
from harness.backends.workplace import acceptable, run_tool, workplace
from harness.devices.cann import Installation, installation
from harness.errors import HarnessError
from harness.parsing.atc import AtcLog, hint_for, parse
from harness.parsing.failures import Failure
from harness.parsing.text import ParseError

PROCESS_LOG = "ASCEND_PROCESS_LOG_PATH"
LOG_BYTES = 2**20
"""How much of a process log is kept."""


@dataclass(frozen=True)
class Conversion:
    """A conversion that went well: the command as run, the warnings by code, and the wall time of ATC."""

    command: tuple[str, ...]
    warnings: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Keys ``command`` and, where ATC warned, ``warnings``."""
        return {"command": list(self.command), **({"warnings": list(self.warnings)} if self.warnings else {})}


def run_atc(
    onnx: Path, target: Path, log: Path, flags: Mapping[str, str], environment: Mapping[str, str]
) -> Conversion:
    """Convert ``onnx`` to ``target`` and write all that ATC printed, and its process log, to ``log`` and to the screen.

    Raises:
        UnsupportedError: an operator or a chip that this toolkit does not know.
        HarnessError: ATC is not there or failed; reason and hint say why.
    """
    here = installation(environment)
    if here.atc is None:
        raise _missing(here)
    with workplace(target.parent) as folder:
        arguments = atc_arguments(flags, acceptable(onnx, folder, "network.onnx"), folder / "network")
        text, status = run_tool([here.atc, *arguments[1:]], folder, {**environment, PROCESS_LOG: str(folder / "plog")})
        plog = _process_log(folder / "plog")
        log.write_text(f"$ {' '.join(arguments)}\n{text}{plog}", encoding="utf-8", errors="replace")
        sys.stdout.write(log.read_text(encoding="utf-8"))
        made = next((file for file in sorted(folder.glob("network*.om")) if file.stat().st_size), None)
        parsed = _parsed(text)
        if status != 0 or parsed is None or parsed.status != "success" or made is None:
            raise explained("atc", text + plog, status, "it ended without success and without an OM file")
        shutil.move(made, target)
    warnings = tuple(
        {
            key: value
            for key, value in (("code", each.code), ("message", each.message), ("hint", hint_for(each.code)))
            if value
        }
        for each in parsed.warnings
    )
    return Conversion(tuple(arguments), warnings)


def _parsed(text: str) -> AtcLog | None:
    try:
        return parse(text)
    except ParseError:
        return None


def _process_log(folder: Path) -> str:
    """What ATC wrote to its process log, files in the order of their names; empty where there is none."""
    found = []
    for file in sorted(folder.rglob("plog-*.log")):
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - LOG_BYTES), os.SEEK_SET)
            found.append(f"\n--- {file.name}\n{stream.read().decode(errors='replace')}")
    return "".join(found)


def _missing(here: Installation) -> HarnessError:
    source = f"source {here.set_env}"
    failure = Failure(
        "failed",
        "toolkit_not_sourced",
        "atc is not on PATH" if here.toolkit is None else f"atc is not on PATH, although {here.toolkit} is there",
        f"run `{source}` in this shell first; if that file is not there, install the CANN toolkit",
        "environment",
    )
    return tool_error("atc", failure)
