"""NVIDIA GPUs through TensorRT: trtexec builds the engine, measures it, and runs what is evaluated.

The tool is called as its users call it and what it prints is kept in the step's log; nothing of TensorRT is imported.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness.backends import trtexec_command
from harness.backends.iterations import iterations
from harness.backends.protocol import Array
from harness.backends.trtexec import Run, measured, run_trtexec, write_inputs
from harness.backends.trtexec_command import TensorRTOptions
from harness.backends.trtexec_tool import TrtexecTool, located, tool
from harness.backends.workplace import beside, workplace
from harness.config.model import InputSettings
from harness.config.schema import MeasureSettings, PrecisionSettings, Settings
from harness.devices import registry
from harness.errors import HarnessError
from harness.parsing.text import Finding
from harness.simulator.environment import environment
from harness.timing.samples import Samples
from harness.timing.sketch import sketch
from harness.timing.steady import steady_at_end

if TYPE_CHECKING:
    from harness.backends.tensorrt_session import TensorRTSession

BUILDERS = frozenset({"Precision", "Memory Pools", "Max batch", "Workspace"})
"""Options that concern the build: a run that loads an engine prints their defaults, which say nothing of it."""
MOST_WARNINGS = 20
_WARNING = re.compile(r"\[W\] (?:\[TRT\] )?([^\n]+)")
_BUILT = re.compile(r"Engine built in ([0-9.]+) sec")


class TensorRTBackend:
    """trtexec. Compute is the time between two CUDA events around one query, of a whole batch."""

    name: ClassVar[str] = "tensorrt"
    boundary: ClassVar[str] = "compute"
    reads: ClassVar[tuple[str, ...]] = (".engine", ".plan", ".trt")
    converts_on_device: ClassVar[bool] = True
    Options: ClassVar[type[Any]] = TensorRTOptions

    def __init__(self, options: TensorRTOptions) -> None:
        self.options = options
        self._settings: Settings | None = None
        self._report: dict[str, Any] = {}
        self._printed_version: str | None = None

    @staticmethod
    def lacking() -> str | None:
        """That trtexec is not here, or None."""
        return None if located(None, os.environ) else "TensorRT's trtexec is not installed"

    def for_cell(self, settings: Settings) -> TensorRTBackend:
        """The same backend for one cell."""
        made = TensorRTBackend(self.options)
        made._settings = settings
        if self.options.trtexec is not None:
            located(self.options.trtexec, made.environment)  # refuses a path at which there is nothing
        return made

    @property
    def environment(self) -> dict[str, str]:
        """Where trtexec is found: this process's environment, or the stand-ins'; GPUs are numbered as by nvidia-smi."""
        from harness.config.simulator import SimulatorSettings

        cell = self._settings
        known = environment(cell.simulator if cell is not None else SimulatorSettings())
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", **known}

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Refuse all but float32 and float16."""
        trtexec_command.check_precision(precision)

    def tools(self) -> Mapping[str, str]:
        """TensorRT's version, and what was timed and how, in the same words for every version."""
        options = self.options
        switches = {"transfers": options.transfers, "cuda_graph": options.cuda_graph, "spin_wait": options.spin_wait}
        described = {name: "on" if value else "off" for name, value in switches.items()}
        if options.expose_dma:
            described["expose_dma"] = "on"
        for name, given in (("build_args", options.build_args), ("run_args", options.run_args)):
            if given:
                described[name] = " ".join(f"{key}={value}" for key, value in given.items())
        if located(options.trtexec, self.environment) is None:
            return described
        found = self._found()
        if self._settings is not None and self._settings.precision.dtype != "file":
            precision = self._settings.precision
            described["build"] = " ".join(trtexec_command.build_flags(found, options, precision)) or "defaults"
            if trtexec_command.float16_in_graph(found, precision):
                described["float16"] = "in the ONNX file"
        version = found.version or self._printed_version
        return {**({"tensorrt": version} if version else {}), **described}

    def conversion_key(self) -> Mapping[str, Any]:
        """TensorRT's version and path, the GPU, the builder's flags, and whether stand-ins convert."""
        settings = self._cell()
        key: dict[str, Any] = {
            "soc_version": settings.soc_version.name,
            "precision": asdict(settings.precision),
        }
        if located(self.options.trtexec, self.environment) is not None:
            found = self._found()
            key |= {
                "version": found.version,
                "tool": found.path if found.version else [found.path, Path(found.path).stat().st_mtime_ns],
                "flags": trtexec_command.build_flags(found, self.options, settings.precision),
            }
            trtexec_command.run_flags(found, self.options)  # refuses what this version does not know
        if settings.simulator.active:
            simulated = asdict(settings.simulator)
            key["simulator"] = {name: simulated[name] for name in ("kind", "chip", "tensorrt", "unsupported_operators")}
        return key

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:
        """Build the engine, ``target`` with ``.engine``; its log stays beside it.

        Raises:
            UnsupportedError: an operator or a precision that this TensorRT lacks.
            HarnessError: trtexec is not there or failed; reason and hint say why.
        """
        self.check_precision(precision)
        found, made = self._found(), target.with_suffix(".engine")
        flags = trtexec_command.build_flags(found, self.options, precision)
        in_graph = trtexec_command.float16_in_graph(found, precision)
        with workplace(target.parent) as folder:
            source = self._prepared(onnx, folder, in_graph=in_graph)
            engine = folder / "network.engine"
            arguments = [f"--onnx={source}", f"--saveEngine={engine}", trtexec_command.build_only(found)]
            arguments += [*flags, f"--device={self.device_ids[0]}"]
            log_file = target.with_suffix(".log")
            text, log = run_trtexec(found, arguments, folder, self.environment, log=log_file)
            if not engine.is_file() or not engine.stat().st_size:
                raise HarnessError("trtexec: it passed and left no engine", reason="no_result")
            shutil.move(engine, made)
        built = _BUILT.search(text)
        self._report = {
            "command": [found.path, *arguments],
            "tensorrt": log.version or found.version,
            "settings": {name: value for name, value in log.settings if name in BUILDERS},
            "float16": "graph" if in_graph else "builder" if precision.dtype == "float16" else None,
            "build_s": float(built[1]) if built else None,
            "warnings": [{"code": "trtexec", "message": words} for words in warned(text)],
        }
        return made

    def conversion_report(self, target: Path) -> tuple[Mapping[str, Path], Mapping[str, Any]]:
        """The log of trtexec; the command, TensorRT's version, the options as printed, and the time to build."""
        report = {name: value for name, value in self._report.items() if value not in (None, [], {})}
        return {"logs/trtexec.log": target.with_suffix(".log")}, report

    def load(self, model: Path) -> TensorRTSession:
        """Open an engine on the first device; see ``harness.backends.tensorrt_session``."""
        return self.load_on(model, self.device_ids[0])

    def load_on(self, model: Path, device_id: int) -> TensorRTSession:
        """Open an engine on one of the devices."""
        from harness.backends.tensorrt_session import TensorRTSession

        found, specs = self._found(), self._settings.model.inputs if self._settings is not None else ()
        plain = replace(self.options, transfers=True, cuda_graph=False, run_args={})
        flags = [*trtexec_command.run_flags(found, plain), f"--device={device_id}"]
        return TensorRTSession(model, found, self.environment, flags, specs)

    def input_specs(self, model: Path) -> Sequence[InputSettings]:
        """What trtexec says of the inputs."""
        with self.load(model) as session:
            specs: Sequence[InputSettings] = session.input_specs
        return specs

    @property
    def device_ids(self) -> tuple[int, ...]:
        """The devices to use: those asked for, else the first GPU of the cell's kind."""
        cell = self._settings
        if cell is None:
            return (0,)
        return cell.device or (registry.first_id(cell.soc_version.name, self.environment),)

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """One short run of trtexec to learn how long a query takes, then one that fills the profile.

        With ``profile.audit`` the last timed query's outputs are kept in a sketch.
        """
        from harness.backends.tensorrt_session import RAW, raw_outputs

        found, begin = self._found(), time.monotonic()
        flags = self._flags(found)
        sketches: list[Any] = []
        with workplace(beside(model)) as folder:

            def run(count: int, warmup_ms: int, more: Sequence[str] = ()) -> Run:
                return measured(
                    found,
                    model,
                    [*flags, *more],
                    inputs,
                    folder=folder,
                    environment=self.environment,
                    iterations=count,
                    warmup_ms=warmup_ms,
                )

            short = run(profile.floor_iterations, 0)
            begun_s = time.monotonic() - begin
            mean_ms = fmean(short.times_ms["compute"])
            count = iterations(profile, mean_ms, begun_s)
            warmup_ms = math.ceil(max(1000 * profile.warmup_s, profile.warmup_iterations * mean_ms))
            dumps = profile.audit and self.options.transfers and found.knows(RAW)
            long = run(count, warmup_ms, [f"--{RAW}"] if dumps else ())
            if dumps and (kept := sketch(raw_outputs(long.text, folder))) is not None:
                sketches.append(kept)
        return self._samples(long, begun_s, tuple(sketches))

    def profile(self, model: Path, inputs: Mapping[str, Array], folder: Path) -> None:
        """Have trtexec time every layer; what it exports and prints is left in ``folder``. Never a measurement."""
        found = self._found()
        folder.mkdir(parents=True)
        arguments = [f"--loadEngine={model.resolve()}", "--dumpProfile", *self._flags(found)]
        for name, file in (("exportProfile", "profile.json"), ("exportLayerInfo", "layers.json")):
            arguments += [f"--{name}={folder.resolve() / file}"] if found.knows(name) else []
        with workplace(beside(model)) as place:
            arguments.append(f"--loadInputs={trtexec_command.load_inputs(write_inputs(inputs, place))}")
            run_trtexec(found, arguments, place, self.environment, log=folder / "trtexec.log")

    def _samples(self, run: Run, started_s: float, sketches: tuple[Any, ...]) -> Samples:
        times = {name: np.asarray(values, dtype=np.float64) for name, values in run.times_ms.items()}
        log, compute_ms = run.log, run.times_ms["compute"]
        self._printed_version = log.version  # TensorRT 7 tells it in a run only
        findings = [*run.findings, *self._disobeyed(dict(log.settings))]
        conditions: dict[str, Any] = {
            "command": list(run.command),
            "tensorrt": log.version,
            "settings": {name: value for name, value in log.settings if name not in BUILDERS},
            "device": log.device,
            "queries": len(compute_ms),
            "printed_queries_per_s": log.throughput_qps,
            "warnings": list(log.warnings),
            "findings": [each.to_json() for each in findings if each.level == "problem"],
        }
        return Samples(
            times,
            np.asarray(run.warmup_ms, dtype=np.float64),
            started_s,
            max(log.walltime_s or 0.0, sum(compute_ms) / 1000),
            {name: value for name, value in conditions.items() if value is not None},
            steady=steady_at_end(compute_ms),
            sketches=sketches,
        )

    def _disobeyed(self, printed: Mapping[str, str]) -> list[Finding]:
        """Where the tool says that it measured something else than it was told to."""
        return [
            Finding("flag_ignored", f"trtexec reports {label}: {printed[label]}, and was told {wanted}")
            for label, wanted in trtexec_command.expected_settings(self.options).items()
            if label in printed and printed[label] != wanted
        ]

    def _prepared(self, onnx: Path, folder: Path, *, in_graph: bool) -> Path:
        """The file to build from: the one given, or a copy with static inputs (the cell's shapes) or in float16."""
        source = onnx
        shapes = {spec.name: spec.shape for spec in self._settings.model.inputs if spec.shape} if self._settings else {}
        if shapes:
            from harness.graph.shapes import write_static

            source = write_static(source, folder / "static.onnx", shapes)
        if in_graph:
            from harness.graph.float16 import write_float16

            write_float16(source, folder / "float16.onnx")
            source = folder / "float16.onnx"
        return source.resolve()

    def _flags(self, found: TrtexecTool) -> list[str]:
        return [*trtexec_command.run_flags(found, self.options), f"--device={self.device_ids[0]}"]

    def _found(self) -> TrtexecTool:
        return tool(self.options.trtexec, self.environment)

    def _cell(self) -> Settings:
        if self._settings is None:
            raise HarnessError("backend tensorrt: its engines need the whole cell; see harness.backends.registry")
        return self._settings


def warned(text: str) -> list[str]:
    """The warnings in a log, each once, the first ``MOST_WARNINGS``."""
    return list(dict.fromkeys(words.strip() for words in _WARNING.findall(text)))[:MOST_WARNINGS]
