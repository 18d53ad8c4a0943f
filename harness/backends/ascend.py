"""Ascend NPUs: ATC converts, ais_bench measures, ``InferSession`` in CANN's own Python runs what is evaluated.

The tools are called as their users call them and what they print is kept in the step's log. Nothing of CANN is imported
here: this process may run under another Python.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from harness.backends import atc_command
from harness.backends.ais_bench import Run, infer_files, run_ais_bench, run_profiler, write_inputs
from harness.backends.atc import Conversion, run_atc
from harness.backends.atc_flags import FILES
from harness.backends.cann_python import interpreter, versions
from harness.backends.iterations import iterations
from harness.backends.protocol import Array
from harness.backends.workplace import acceptable, beside, workplace
from harness.config.model import InputSettings
from harness.config.schema import MeasureSettings, PrecisionSettings, Settings
from harness.config.values import SCHEMA
from harness.devices import registry
from harness.devices.cann import installation
from harness.errors import HarnessError
from harness.simulator.environment import environment
from harness.timing.samples import Samples
from harness.timing.steady import steady_at_end

if TYPE_CHECKING:
    from harness.backends.ascend_session import AscendSession


@dataclass(config=SCHEMA)
class AscendOptions:
    """``python`` is ``backend.python``, the interpreter of CANN's tools."""

    python: str | None = None


class AscendBackend:
    """ATC and ais_bench. Compute is what ais_bench calls ``NPU_compute_time``: the host's time around the execution."""

    name: ClassVar[str] = "ascend"
    boundary: ClassVar[str] = "compute"
    reads: ClassVar[tuple[str, ...]] = (".om",)
    Options: ClassVar[type[Any]] = AscendOptions

    def __init__(self, options: AscendOptions) -> None:
        self.options = options
        self._settings: Settings | None = None
        self._conversion: Conversion | None = None
        self._versions: Mapping[str, str] = {}

    def for_cell(self, settings: Settings) -> AscendBackend:
        """The same backend for one cell."""
        made = AscendBackend(self.options)
        made._settings = settings
        if self.options.python is not None:
            made._python()  # refuses an interpreter that is not there
        return made

    @property
    def environment(self) -> dict[str, str]:
        """Where the tools are found: this process's environment, or the stand-ins'."""
        cell = self._settings
        return environment(cell.simulator) if cell is not None else environment(_real())

    def check_precision(self, precision: PrecisionSettings) -> None:
        """Refuse what ATC has no mode for, and modes that exclude each other."""
        atc_command.check_precision(precision)

    def tools(self) -> Mapping[str, str]:
        """Versions of toolkit, driver and firmware, and of ais_bench once it has run."""
        here = installation(self.environment)
        found = {"cann": here.toolkit_version, "driver": here.driver_version, "firmware": here.firmware_version}
        return {**{name: version for name, version in found.items() if version}, **self._versions}

    def conversion_key(self) -> Mapping[str, Any]:
        """Flags, files by content, CANN's version, the bank of tuned operators, and whether stand-ins convert."""
        settings = self._cell()
        here = installation(self.environment)
        bank = self.environment.get("TUNE_BANK_PATH")
        simulated = asdict(settings.simulator) if settings.simulator.active else {}
        return {
            "flags": atc_command.content_hashes(atc_command.atc_flags(settings)),
            "cann": here.toolkit_version,
            "bank": atc_command.content_hashes({"op_bank_path": bank}) if bank and Path(bank).is_dir() else None,
            "simulator": {key: simulated[key] for key in ("kind", "unsupported_operators") if key in simulated},
        }

    def convert(self, onnx: Path, target: Path, precision: PrecisionSettings) -> Path:
        """Run ATC; see ``harness.backends.atc.run_atc``."""
        self.check_precision(precision)
        made = target.with_suffix(".om")
        self._conversion = run_atc(
            onnx, made, target.with_suffix(".log"), atc_command.atc_flags(self._cell()), self.environment
        )
        return made

    def conversion_report(self, target: Path) -> tuple[Mapping[str, Path], Mapping[str, Any]]:
        """The log of ATC and copies of the files that its flags named; the command and the warnings."""
        files = {"logs/atc.log": target.with_suffix(".log")}
        for name, value in atc_command.atc_flags(self._cell()).items():
            if name in FILES and Path(value).is_file():
                copy = target.with_name(f"{name}{Path(value).suffix}")
                copy.write_bytes(Path(value).read_bytes())
                files[f"logs/{copy.name}"] = copy
        return files, self._conversion.to_json() if self._conversion else {}

    def load(self, model: Path) -> AscendSession:
        """Open an OM file in CANN's Python on the first device; see ``harness.backends.ascend_session``."""
        return self.load_on(model, self.device_ids[0])

    def load_on(self, model: Path, device_id: int) -> AscendSession:
        """Open an OM file on one of the devices."""
        from harness.backends.ascend_session import AscendSession

        return AscendSession(model, self._python(), self.environment, device_id)

    def infer_folder(self, model: Path, inputs: Path, outputs: Path) -> None:
        """Have ais_bench infer every file of a folder; several devices divide them among themselves."""
        with workplace(beside(model)) as folder:
            om = acceptable(model, folder, "network.om")
            batchsize, devices = self._cell().batchsize, self.device_ids
            infer_files(self._python(), om, inputs, outputs, self.environment, batchsize=batchsize, device_ids=devices)

    def input_specs(self, model: Path) -> Sequence[InputSettings]:
        """What ``InferSession`` says of the inputs."""
        with self.load(model) as session:
            specs: Sequence[InputSettings] = session.input_specs
        return specs

    @property
    def device_ids(self) -> tuple[int, ...]:
        """The devices to use: those asked for, else the first one of the cell's kind."""
        cell = self._settings
        if cell is None:
            return (0,)
        return cell.device or (registry.first_id(cell.soc_version.name, self.environment),)

    def measure(self, model: Path, inputs: Mapping[str, Array], profile: MeasureSettings) -> Samples:
        """One short run of ais_bench to learn how long an iteration takes, then one that fills the profile."""
        python = self._python()
        begin = time.monotonic()
        with workplace(beside(model)) as folder:
            files = write_inputs(inputs, folder)
            om = acceptable(model, folder, "network.om")

            def run(loop: int, warmup: int) -> Run:
                return run_ais_bench(
                    python,
                    om,
                    files,
                    folder,
                    self.environment,
                    loop=loop,
                    warmup=warmup,
                    batchsize=self._batchsize(inputs),
                    device_id=self.device_ids[0],
                )

            short = run(profile.floor_iterations, max(1, profile.warmup_iterations))
            begun_s = time.monotonic() - begin
            loop = iterations(profile, short.means_ms["compute"], begun_s)
            warmup = max(profile.warmup_iterations, math.ceil(1000 * profile.warmup_s / short.means_ms["compute"]))
            long = run(loop, min(warmup, loop)) if loop > profile.floor_iterations else short
        self._versions = versions(python, self.environment)
        return _samples(long, begun_s)

    def profile(self, model: Path, inputs: Mapping[str, Array], folder: Path) -> None:
        """Have ais_bench run the model under msprof; the trace is left in ``folder``."""
        with workplace(beside(model)) as place:
            run_profiler(
                self._python(),
                acceptable(model, place, "network.om"),
                write_inputs(inputs, place),
                place,
                self.environment,
                device_id=self.device_ids[0],
            )
            shutil.copytree(place / "out" / "profiler", folder)

    def _python(self) -> str:
        return interpreter(self.options.python, self.environment)

    def _cell(self) -> Settings:
        if self._settings is None:
            raise HarnessError("backend ascend: ATC needs the whole cell; use harness.backends.registry.cell_backend")
        return self._settings

    def _batchsize(self, inputs: Mapping[str, Array]) -> int:
        if self._settings is not None:
            return self._settings.batchsize
        return next((array.shape[0] for array in inputs.values() if array.ndim), 1)


def _samples(run: Run, started_s: float) -> Samples:
    times = {"compute": np.asarray(run.times_ms, dtype=np.float64)}
    times |= {name: np.asarray([mean]) for name, mean in run.means_ms.items() if name != "compute"}
    conditions: dict[str, Any] = {
        "counts": dict(run.counts),
        "command": list(run.command),
        "printed_samples_per_s": run.samples_per_s,
        "ais_bench_generation": run.generation,
        "findings": [finding.to_json() for finding in run.findings],
    }
    return Samples(times, np.empty(0), started_s, 0.0, conditions, steady=steady_at_end(run.times_ms))


def _real() -> Any:
    from harness.config.simulator import SimulatorSettings

    return SimulatorSettings()
