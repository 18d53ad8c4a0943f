"""What a record holds: the dataclasses behind ``record.json`` (schema version 5) and nothing else.

A record is the folder of one cell's results; ``record.json`` is its small, readable index. Raw samples, logs and the
package list lie beside it, named here by relative path. Times are UTC in ISO 8601; units stand in the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

SCHEMA_VERSION = 5
READABLE_VERSIONS = (1, 2, 3, 4, 5)
"""1 lacks ``accuracy``; 2 what surrounds a repeat (findings, steadiness, boundaries, telemetry); 3 ``max_batch``; 4
``rerun_of``."""
SCHEMA = ConfigDict(extra="forbid", frozen=True)

Status = Literal["ok", "failed", "oom", "timeout", "crashed", "cancelled", "unsupported", "skipped"]
Source = Literal["measured", "simulated", "reference"]
Verdict = Literal["stable", "noisy", "unstable"]


@dataclass(config=SCHEMA)
class Outcome:
    """How a cell or a step ended: where (``stage``), why (``reason``, in snake_case), the words, and what to do."""

    status: Status
    stage: str | None = None
    reason: str | None = None
    message: str | None = None
    hint: str | None = None


@dataclass(config=SCHEMA)
class Artifact:
    """A file in the store: its SHA-256 (hex), size and suffix (".onnx"); ``<home>/store/blobs/<sha256><suffix>``."""

    sha256: str
    size_bytes: int
    suffix: str


@dataclass(config=SCHEMA)
class Step:
    """One step of the cell in its own process, or the cached result of an earlier one (``cached``, ``wall_s`` 0)."""

    stage: str
    outcome: Outcome
    cached: bool = False
    key: str | None = None
    round: int | None = None
    started: str | None = None
    wall_s: float = 0.0
    peak_memory_bytes: int | None = None
    exit_status: int | None = None
    log: str | None = None
    artifacts: Mapping[str, Artifact] = Field(default_factory=dict)
    info: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(config=SCHEMA)
class Finding:
    """Something that a reader of the figures should know: a code in snake_case and a sentence that names it."""

    code: str
    message: str


@dataclass(config=SCHEMA)
class Telemetry:
    """What the device did in the timed window of a repeat; the series stands in ``file``, a CSV.

    ``values`` holds mean and peak by quantity (``power_w``, ``temperature_c``, ``clock_mhz``, ...). Energy is that of
    the window, idle power included: ``idle_share`` of it the device would have taken at rest (``idle_power_w``).
    ``left_out`` iterations fell into windows in which it throttled, ``throttled_s`` long; they are in no estimate.
    """

    file: str
    readings: int
    rate_hz: float
    values: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    energy_j: float | None = None
    energy_per_sample_j: float | None = None
    idle_power_w: float | None = None
    idle_share: float | None = None
    throttled_s: float = 0.0
    throttle_reasons: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(config=SCHEMA)
class Tail:
    """A percentile of latencies and the bound that it stays below with 99 % confidence, in ms."""

    value_ms: float
    upper_ms: float


@dataclass(config=SCHEMA)
class Repeat:
    """One fresh process that measured the cell: latencies in ms per iteration (one batch), raw in ``samples_file``.

    ``samples_file`` is an ``.npz`` with a float64 array ``<boundary>_ms`` per boundary and ``warmup_ms``; ``means_ms``
    their means by boundary (``compute``, ``h2d``, ``d2h``, ``end_to_end``), of which ``boundary`` is the headline.
    ``steady``: whether the device had settled when timing began; None: not looked for, or too few iterations to tell.
    ``findings``: what disturbed it (busy host, foreign process, a process that was stopped). ``percentiles`` (``p90``)
    are those that the number of iterations earns; ``spread`` is an iteration's standard deviation over the mean.
    """

    round: int
    started: str
    boundary: str
    iterations: int
    mean_ms: float
    median_ms: float
    min_ms: float
    max_ms: float
    warmup_iterations: int
    first_iteration_ms: float
    load_s: float
    window_s: float
    samples_file: str
    peak_memory_bytes: int | None = None
    conditions: Mapping[str, Any] = Field(default_factory=dict)
    means_ms: Mapping[str, float] = Field(default_factory=dict)
    warmup_s: float | None = None
    steady: bool | None = None
    findings: tuple[Finding, ...] = ()
    telemetry: Telemetry | None = None
    spread: float | None = None
    percentiles: Mapping[str, Tail] = Field(default_factory=dict)


@dataclass(config=SCHEMA)
class Estimate:
    """A mean over processes with its 95 % t-interval; ``low``/``high`` are None when n < 2."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def relative_halfwidth(self) -> float | None:
        """Half the interval's width over the mean, or None without an interval."""
        if self.low is None or self.high is None or self.mean == 0:
            return None
        return (self.high - self.low) / 2 / abs(self.mean)


@dataclass(config=SCHEMA)
class Summary:
    """The two estimates of a cell over its repeats, per boundary where there are several, and the verdict.

    ``throughput`` is ``1000 * batchsize / mean compute ms`` per process, in
    samples/s; ``latency_ms`` the median per batch. ``throughputs`` holds the same by boundary: compute, end to end, and
    offline (samples over wall time). ``percentiles`` are the means over processes of those that every process earned,
    with the largest of their bounds. ``bound`` says what holds the cell up, if not its compute. Spreads are standard
    deviations over the mean: of throughput between processes, of an iteration within one (root mean square).
    """

    boundary: str
    throughput: Estimate
    latency_ms: Estimate
    offline_throughput: Estimate | None
    iterations: int
    verdict: Verdict
    throughputs: Mapping[str, Estimate] = Field(default_factory=dict)
    percentiles: Mapping[str, Tail] = Field(default_factory=dict)
    bound: Literal["transfer-bound", "host-bound"] | None = None
    spread_between: float | None = None
    spread_within: float | None = None


@dataclass(config=SCHEMA)
class Weights:
    """Where the parameters came from. ``trained`` is False for seeded random weights, and every table then says so.

    ``dataset`` is what they were trained on, where that is known.
    """

    kind: Literal["random", "checkpoint", "file"]
    trained: bool
    seed: int | None = None
    sha256: str | None = None
    name: str | None = None
    dataset: str | None = None


@dataclass(config=SCHEMA)
class Evaluated:
    """One model file evaluated once, with the runtime and the batch size that did it.

    ``metrics`` are shares from 0 to 1; ``samples`` were inferred for ``items`` (windows for images).
    """

    metrics: Mapping[str, float]
    items: int
    samples: int
    batchsize: int
    soc_version: str
    backend: str
    precision: str
    model_sha256: str
    elapsed_s: float


@dataclass(config=SCHEMA)
class LeftOut:
    """An item that could not be used, and why."""

    item: str
    reason: str


@dataclass(config=SCHEMA)
class PublishedAccuracy:
    """What somebody else published for this model and data set, in per cent; ``mode`` is how it was evaluated."""

    mode: str
    metrics: Mapping[str, float]
    source: str


@dataclass(config=SCHEMA)
class Accuracy:
    """The accuracy of a cell. Per-class numbers, scores of items and pictures lie beside it: ``tables/``, ``plots/``.

    ``headline`` names the metric that stands for it; ``mode`` (``slide``) and ``how`` say how items become samples,
    ``method`` whether they were streamed or went through files. ``limit`` is the size of the subset, if it is one.
    ``reference`` is the same model in float32 with ONNX Runtime, and the very same evaluation where
    ``reference_is_device``. ``bad`` names what was left out; ``data_sha256`` is of everything that took part.
    """

    task: str
    dataset: str
    split: str
    limit: int | None
    mode: str
    how: str
    method: Literal["stream", "files"]
    unit: str
    headline: str
    device: Evaluated
    reference: Evaluated | None = None
    reference_is_device: bool = False
    published: PublishedAccuracy | None = None
    bad: tuple[LeftOut, ...] = ()
    data_sha256: str = ""


@dataclass(config=SCHEMA)
class Try:
    """One batch size that was tried in a process of its own, and how that ended."""

    batchsize: int
    outcome: Outcome


@dataclass(config=SCHEMA)
class MaxBatch:
    """The largest batch that runs, found by doubling and bisection; ``batchsize`` None: not one of those tried.

    ``limit`` is why not more: how the next larger one ended (``oom``, ``timeout``, ...), or ``cap``: it was not asked
    for more. ``tries`` are in the order of their batch sizes, the cell's own among them.
    """

    batchsize: int | None
    limit: Status | Literal["cap"]
    tries: tuple[Try, ...] = ()


@dataclass(config=SCHEMA)
class Original:
    """The record that a rerun measures again: its id, and the cell of the sweep that it is of."""

    record_id: str
    sweep_id: str
    name: str

    @property
    def words(self) -> str:
        """``SWEEP/CELL``, as all commands take it."""
        return f"{self.sweep_id}/{self.name}"


@dataclass(config=SCHEMA)
class Record:
    """Everything known of one cell of one sweep. ``settings`` is the frozen configuration as plain JSON.

    ``conversion`` is what a backend's converter was told and warned of: its command, and ``warnings`` with code,
    message and hint.
    """

    record_id: str
    sweep_id: str
    cell: int
    name: str
    started: str
    finished: str
    settings: Mapping[str, Any]
    overrides: tuple[str, ...]
    outcome: Outcome
    source: Source
    device: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    summary: Summary | None = None
    weights: Weights | None = None
    accuracy: Accuracy | None = None
    max_batch: MaxBatch | None = None
    rerun_of: Original | None = None
    parity: Mapping[str, Any] | None = None
    graph: Mapping[str, Any] | None = None
    conversion: Mapping[str, Any] | None = None
    artifacts: Mapping[str, Artifact] = Field(default_factory=dict)
    fingerprint: Mapping[str, Any] = Field(default_factory=dict)
    environment: Mapping[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    harness_version: str = ""
    interleaved: bool = True
    schema_version: int = SCHEMA_VERSION
