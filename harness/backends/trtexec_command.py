"""The flags that trtexec is given, spelled as its version wants them: every default that changed is said explicitly.

What ModelZoo's T4 numbers were measured with, TensorRT 7 to 10 do by themselves: copies between host and device,
blocking waits, no CUDA graph. TensorRT 11 does the opposite by default and has other flags (``sampleOptions.cpp``), so
the same wish means no flag here and three flags there. Only flags that ``trtexec --help`` lists are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass

from harness.backends.precision_flags import atc_only
from harness.backends.trtexec_tool import TrtexecTool
from harness.config.nearest import nearest
from harness.config.schema import PrecisionSettings
from harness.config.values import SCHEMA, PositiveInt
from harness.errors import ConfigError, UnsupportedError

OLD_WORKSPACE_MB = 4096
"""For versions before 8.4, whose own default of 16 MB leaves most tactics out; later ones take what the GPU has."""
_OWN = """
onnx model deploy uff batch shapes minShapes optShapes maxShapes saveEngine loadEngine skipInference buildOnly fp16
bf16 int8 fp8 int4 best noTF32 stronglyTyped workspace builderOptimizationLevel device streams infStreams loadInputs
iterations duration warmUp avgRuns includeDataTransfers noDataTransfers useSpinWait noSpinWait useCudaGraph
noCudaGraph exposeDMA exportTimes exportOutput exportProfile dumpRawBindingsToFile dumpProfile help
"""
OWN = frozenset(_OWN.split())
"""What the harness says itself, or what would measure something else than the cell says."""


@dataclass(config=SCHEMA)
class TensorRTOptions:
    """``backend.options`` of TensorRT.

    ``trtexec`` is its path where it is not on PATH. ``transfers``: H2D and D2H are done and timed; ``cuda_graph`` and
    ``spin_wait`` are off, as in the published T4 numbers. ``expose_dma`` keeps copies from overlapping with the compute
    of other queries. ``workspace_mb`` and ``optimization_level`` (0 to 5) are the builder's; None leaves them to the
    tool. ``build_args`` and ``run_args`` map any other flag, without its dashes, to its value (true: a flag alone).
    """

    trtexec: str | None = None
    transfers: bool = True
    cuda_graph: bool = False
    spin_wait: bool = False
    expose_dma: bool = False
    workspace_mb: PositiveInt | None = None
    optimization_level: int | None = Field(default=None, ge=0, le=5)
    build_args: Mapping[str, str | int | float | bool] = Field(default_factory=dict)
    run_args: Mapping[str, str | int | float | bool] = Field(default_factory=dict)


def check_precision(precision: PrecisionSettings) -> None:
    """Refuse what trtexec has no mode for.

    Raises:
        UnsupportedError: names the precision and what there is.
    """
    given = atc_only(precision)
    if given or precision.dtype not in {"float32", "float16"}:
        why = f"TensorRT cannot honour {given}, which only ATC takes" if given else "TensorRT has no such mode"
        raise UnsupportedError(
            f"precision={precision.name} ({precision.dtype}): {why}; use precision=fp16, which lets TensorRT choose "
            "float16 for each layer, or precision=fp32"
        )


def float16_in_graph(tool: TrtexecTool, precision: PrecisionSettings) -> bool:
    """Whether float16 has to stand in the ONNX file: TensorRT 11 is strongly typed and has no ``--fp16``."""
    return precision.dtype == "float16" and not tool.knows("fp16")


def build_flags(tool: TrtexecTool, options: TensorRTOptions, precision: PrecisionSettings) -> list[str]:
    """The flags that decide the engine; not the files.

    Raises:
        ConfigError: an option that this version does not know.
        UnsupportedError: as ``check_precision``.
    """
    check_precision(precision)
    flags = ["--explicitBatch"] if tool.knows("explicitBatch") else []
    if precision.dtype == "float16" and tool.knows("fp16"):
        flags.append("--fp16")
    if precision.dtype == "float32" and tool.knows("noTF32"):
        flags.append("--noTF32")  # else GPUs from Ampere on compute float32 products with ten bits
    flags += _workspace(tool, options.workspace_mb)
    if options.optimization_level is not None:
        _need(tool, "builderOptimizationLevel", f"optimization_level={options.optimization_level}")
        flags.append(f"--builderOptimizationLevel={options.optimization_level}")
    return [*flags, *_extra(tool, options.build_args, "build_args")]


def run_flags(tool: TrtexecTool, options: TensorRTOptions) -> list[str]:
    """The flags that decide what is timed; not the files and not how often.

    Raises:
        ConfigError: an option that this version does not know.
    """
    flags = ["--explicitBatch"] if tool.knows("explicitBatch") else []
    flags.append("--infStreams=1" if tool.knows("infStreams") else "--streams=1")
    flags += _switch(tool, "includeDataTransfers", "noDataTransfers", wanted=options.transfers, usual=True)
    flags += _switch(tool, "useSpinWait", "noSpinWait", wanted=options.spin_wait, usual=False)
    flags += _switch(tool, "useCudaGraph", "noCudaGraph", wanted=options.cuda_graph, usual=False)
    if options.expose_dma:
        flags.append("--exposeDMA")
    return [*flags, *_extra(tool, options.run_args, "run_args")]


def build_only(tool: TrtexecTool) -> str:
    """The flag with which nothing is measured after the engine was built."""
    return "--skipInference" if tool.knows("skipInference") else "--buildOnly"


def load_inputs(files: Mapping[str, Path]) -> str:
    """The value of ``--loadInputs``; a name with a colon stands in quotes."""
    return ",".join(f"'{name}':{file}" if ":" in name else f"{name}:{file}" for name, file in files.items())


def expected_settings(options: TensorRTOptions) -> dict[str, str]:
    """What a log's section of inference options has to say where the tool did as it was told."""
    wanted = {
        "Data transfers": options.transfers,
        "Spin-wait": options.spin_wait,
        "CUDA Graph": options.cuda_graph,
        "ExposeDMA": options.expose_dma,
    }
    return {label: "Enabled" if value else "Disabled" for label, value in wanted.items()}


def _switch(tool: TrtexecTool, on: str, off: str, *, wanted: bool, usual: bool) -> list[str]:
    """One of two flags, or none where this version does so by itself.

    The flag that TensorRT 11 brought names the behaviour that is no longer its default (its default is the opposite of
    ``usual``, that of earlier versions); a version that knows both flags keeps the older one as a no-op.
    """
    newer = on if usual else off
    default = not usual if tool.knows(newer) else usual
    return [] if wanted == default else [f"--{on if wanted else off}"]


def _workspace(tool: TrtexecTool, asked_mb: int | None) -> list[str]:
    if tool.knows("memPoolSize"):
        return [f"--memPoolSize=workspace:{asked_mb}"] if asked_mb is not None else []
    return [f"--workspace={asked_mb or OLD_WORKSPACE_MB}"]


def _extra(tool: TrtexecTool, given: Mapping[str, str | int | float | bool], key: str) -> list[str]:
    flags: list[str] = []
    for name, value in given.items():
        flag = name.lstrip("-")
        where = f"{key}.{name}"
        if flag in OWN or (flag == "memPoolSize" and "workspace" in str(value)):
            raise ConfigError(f"backend.options.{where}: the harness gives --{flag} itself or has a key for it")
        _need(tool, flag, where)
        if value is not False:
            flags.append(f"--{flag}" if value is True else f"--{flag}={value}")
    return flags


def _need(tool: TrtexecTool, flag: str, where: str) -> None:
    if tool.knows(flag):
        return
    near = nearest(flag, [each.lstrip("-") for each in tool.flags])
    meant = f"did you mean {near}?" if near else f"`{tool.path} --help` lists what there is"
    raise ConfigError(f"backend.options.{where}: trtexec {tool.version or ''} has no --{flag}; {meant}")


def shown(command: Sequence[str]) -> str:
    """A command as one line of a log."""
    return "$ " + " ".join(command)
