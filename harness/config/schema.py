"""The settings of one cell: frozen, validated, plainly typed. All below the border get these and never a DictConfig.

The field names are the keys of ``conf/``; the pydantic constraints are what a value is checked against. A tuple is a
YAML list. ``options`` of a model or a backend belong to the family or backend that ``kind`` names, and it checks them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from harness.config.ascend import ConvertSettings
from harness.config.model import ModelSettings
from harness.config.simulator import SimulatorSettings
from harness.config.values import SCHEMA, Count, Name, Percent, PositiveInt, Seconds


@dataclass(config=SCHEMA)
class OpenmmlabSettings:
    """``python``: the interpreter that has mmcv-full and mmsegmentation or mmaction2; None: the current one."""

    python: str | None = None


@dataclass(config=SCHEMA)
class SocSettings:
    """The device that a cell measures; ``default_backend`` is the backend that ``backend=auto`` means on it.

    ``fallback_backend`` is what it means where the device was found (``soc_version=auto``) and the tools of the default
    one are not installed.
    """

    name: Name
    default_backend: Name
    fallback_backend: Name | None = None


@dataclass(config=SCHEMA)
class BackendSettings:
    """The runtime that drives the device; ``kind`` names the implementation, which validates ``options``.

    ``python`` is the interpreter of the runtime's own tools where that is another one than the harness's (CANN's).
    """

    name: Name
    kind: str
    default_precision: Name
    python: str | None = None
    options: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(config=SCHEMA)
class PrecisionSettings:
    """The arithmetic asked for; a backend maps what it can and refuses the rest by name.

    ``dtype`` is ``file`` where the model came as a file whose own types decide, because the backend runs it as it is.
    The others are flags of ATC; ``op_precision_mode`` is the path of an ``.ini`` (one of the harness's own is named as
    in ``conf/precision/ini``).
    """

    name: Name
    dtype: Literal["float32", "float16", "mixed", "file"]
    precision_mode: str | None = None
    precision_mode_v2: str | None = None
    op_precision_mode: str | None = None


@dataclass(config=SCHEMA)
class ExportSettings:
    """How the network becomes an ONNX file. Opset 11 is what ATC of CANN 5.1 reads; a model's own file keeps its own.

    ``simplify``: ``auto`` where onnxsim is installed; before a sweep starts it becomes true or false.
    """

    opset: Annotated[int, Field(ge=9, le=21)] | None = 11
    simplify: bool | Literal["auto"] = "auto"


@dataclass(config=SCHEMA)
class ParitySettings:
    """How far the outputs of two stages may lie apart (PEERS.md R14); ``samples`` of the batch run through torch."""

    enabled: bool = True
    samples: PositiveInt = 1
    min_cosine: Annotated[float, Field(ge=0, le=1)] = 0.9999
    max_abs_over_range: Annotated[float, Field(gt=0)] = 1e-3
    min_argmax_agreement: Annotated[float, Field(ge=0, le=1)] = 0.995


@dataclass(config=SCHEMA)
class MeasureSettings:
    """A profile: ``rounds`` fresh processes, each warmed up and then timed until both minima hold or the budget ends.

    ``budget_s`` covers warm-up and timed iterations of one repeat; it wins over ``min_time_s`` and ``min_iterations``
    but never goes below ``floor_iterations`` timed ones. After the warm-up's minima the device is given ``settle_s``
    (at most a third of the budget) to become steady; 0 does not look for it.

    Before each repeat device and host are watched for ``idle_watch_s``. The device is idle when no other process holds
    it, its utilisation and the host's are not above their limits, and its temperature is no more than ``idle_rise_c``
    above the coolest of the sweep. ``idle_policy``: ``wait`` for up to ``idle_wait_s`` and then begin anyway, ``warn``
    in the record, ``fail`` the cell, or ``off``. ``telemetry`` samples the device while it is measured. ``audit`` runs
    the model the ordinary way afterwards and compares outputs and, in the first round, times with different inputs.
    ``affinity`` binds the measuring process to these cores; null: to all that it may use.

    ``target_halfwidth`` (0.01 is 1 %) adds rounds until the interval of a cell's throughput is that narrow, for
    ``target_budget_s`` after the last planned round.
    """

    name: Name
    rounds: Annotated[int, Field(ge=1, le=100)]
    warmup_iterations: Count
    warmup_s: Seconds
    min_iterations: PositiveInt
    min_time_s: Seconds
    budget_s: Annotated[float, Field(gt=0)]
    floor_iterations: Annotated[int, Field(ge=2)] = 2
    settle_s: Seconds = 0
    telemetry: bool = False
    audit: bool = False
    target_halfwidth: Annotated[float, Field(gt=0, lt=1)] | None = None
    target_budget_s: Seconds = 1800
    affinity: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    idle_policy: Literal["off", "warn", "wait", "fail"] = "warn"
    idle_wait_s: Seconds = 60
    idle_watch_s: Seconds = 0.2
    idle_utilisation_percent: Percent = 5
    idle_host_percent: Percent = 50
    idle_rise_c: Annotated[float, Field(ge=0)] = 5


@dataclass(config=SCHEMA)
class DatasetSettings:
    """The labelled data that accuracy is computed on; ``kind`` names what reads it, which validates ``options``.

    ``limit`` takes a fixed subset, chosen by ``seed``, which also decides what a generated data set holds.
    ``on_bad_sample``: ``stop`` refuses to begin while a file is missing or damaged, ``skip`` leaves such samples out.
    """

    name: Name = "none"
    kind: Name = "none"
    root: str | None = None
    split: str = "validation"
    limit: PositiveInt | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    on_bad_sample: Literal["stop", "skip"] = "stop"
    options: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(config=SCHEMA)
class EvaluateSettings:
    """Whether and how accuracy is computed after measuring; ``evaluate=true`` on the command line sets ``enabled``.

    ``mode``: ``stream`` keeps everything in memory; ``files`` writes inputs and outputs as the seed does, below
    ``folder`` (then kept) or in the store (then removed). ``reference``: also evaluate the model in float32 with ONNX
    Runtime, which is done once and kept. ``examples`` and ``worst`` items are drawn.
    """

    enabled: bool = False
    mode: Literal["stream", "files"] = "stream"
    reference: bool = True
    folder: str | None = None
    workers: PositiveInt = 2
    save_every: PositiveInt = 10
    examples: Count = 4
    worst: Count = 4


def _switch(value: Any) -> Any:
    """``evaluate: true`` in a YAML file means ``evaluate: {enabled: true}``."""
    return {"enabled": value} if isinstance(value, bool) else value


@dataclass(config=SCHEMA)
class LimitSettings:
    """What a child may use: time per stage, and memory (``auto``: what the machine has free when the child starts)."""

    adopt_s: Annotated[float, Field(gt=0)] = 1800
    export_s: Annotated[float, Field(gt=0)] = 1800
    simplify_s: Annotated[float, Field(gt=0)] = 1800
    rewrite_s: Annotated[float, Field(gt=0)] = 1800
    parity_s: Annotated[float, Field(gt=0)] = 1800
    convert_s: Annotated[float, Field(gt=0)] = 7200
    measure_s: Annotated[float, Field(gt=0)] = 3600
    profile_s: Annotated[float, Field(gt=0)] = 3600
    evaluate_s: Annotated[float, Field(gt=0)] = 172800
    reference_s: Annotated[float, Field(gt=0)] = 172800
    memory_gb: Annotated[float, Field(gt=0)] | Literal["auto", "none"] = "auto"


@dataclass(config=SCHEMA)
class TrackingSettings:
    """Where results are published. ``uri`` null means ``sqlite:///<home>/mlflow.db``."""

    enabled: bool = True
    uri: str | None = None
    experiment: str = "harness"
    log_onnx: bool = True


def _on_failure(policy: str) -> str:
    """Refuse what is none of the policies."""
    if not re.fullmatch(r"continue|stop|stop_after=[1-9][0-9]*", policy):
        raise ValueError("continue, stop or stop_after=N")
    return policy


@dataclass(config=SCHEMA)
class Settings:
    """One cell of a sweep, complete: everything that decides its result, and where the result goes.

    ``export_only`` and ``convert_only`` end the cell when the ONNX file, or the backend's own, is made. ``device``
    lists the device ids that an evaluation is shared among; a measurement takes the first of them, or 0. ``profile``
    traces the model with the backend's profiler instead of measuring it.

    ``plan`` shows what a sweep would do and ends. ``on_failure`` says whether the other cells go on when one fails.
    ``expect_oom``: running out of memory is no failure at batch sizes above the largest that runs. ``find_max_batch``
    looks for that one after measuring, up to ``max_batch_cap``, from the cell's own batch size.
    """

    model: ModelSettings
    batchsize: PositiveInt
    soc_version: SocSettings
    backend: BackendSettings
    precision: PrecisionSettings
    measure: MeasureSettings
    tracking: TrackingSettings
    export: ExportSettings
    parity: ParitySettings
    limits: LimitSettings
    dataset: DatasetSettings = Field(default_factory=DatasetSettings)
    evaluate: Annotated[EvaluateSettings, BeforeValidator(_switch)] = Field(default_factory=EvaluateSettings)
    convert: ConvertSettings = Field(default_factory=ConvertSettings)
    simulator: SimulatorSettings = Field(default_factory=SimulatorSettings)
    openmmlab: OpenmmlabSettings = Field(default_factory=OpenmmlabSettings)
    device: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    seed: Count = 0
    export_only: bool = False
    convert_only: bool = False
    profile: bool = False
    plan: bool = False
    on_failure: Annotated[str, AfterValidator(_on_failure)] = "continue"
    expect_oom: bool = False
    find_max_batch: bool = False
    max_batch_cap: PositiveInt = 1024

    @property
    def repeats(self) -> int:
        """How many fresh processes measure the cell: none where only a file or a trace is asked for."""
        return 0 if self.export_only or self.convert_only or self.profile else self.measure.rounds

    @property
    def searches(self) -> bool:
        """Whether the largest batch that runs is looked for."""
        return self.find_max_batch and self.repeats > 0

    @property
    def simulates(self) -> bool:
        """Whether stand-ins take the place of the cell's device."""
        return self.simulator.imitates(self.soc_version.name)

    @property
    def evaluates(self) -> bool:
        """Whether accuracy is computed."""
        return self.evaluate.enabled and not (self.export_only or self.convert_only)
