"""What Linux says of this machine: CPU model, cores, clocks, memory, NUMA, and what may disturb a measurement now.

Functions read below ``root`` so that a test can bring its own ``/proc`` and ``/sys``. A fact that the system does not
state is left out. Formats: proc(5), Documentation/ABI of the kernel (cpufreq, NUMA), cgroups v2.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

ROOT = Path("/")
CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"
WATCH_S = 0.2
"""Seconds over which the utilisation before a repeat is taken."""


def identity(root: Path = ROOT) -> dict[str, Any]:
    """What does not change between repeats; keys with units in their names, absent where the system does not say."""
    info = parse_cpuinfo(_text(root / "proc/cpuinfo") or "")
    facts = {
        "cpu_model": info.get("model name") or _lscpu_model(),
        "architecture": platform.machine(),
        "physical_cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "base_mhz": _mhz(root / CPUFREQ / "base_frequency"),
        "max_mhz": _mhz(root / CPUFREQ / "cpuinfo_max_freq"),
        "governor": _text(root / CPUFREQ / "scaling_governor"),
        "memory_total_bytes": psutil.virtual_memory().total,
        "numa_nodes": len(list((root / "sys/devices/system/node").glob("node[0-9]*"))) or None,
        "hypervisor": "hypervisor" in info.get("flags", "").split() if "flags" in info else None,
        "cgroup_cpus": parse_cpu_max(_text(root / "sys/fs/cgroup/cpu.max") or ""),
        "cgroup_memory_bytes": _integer(_text(root / "sys/fs/cgroup/memory.max")),
        "kernel": f"{platform.system()} {platform.release()}",
    }
    return {name: value for name, value in facts.items() if value is not None}


def conditions(watch_s: float = WATCH_S) -> dict[str, Any]:
    """What surrounds a repeat that starts now: load averages, utilisation over ``watch_s``, affinity, free memory.

    Blocks for ``watch_s`` to see the utilisation (0 to 100, all cores together).
    """
    found: dict[str, Any] = {
        "cpu_utilisation_percent": psutil.cpu_percent(interval=watch_s),
        "memory_available_bytes": psutil.virtual_memory().available,
        "swap_used_bytes": psutil.swap_memory().used,
    }
    if hasattr(os, "getloadavg"):
        found["load_average"] = list(os.getloadavg())
    if hasattr(os, "sched_getaffinity"):
        found["affinity"] = sorted(os.sched_getaffinity(0))
    return found


def current_mhz(root: Path = ROOT) -> float | None:
    """The mean clock of the cores now, in MHz; None where the kernel governs no frequency (most virtual machines)."""
    paths = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
    clocks = [clock for clock in map(_mhz, paths) if clock is not None]
    return sum(clocks) / len(clocks) if clocks else None


def parse_cpuinfo(text: str) -> Mapping[str, str]:
    """The fields of the first processor in ``/proc/cpuinfo``."""
    fields: dict[str, str] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        name, separator, value = line.partition(":")
        if separator:
            fields[name.strip()] = value.strip()
    return fields


def parse_cpu_max(text: str) -> float | None:
    """The CPUs that a cgroup's ``cpu.max`` ("quota period" in microseconds) allows; None for "max"."""
    words = text.split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return int(words[0]) / int(words[1])


def _lscpu_model() -> str | None:
    """The model as lscpu tells it: it knows Arm parts (Kunpeng), whose ``/proc/cpuinfo`` has numbers only."""
    try:
        run = subprocess.run(["lscpu"], capture_output=True, timeout=5, check=True, env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_cpuinfo(run.stdout.decode(errors="replace")).get("Model name")


def _text(path: Path) -> str | None:
    """The stripped content of a file, or None where it cannot be read or is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _integer(text: str | None) -> int | None:
    """A decimal number, or None for anything else ("max")."""
    return int(text) if text is not None and text.isdigit() else None


def _mhz(path: Path) -> float | None:
    """A cpufreq file (kHz) in MHz."""
    khz = _integer(_text(path))
    return None if khz is None else khz / 1000
