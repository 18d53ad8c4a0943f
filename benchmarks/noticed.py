"""Is each disturbance noticed and named in the record? `python benchmarks/noticed.py [--model swin98_tiny]`.

Runs the harness as a user does, in a home of its own, while (1) a second process keeps a core busy, (2) the measuring
child is stopped and continued again and again, (3) another process holds the device, as the stand-in for npu-smi shows
(the idle check refuses there, because the stand-in for the device would too). Prints what the record of each says, and
of an undisturbed run what the machine itself did to it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
STOP_S = CONTINUE_S = 0.05
EXPECTED = {"undisturbed": set(), "busy core": {"foreign_load"}, "stopped": {"stood_still"}, "held": {"not_idle"}}


def harness(home: Path, *words: str) -> subprocess.Popen[bytes]:
    """A run of one round."""
    fixed = ["tracking=none", "measure=smoke", "measure.rounds=1", "measure.min_time_s=3", "limits.memory_gb=none"]
    environment = {**os.environ, "HARNESS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "harness", *fixed, *words]
    return subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL)


def findings(home: Path) -> dict[str, str]:
    """The findings of the newest record."""
    newest = max(home.glob("records/*/*/record.json"), key=lambda path: path.stat().st_mtime)
    record = json.loads(newest.read_text())
    seen = {each["code"]: each["message"] for repeat in record["repeats"] for each in repeat["findings"]}
    outcome = record["outcome"]
    return seen | ({outcome["reason"]: outcome["message"]} if outcome.get("reason") else {})


def stop_and_continue(parent: int, ended: threading.Event) -> None:
    """Stop and continue the process that measures, from its first sight on, half of the time."""
    while not ended.is_set():
        children = []
        with suppress(psutil.Error):
            children = psutil.Process(parent).children(recursive=True)
        for child in children:
            with suppress(psutil.Error, ProcessLookupError):
                line = " ".join(child.cmdline())
                if "harness.sweep.child" in line and "measure-" in line:
                    os.kill(child.pid, signal.SIGSTOP)
                    time.sleep(STOP_S)
                    os.kill(child.pid, signal.SIGCONT)
        time.sleep(CONTINUE_S)


def disturbed(home: Path, words: list[str], disturb: Callable[[int, threading.Event], None] | None) -> dict[str, str]:
    """The findings of a run while ``disturb`` goes on beside it."""
    run, ended = harness(home, *words), threading.Event()
    beside = threading.Thread(target=disturb, args=(run.pid, ended)) if disturb else None
    if beside:
        beside.start()
    run.wait()
    ended.set()
    if beside:
        beside.join()
    return findings(home)


def main() -> int:
    """Print the findings; the exit status says whether a disturbance went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="swin98_tiny")
    model = f"model={parser.parse_args().model}"
    missed = 0
    with tempfile.TemporaryDirectory(prefix="harness-noticed-") as name:
        home = Path(name)
        harness(home, model, "export_only=true").wait()
        for what, codes in EXPECTED.items():
            words, disturb, spin = [model], None, None
            if what == "held":
                words += [
                    "soc_version=Ascend310P3",
                    "simulator=cann",
                    "simulator.fail=device_busy",
                    "measure.idle_policy=fail",
                ]
            if what == "busy core":
                spin = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
            if what == "stopped":
                disturb = stop_and_continue
            seen = disturbed(home, words, disturb)
            if spin:
                spin.kill()
                spin.wait()
            unseen = codes - seen.keys()
            if spin and str(spin.pid) not in seen.get("foreign_load", ""):
                unseen = unseen | {f"pid {spin.pid} by name"}
            missed += bool(unseen)
            print(f"{what}: {'MISSED ' + ', '.join(unseen) if unseen else 'noticed' if codes else ''}")
            for code, message in seen.items():
                print(f"    {code}: {message}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
