"""What a result was made with: machine, Python, packages, the harness's git state. What is unknown is absent."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import socket
import subprocess
from pathlib import Path
from typing import Any

import psutil

import harness
from harness.records.redaction import redact_text

PACKAGES = (
    "torch", "onnx", "onnxruntime", "onnxruntime-gpu", "onnxsim", "onnxscript", "numpy", "scipy", "numba",
    "hydra-core", "omegaconf", "mlflow", "opencv-python-headless", "av",
    "ais_bench", "aclruntime", "torch-npu", "tensorrt",
)  # fmt: skip
"""The packages whose version can change a number; the full list stands in ``environment.json``."""

VARIABLES = (
    "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY",
    "KMP_AFFINITY", "KMP_BLOCKTIME", "GOMP_CPU_AFFINITY",
    "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX", "MALLOC_CONF", "LD_PRELOAD",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE",
    "ASCEND_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES",
    "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_GLOBAL_LOG_LEVEL",
    "HARNESS_HOME", "SLURM_JOB_ID", "SLURM_JOB_NODELIST",
)  # fmt: skip
"""The environment variables that are recorded where they are set. An allow-list: a secret gets in by no name."""

_GIT_TIMEOUT_S = 10


def environment() -> dict[str, Any]:
    """The machine and software that this process runs on, as plain JSON of about 2 KB, without secrets.

    Keys: ``python``, ``platform``, ``kernel``, ``machine``, ``hostname``, ``user``, ``cpu``, ``memory_bytes``,
    ``harness`` (version and, in a checkout, ``git``), ``packages`` (those of :data:`PACKAGES` that are installed),
    ``variables`` (those of :data:`VARIABLES` that are set).
    """
    known: dict[str, Any] = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "hostname": socket.gethostname(),
        "user": _user(),
        "cpu": cpu_summary(),
        "memory_bytes": psutil.virtual_memory().total,
        "harness": {"version": harness.__version__, "git": git_state(Path(harness.__file__).parent)},
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "variables": {name: redact_text(os.environ[name]) for name in VARIABLES if name in os.environ},
    }
    known["harness"] = {key: value for key, value in known["harness"].items() if value}
    return {key: value for key, value in known.items() if value is not None}


def package_list() -> list[str]:
    """Every installed distribution as ``name==version``, sorted, each once."""
    found = {(dist.metadata["Name"] or "", dist.version) for dist in importlib.metadata.distributions()}
    return [f"{name}=={version}" for name, version in sorted(found, key=lambda item: item[0].lower()) if name]


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit, branch, ``dirty`` and remote of the checkout that tracks a package's folder, or None.

    An installed package that merely lies below somebody's repository (in a virtual environment) is not tracked by it.
    A detached head has no ``branch``. Changes in files that git does not track do not make a checkout dirty.
    """
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    state: dict[str, Any] = {"commit": commit}
    branch = _git(folder, "symbolic-ref", "--short", "-q", "HEAD")
    if branch:
        state["branch"] = branch
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if changes is not None:
        state["dirty"] = bool(changes)
    remote = _git(folder, "config", "--get", "remote.origin.url")
    if remote:
        state["remote"] = redact_text(remote)
    return state


def cpu_summary() -> dict[str, Any]:
    """The CPU: ``model`` as the kernel or lscpu names it, its cores, those usable here, a container's limit."""
    affinity = getattr(os, "sched_getaffinity", None)
    known = {
        "model": _cpu_model(),
        "physical_cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": len(affinity(0)) if affinity else None,
        "quota_cores": _cgroup_quota(),
    }
    return {key: value for key, value in known.items() if value is not None}


def _cpu_model() -> str | None:
    """The model name from ``/proc/cpuinfo``; aarch64 kernels give none there, lscpu decodes it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    except OSError:
        pass
    for line in (_run(["lscpu"]) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Model name" and value.strip() not in {"", "-"}:
            return value.strip()
    return platform.processor() or None


def _cgroup_quota() -> float | None:
    """The cores that cgroup v2 allows here (``cpu.max``: microseconds per period), or None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's uid without a name: KeyError until Python 3.12, OSError from 3.13
        return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    return _run(["git", "-C", str(folder), *arguments])


def _run(command: list[str]) -> str | None:
    """Standard output of a short command, stripped, or None where it is absent, fails or hangs."""
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_TIMEOUT_S, check=False, env=quiet)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
