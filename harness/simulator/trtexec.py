"""The stand-in for trtexec: reads the options as its version does, builds engines, and measures them.

Run as ``trtexec --onnx=NET.onnx --saveEngine=NET.engine ...`` or ``trtexec --loadEngine=NET.engine ...``. Times are
drawn, not waited for; outputs are computed with ONNX Runtime where they are asked for.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.simulator.told import told
from harness.simulator.trtexec_engine import BuildError, build, described
from harness.simulator.trtexec_log import Printer, inference_options
from harness.simulator.trtexec_options import RELEASES, Release, UnknownOptionError, help_lines, read_arguments
from harness.simulator.trtexec_run import RunError, infer

if TYPE_CHECKING:
    from harness.config.simulator import SimulatorSettings

PRODUCTS = {"T4": ("Tesla T4", "7.5", 40)}
"""Product name, compute capability and SMs of chips; another one is shown under its own name."""


class Fatal(Exception):  # noqa: N818 - it is an exit and no error
    """What ends the real tool with ``exit(EXIT_FAILURE)`` in its middle, without a last banner."""


def main(arguments: Sequence[str]) -> int:
    """Build or measure; returns the exit status."""
    settings = told()
    release = RELEASES[settings.tensorrt]
    out = Printer(release.banner, ["trtexec", *arguments])
    out.banner("RUNNING")
    try:
        flags = read_arguments(arguments, release)
    except UnknownOptionError as error:
        print("\n".join(help_lines(release)))
        return _failed(out, str(error))
    if "help" in flags or not flags:
        print("\n".join(help_lines(release)))
        return 0
    try:
        _show_options(out, flags, release)
        _choose_device(out, flags, settings)
        out.say("")
        out.say(f"TensorRT version: {release.version}")
        return _run(out, flags, release, settings)
    except Fatal as error:
        print(error, flush=True)
        return 1


def _run(out: Printer, flags: Mapping[str, str], release: Release, settings: SimulatorSettings) -> int:
    if settings.fail == "hang":
        while True:
            time.sleep(3600)
    with tempfile.TemporaryDirectory() as folder:
        engine = Path(flags.get("loadEngine") or flags.get("saveEngine") or f"{folder}/network.engine")
        if "loadEngine" not in flags:
            if not flags.get("onnx"):
                return _failed(out, "Model missing or format not recognized")
            if not _built(out, flags, release, settings, engine):
                return _failed(out, "Engine set up failed")
        description = _loaded(out, engine, release, settings)
        if description is None:
            return _failed(out, "Engine set up failed")
        if {"skipInference", "buildOnly"} & flags.keys():
            out.say("Skipped inference phase since --skipInference is added.")
            return out.passed()
        try:
            infer(out, flags, release, settings, engine=engine, description=description)
        except RunError as error:
            for level, words in error.lines:
                out.line(level, words)
            return _failed(out, "Inference set up failed")
        return out.passed()


def _built(out: Printer, flags: Mapping[str, str], release: Release, settings: SimulatorSettings, engine: Path) -> bool:
    onnx_file = Path(flags["onnx"])
    out.say("Start parsing network model.")
    if "shapes" in flags:
        out.complain(
            "Static model does not take explicit shapes since the shape of inference tensors will be determined by"
        )
        return False
    began = time.monotonic()
    try:
        build(
            onnx_file,
            engine,
            release,
            chip=settings.chip,
            half="fp16" in flags or "best" in flags,
            refused=settings.unsupported_operators,
        )
    except BuildError as error:
        for level, words in error.lines:
            out.line(level, words)
        out.complain("Failed to parse onnx file")
        out.say(f"Finished parsing network model. Parse time: {time.monotonic() - began:.6g}")
        out.complain("Parsing model failed")
        out.complain("Failed to create engine from model or file.")
        return False
    out.say(f"Engine built in {time.monotonic() - began:.6g} sec.")
    return True


def _loaded(out: Printer, engine: Path, release: Release, settings: SimulatorSettings) -> dict[str, Any] | None:
    """The engine's description where this version on this chip takes it; what trtexec says is printed otherwise."""
    new = release.major >= 10
    reader = (
        "[stdArchiveReader.cpp::stdArchiveReaderInitCommon::47]" if new else "[stdArchiveReader.cpp::StdArchiveReader"
    )
    try:
        description = described(engine)
    except OSError:
        out.complain(f"Error opening engine file: {engine}")
        return None
    except ValueError:
        words = "Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match"
        out.complain(f"Error[1]: {reader} Error Code 1: Serialization ({words})")
        _undeserialised(out)
        return None
    if description["serialization"] != release.serialization:
        words = (
            "Serialization assertion stdVersionRead == kSERIALIZATION_VERSION failed.Version tag does not match. Note: "
            f"Current Version: {release.serialization}, Serialized Engine Version: {description['serialization']}"
        )
        out.complain(f"Error[1]: {reader} Error Code 1: Serialization ({words})")
        _undeserialised(out)
        return None
    if description["chip"] != settings.chip:
        words = "The engine plan file is generated on an incompatible device, expecting"
        out.complain(f"Error[6]: {words} {settings.chip} got {description['chip']}, please rebuild.")
        _undeserialised(out)
        return None
    out.say(f"Engine loaded in {engine.stat().st_size / 2e9:.6g} sec.")
    return description


def _undeserialised(out: Printer) -> None:
    out.complain(
        "Error[4]: [runtime.cpp::deserializeCudaEngine::50] Error Code 4: Internal Error (Engine deserialization"
    )
    out.complain("Engine deserialization failed")


def _show_options(out: Printer, flags: Mapping[str, str], release: Release) -> None:
    """The sections in which the tool repeats what it was told, as far as anybody reads them."""
    out.section("Model Options", {"Format": "ONNX" if "onnx" in flags else "*", "Model": flags.get("onnx", "")})
    strong = release.major >= 11
    precision = "FP32+FP16" if "fp16" in flags else "FP32"
    out.section(
        "Build Options",
        {
            ("Memory Pools" if "memPoolSize" in release.values else "Workspace"): flags.get("memPoolSize", "default"),
            **({} if strong else {"Precision": precision}),
            "TF32": "Disabled" if "noTF32" in flags else "Enabled",
            "Save engine": flags.get("saveEngine", ""),
            "Load engine": flags.get("loadEngine", ""),
        },
    )
    out.section("System Options", {"Device": flags.get("device", "0")})
    out.section("Inference Options", inference_options(flags, release))
    out.section(
        "Reporting Options",
        {
            "Averages": f"{flags.get('avgRuns', '10')} inferences",
            "Export timing to JSON file": flags.get("exportTimes", ""),
        },
    )


def _choose_device(out: Printer, flags: Mapping[str, str], settings: SimulatorSettings) -> None:
    if settings.fail in {"driver_not_loaded", "driver_library_missing"}:
        raise Fatal("Cuda failure: CUDA driver version is insufficient for CUDA runtime version")
    product, capability, units = PRODUCTS.get(settings.chip, (settings.chip, "8.0", 72))
    out.say("=== Device Information ===")
    if not settings.devices:
        raise Fatal("Cannot find any available devices (GPUs)!")
    device = int(flags.get("device", "0"))
    if device >= settings.devices:
        raise Fatal(f"Cannot find device ID {device}!")
    for label, value in {
        "Selected Device": product,
        "Compute Capability": capability,
        "SMs": str(units),
        "Device Global Memory": f"{settings.memory_mb:.0f} MiB",
    }.items():
        out.say(f"{label}: {value}")


def _failed(out: Printer, words: str) -> int:
    out.complain(words)
    return out.failed()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
