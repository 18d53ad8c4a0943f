"""Runs npu-smi and hands its output to the parser; one call at a time, each bounded in time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from harness.devices.cann import installation
from harness.errors import HarnessError, UnsupportedError
from harness.parsing.failures import classify
from harness.parsing.npu_smi import NpuSmi, parse
from harness.parsing.text import ParseError

TIMEOUT_S = 20.0
"""npu-smi takes 0.1 to 2 s; one that hangs waits for a driver that is gone."""


def npu_smi(*words: str, environment: Mapping[str, str] | None = None) -> NpuSmi:
    """What ``npu-smi WORDS`` says.

    Raises:
        UnsupportedError: there is no npu-smi, or this chip or driver does not report it.
        HarnessError: npu-smi failed, hung, or said nothing that is understood; with reason and hint.
    """
    known = os.environ if environment is None else environment
    tool = installation(known).npu_smi
    if tool is None:
        raise UnsupportedError(
            "npu-smi: not found on PATH; it comes with the NPU's driver",
            reason="tool_missing",
            hint="install the driver, or add its tools folder (/usr/local/sbin, /usr/local/bin) to PATH",
        )
    text, status = _output([tool, *words], known)
    asked = f"npu-smi {' '.join(words)}"
    try:
        parsed = parse(text)
    except ParseError as error:
        found = classify(text, status)
        raise HarnessError(f"{asked}: {error}", reason="npu_smi", hint=found.hint if found else None) from error
    if parsed.failure is not None and not (parsed.rows or parsed.mapping or parsed.readings):
        kind = UnsupportedError if parsed.failure.outcome == "unsupported" else HarnessError
        raise kind(f"{asked}: {parsed.failure.message}", reason=parsed.failure.reason, hint=parsed.failure.hint)
    return parsed


def _output(command: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int]:
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            env={**environment, "LC_ALL": "C"},
            timeout=TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise HarnessError(
            f"{' '.join(command)}: no answer after {TIMEOUT_S:g} s",
            reason="npu_smi",
            hint="the driver hangs: see dmesg, and npu-smi by hand",
        ) from error
    except OSError as error:
        raise HarnessError(f"{command[0]}: {error.strerror or error}", reason="npu_smi") from error
    return (done.stdout + done.stderr).decode(errors="replace"), done.returncode
