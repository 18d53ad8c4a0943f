"""``python -m harness.doctor``: what this machine can do, what is missing, and the command that fixes it.

Exit status: 0 if the chosen soc_version can run here, 1 if not, 2 for wrong usage.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.commands.arguments import argument, read_arguments
from harness.commands.doctor_finding import Finding
from harness.config.simulator import SimulatorSettings
from harness.errors import ConfigError, HarnessError

COMMAND = "python -m harness.doctor"
IMPORTS = "import aclruntime, numpy; from ais_bench.infer.interface import InferSession"
WHEELS = "install Ascend's ais_bench and aclruntime wheels into it (not PyPI's packages of that name)"
TIMEOUT_S = 60.0
CHIPS = {"none": "Ascend310P3", "cann": "Ascend310P3", "nvidia": "T4"}
"""What the stand-ins show unless they are told otherwise."""


@dataclass(frozen=True)
class Arguments:
    """Say what this machine can do: devices, toolkit, driver, firmware, Python, and what is missing."""

    soc_version: str = argument(
        "the device to check, such as Ascend310P3, T4 or cpu; auto: what this machine has", default="auto"
    )
    python: str | None = argument("CANN's own Python, as backend.python", default=None)
    simulator: Literal["none", "cann", "nvidia"] = argument(
        "cann, nvidia: check the stand-ins instead of the real tools", default="none"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Look around and print what was found; returns the exit status."""
    try:
        asked = read_arguments(Arguments, sys.argv[1:] if arguments is None else arguments, command=COMMAND)
    except ConfigError as error:
        print(f"harness.doctor: {error}", file=sys.stderr)
        return 2
    from harness.devices import detect
    from harness.simulator.environment import environment

    simulator = SimulatorSettings(name=asked.simulator, kind=asked.simulator, chip=CHIPS[asked.simulator])
    known = environment(simulator)
    chosen = detect(known) if asked.soc_version == "auto" else asked.soc_version
    findings = list(examined(chosen, known, asked.python))
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{'ok ' if finding.good else '-- '} {finding.what:<{width}}  {finding.words}")
        if not finding.good and finding.fix:
            print(f"    {'':<{width}}  fix: {finding.fix}")
    return _verdict(chosen, findings, auto=asked.soc_version == "auto", simulated=simulator.active)


def examined(soc_version: str, known: Mapping[str, str], python: str | None) -> Iterator[Finding]:
    """Everything that was looked at for a device: its own tools where they are here or wanted, else the CPU's."""
    from harness.commands.doctor_gpu import gpus
    from harness.devices.cann import installation

    here = installation(known)
    if soc_version.startswith("Ascend") or here.npu_smi or here.toolkit or here.unsourced:
        yield from _npus(soc_version, known)
        yield from _toolkit(known)
        yield from _cann_python(known, python)
    yield from gpus(soc_version, known)
    yield from _host(soc_version)


def _npus(soc_version: str, known: Mapping[str, str]) -> Iterator[Finding]:
    from harness.devices import npu

    wanted = soc_version.startswith("Ascend")
    needed = "measure" if wanted else ""
    try:
        chips = npu.chips(known)
    except HarnessError as error:
        yield Finding("devices", str(error), good=False, needed=needed, fix=error.hint)
        return
    if not chips:
        fix = "install the NPU's driver, whose npu-smi lists the devices; without a device atc can still convert"
        yield Finding("devices", "no npu-smi on PATH", good=False, needed=needed, fix=fix)
        return
    for chip in chips:
        row = chip.row
        memory = f", {row.memory_mb[0]} of {row.memory_mb[1]} MB taken" if row.memory_mb else ""
        words = f"{chip.soc_version} (NPU {row.npu_id}, chip {row.chip_id}), health {row.health or 'unknown'}{memory}"
        healthy = (row.health or "OK").upper() == "OK"
        fix = f"npu-smi info -t health -i {row.npu_id} -c {row.chip_id} says more"
        yield Finding(f"device {chip.device_id}", words, good=healthy, fix=fix)
    if wanted and soc_version not in {chip.soc_version for chip in chips}:
        fix = f"measure what is here: soc_version={chips[0].soc_version}; {soc_version} can be converted for"
        yield Finding("chosen device", f"no {soc_version} here", good=False, needed=needed, fix=fix)
        return
    reader = npu.reader(chips[0].soc_version, known, chips[0].device_id)
    percent = reader.read().utilisation_percent
    busy = [*reader.holders(), *([f"AI cores at {percent:.0f} %"] if percent else [])]
    fix = "wait until it is idle, or stop what npu-smi info lists; a repeat waits as measure.idle_policy says"
    yield Finding("idle", ", ".join(busy) or "yes", good=not busy, fix=fix)


def _toolkit(known: Mapping[str, str]) -> Iterator[Finding]:
    from harness.devices.cann import installation

    here = installation(known)
    for what, version, where in (
        ("driver", here.driver_version, "driver"),
        ("firmware", here.firmware_version, "firmware"),
    ):
        fix = f"install the {what}; its version stands in /usr/local/Ascend/{where}/version.info"
        yield Finding(what, version or "no version file", good=version is not None, fix=fix)
    source = f"source {here.set_env}"
    if here.toolkit is None:
        words = f"installed in {here.unsourced}, but not known to this shell" if here.unsourced else "not found"
        fix = source if here.unsourced else f"install the CANN toolkit, then {source}"
        yield Finding("toolkit", words, good=False, needed="convert", fix=fix)
    else:
        yield Finding("toolkit", f"CANN {here.toolkit_version or 'of unknown version'} in {here.toolkit}")
    words = here.atc or "not on PATH"
    yield Finding("atc", words, good=here.atc is not None, needed="convert", fix=source)


def _cann_python(known: Mapping[str, str], asked: str | None) -> Iterator[Finding]:
    from harness.backends.cann_python import interpreter, run_code, versions
    from harness.parsing.failures import classify

    try:
        python = interpreter(asked, known)
    except ConfigError as error:
        yield Finding("python", str(error), good=False, needed="measure", fix="give python=PATH")
        return
    found = versions(python, known)
    numbers = ", ".join(f"{name} {version}" for name, version in found.items())
    yield Finding("python", f"{python} ({numbers or 'does not answer'})", good=bool(found), needed="measure")
    try:
        done = run_code(python, IMPORTS, known, timeout_s=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("ais_bench", str(error), good=False, needed="measure", fix=f"{python} -c '{IMPORTS}' shows it")
        return
    failure = classify(done.stdout + done.stderr, done.returncode)
    if done.returncode == 0:
        yield Finding("ais_bench", "imports, and so does aclruntime")
    else:
        missing = failure is None or failure.reason in {"ais_bench_missing", "python_environment", "python_exception"}
        fix = f"{WHEELS}: {python} -m pip install FILE.whl" if failure is None or missing else failure.hint
        words = failure.message if failure else "cannot be imported"
        yield Finding("ais_bench", words, good=False, needed="measure", fix=fix)


def _host(soc_version: str) -> Iterator[Finding]:
    from harness.backends.workplace import LEGAL
    from harness.config.locate import harness_home

    for package, what, fix in (
        ("torch", "export", "pip install 'npu-harness[export]'"),
        ("onnxsim", "simplify", "pip install 'npu-harness[export]'"),
        ("onnxruntime", "parity and the CPU", "pip install onnxruntime"),
    ):
        found = importlib.util.find_spec(package) is not None
        version = _version(package) if found else "not installed"
        needed = "measure" if package == "onnxruntime" and soc_version == "cpu" else ""
        yield Finding(f"{package} ({what})", version, good=found, needed=needed, fix=fix)
    home = harness_home()
    legal = bool(LEGAL.fullmatch(str(home)))
    words = str(home) if legal else f"{home} has characters that ais_bench refuses; files are copied to {os.sep}tmp"
    yield Finding("home", words, good=legal, fix="HARNESS_HOME=FOLDER with a path of A-Z a-z 0-9 _ - / .")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _verdict(soc_version: str, findings: Sequence[Finding], *, auto: bool, simulated: bool) -> int:
    lacking = [finding for finding in findings if not finding.good and finding.needed]
    named = f"soc_version={soc_version}" + (" (auto)" if auto else "") + (", simulated" if simulated else "")
    if not lacking:
        print(f"\n{named}: can run here")
        return 0
    tasks = " and ".join(dict.fromkeys(finding.needed for finding in lacking))
    what = ", ".join(finding.what for finding in lacking)
    print(f"\n{named}: cannot run here: to {tasks} it lacks {what}")
    return 1
