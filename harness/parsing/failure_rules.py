"""How failures of the machine look in a log: memory, environment, device; each with outcome, reason code and hint.

Within a group the order matters: what names a cause stands before what only reports its effect. Sources: ais_bench
0.0.2 (``backend/base/module``) and its FAQ, GE's error table, ACL and runtime codes of CANN 5 to 8, npu-smi, TensorRT
7 to 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: What stands before an ACL or runtime error number, so that sizes and addresses are not taken for one.
NUMBERED = r"(?:\bret(?:Code)?\s*[=:]\s*|\bresult\s*=\s*|\berror ?code\s*(?:=|:|is)?\s*|\[)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to fail: outcome and reason as in a record, the category that users know it by, pattern and hint."""

    outcome: str
    reason: str
    category: str
    pattern: re.Pattern[str]
    hint: str


def rule(outcome: str, reason: str, category: str, pattern: str, hint: str) -> Rule:
    """A rule from its parts; ``CODE=`` in the pattern stands for what announces an error number (``ret=``, ``[``)."""
    flags = re.IGNORECASE | re.MULTILINE | re.ASCII
    return Rule(outcome, reason, category, re.compile(pattern.replace("CODE=", NUMBERED), flags), hint)


_SMALLER = (
    "use a smaller batchsize, and check with npu-smi info or nvidia-smi that nothing else holds the device's memory"
)
_SOURCE = "run `source ${ASCEND_HOME_PATH:-/usr/local/Ascend/ascend-toolkit}/set_env.sh` in this shell first"

MEMORY = (
    rule(
        "failed",
        "static_tls_exhausted",
        "environment",
        r"cannot allocate memory in static TLS block",
        "a library is loaded too late: name it in LD_PRELOAD",
    ),
    rule(
        "oom",
        "device_out_of_memory",
        "memory",
        r"\bEL0004\)?:|CODE=(?:207001|207018|245000)\b|ACL: ?memory allocation fail|Malloc ptrData failed"
        r"|MxbsMalloc failed|create outmemory data failed|Failed to allocate memory"
        r"|malloc (?:physical|device) memory failed|\[E\][^\n]{0,300}(?:OutOfMemory|out of memory)"
        r"|CUDA(?: error:)? ?out of memory|Cuda Error in allocate: 2"
        r"|Requested amount of GPU memory \(\d+ bytes\) could not be allocated"
        r"|cudaErrorMemoryAllocation|Cuda failure: (?:2|out of memory)|torch\.(?:cuda\.)?OutOfMemoryError"
        r"|\b(?:NPU|device) out of memory\b",
        _SMALLER,
    ),
    rule(
        "oom",
        "host_out_of_memory",
        "memory",
        r"Out of memory: Kill|oom-kill|std::bad_alloc|^[ \t]*MemoryError\b|\[Errno 12\]|\bCannot allocate memory\b",
        "the host ran out of memory: close other programs or convert on a machine with more",
    ),
    rule("oom", "out_of_memory", "memory", r"\bout of memory\b", _SMALLER),
)

ENVIRONMENT = (
    rule(
        "failed",
        "disk_full",
        "environment",
        r"\bNo space left on device\b|\bDisk quota exceeded\b|\[Errno (?:28|122)\]|\b\d+ requested and \d+ written\b",
        "free space (python -m harness.store gc), or put HARNESS_HOME on a larger disk, and run the sweep again",
    ),
    rule(
        "failed",
        "driver_missing",
        "environment",
        r"libascend_hal\.so|libdrvdsmi_host\.so|libdcmi\.so",
        "the NPU driver's library is missing: install the driver, or on a machine without an NPU add the toolkit's "
        "devlib folder to LD_LIBRARY_PATH (enough for atc)",
    ),
    rule(
        "failed",
        "toolkit_not_sourced",
        "environment",
        r"lib(?:ascendcl|acl_\w+|ge_\w+|runtime|graph|msprofiler)\.so[^\n]{0,300}(?:cannot open|No such file)"
        r"|No module named '(?:acl|te|tbe|aclruntime\.\w+)'|(?:atc|atc\.bin|msprof): (?:command )?not found",
        _SOURCE,
    ),
    rule(
        "failed",
        "libstdcxx_too_old",
        "environment",
        r"version `(?:GLIBCXX|CXXABI|GLIBC)_[0-9.]+' not found",
        "aclruntime was built with a newer compiler: put that compiler's libstdc++ first in LD_LIBRARY_PATH, or "
        "install the wheel built for this system",
    ),
    rule(
        "failed",
        "ais_bench_missing",
        "environment",
        r"No module named '?(?:ais_bench|aclruntime)'?",
        "install Ascend's own ais_bench and aclruntime wheels for this Python (PyPI has other packages of that name)",
    ),
    rule(
        "failed",
        "shared_library_missing",
        "environment",
        r"error while loading shared libraries|cannot open shared object file",
        "add the folder of the library named to LD_LIBRARY_PATH",
    ),
    rule(
        "failed",
        "tool_missing",
        "environment",
        r"\b(?:trtexec|npu-smi|ais_bench|msit|nvidia-smi)(?:: command)?:? not found",
        "install the tool or put its folder on PATH",
    ),
    rule(
        "failed",
        "python_environment",
        "environment",
        r"\b(?:E40000|EC0010)\)?:|has no attribute 'define'|Failed to import Python module"
        r"|^[ \t]*(?:ModuleNotFound|Import)Error\b",
        "install the Python packages that CANN asks for (attrs decorator sympy cffi pyyaml psutil protobuf scipy "
        "numpy) into the Python that runs it",
    ),
)

DEVICE = (
    rule(
        "failed",
        "device_busy",
        "device",
        r"because the device is used|ret is -8020\b|davinci\d+\]? already in use|\bEL0005\)?:"
        r"|resources? (?:are|is) busy|device (?:or resource )?(?:is )?busy|CODE=207005\b",
        "another container or process holds the device: stop it, or start this one with --privileged or other devices",
    ),
    rule(
        "failed",
        "device_not_found",
        "device",
        r"There is no NPU card|CODE=(?:107001|200002|207004)\b|no CUDA-capable device|invalid device ordinal"
        r"|Cannot find (?:CUDA )?device",
        "name a device that exists: npu-smi info -m lists the logic ids, containers number theirs from 0",
    ),
    rule(
        "failed",
        "driver_error",
        "device",
        r"CODE=(?:507899|507033|507901|507010)\b|0x7020014\b|dcmi (?:model|module) initiali[sz]ed? failed"
        r"|acl open device \d+ failed|SetDevice failed|DrvMngGetConsoleLogLevel failed"
        r"|CUDA driver version is insufficient|CUDA initialization failure",
        "driver, firmware and toolkit do not fit, the chip is down, or the container lacks the device: compare "
        "`npu-smi info` with the toolkit's version and the devices mapped",
    ),
    rule(
        "unsupported",
        "query_unsupported",
        "device",
        r"device does not support querying|Error parameter of -t\b",
        "this chip or driver does not report it: leave the value out",
    ),
)
