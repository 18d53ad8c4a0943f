"""What ``python -m harness.doctor`` says of NVIDIA GPUs: which there are, if they are idle, and what drives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.backends.torch_version import built_for_cuda
from harness.backends.trtexec_tool import tool
from harness.commands.doctor_finding import Finding
from harness.errors import HarnessError

MIB = 2**20


def gpus(soc_version: str, known: Mapping[str, str]) -> Iterator[Finding]:
    """What was looked at; nothing where there is no GPU and none is asked for."""
    from harness.devices import nvidia

    wanted = soc_version != "cpu" and not soc_version.startswith("Ascend")
    needed = "measure" if wanted else ""
    try:
        here = nvidia.visible(known)
    except HarnessError as error:
        yield Finding("GPUs", str(error), good=False, needed=needed, fix=error.hint)
        return
    if not here:
        if wanted:
            fix = (
                "run this on the machine that has it; there, nvidia-smi -L lists it and CUDA_VISIBLE_DEVICES allows it"
            )
            yield Finding("GPUs", f"no {soc_version} here: NVML finds no GPU", good=False, needed=needed, fix=fix)
        return
    for each in here:
        facts = nvidia.describe(each.soc_version, known, each.device_id)
        yield Finding(f"device {each.device_id}", _identity(each.soc_version, facts))
        if each.gpu.mig:
            words = "partitioned (MIG): a part of it is no such chip, and is called " + each.soc_version
            yield Finding(f"device {each.device_id}", words, good=False, fix="nvidia-smi -mig 0 undoes it")
    mine = next((each for each in here if each.soc_version == soc_version), None)
    if wanted and mine is None:
        fix = f"measure what is here: soc_version={here[0].soc_version}"
        yield Finding("chosen device", f"no {soc_version} here", good=False, needed=needed, fix=fix)
        return
    chosen = mine or here[0]
    reader = nvidia.reader(chosen.soc_version, known, chosen.device_id)
    percent = reader.read().utilisation_percent
    busy = [*reader.holders(), *([f"GPU at {percent:.0f} %"] if percent else [])]
    fix = "wait until it is idle, or stop what nvidia-smi lists; a repeat waits as measure.idle_policy says"
    yield Finding("idle", ", ".join(busy) or "yes", good=not busy, fix=fix)
    yield from _runtimes(known, needed)


def _identity(name: str, facts: Mapping[str, object]) -> str:
    total = facts.get("memory_total_bytes")
    words = [
        f"{name} ({facts['product']})",
        f"{total // MIB} MiB" if isinstance(total, int) else None,
        f"driver {facts['driver_version']}" if "driver_version" in facts else None,
        f"CUDA {facts['cuda_version']}" if "cuda_version" in facts else None,
        f"{facts['power_limit_w']:g} W" if "power_limit_w" in facts else None,
    ]
    return ", ".join(word for word in words if word)


def _runtimes(known: Mapping[str, str], needed: str) -> Iterator[Finding]:
    """TensorRT's trtexec and torch with CUDA: one of them is needed."""
    cuda = built_for_cuda()
    fix: str | None = "install TensorRT and put the folder of trtexec on PATH; soc_version=auto means torch until then"
    try:
        found = tool(None, known)
        words, good = f"TensorRT {found.version or '7 or earlier'} in {found.path}", True
    except HarnessError as error:
        words, good = str(error), False
        fix = fix if error.reason == "tool_missing" else error.hint
    lacking = needed if not good and cuda is None else ""
    yield Finding("trtexec", words, good=good, needed=lacking, fix=fix)
    words = f"built for CUDA {cuda}" if cuda else "not installed, or built without CUDA"
    fix = "pip install torch from the index that pytorch.org names for this CUDA"
    yield Finding("torch (CUDA)", words, good=cuda is not None, needed=lacking, fix=fix)
