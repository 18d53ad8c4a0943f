"""One cell while its sweep runs: where it stands, what its steps left behind, and the record that follows from it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.config.schema import Settings
from harness.records.schema import (
    Accuracy,
    Artifact,
    MaxBatch,
    Outcome,
    PublishedAccuracy,
    Record,
    Repeat,
    Source,
    Step,
    Summary,
    Weights,
)
from harness.simulator.options import options, simulated
from harness.stages.pipeline import Pipeline, evaluation
from harness.stages.reference import has_reference, is_reference
from harness.sweep.manifest import Cell, Manifest
from harness.sweep.mixed import mixed_rounds
from harness.timing.summary import summarise

_SETTINGS = TypeAdapter(Settings)
_REPEAT = TypeAdapter(Repeat)
_SUMMARY = TypeAdapter(Summary)
_WEIGHTS = TypeAdapter(Weights)
_ACCURACY = TypeAdapter(Accuracy)


def now() -> str:
    """The current time, UTC, ISO 8601 with milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


@dataclass
class CellRun:
    """The state of one cell; ``outcome`` is None while it may still go on, ``prepared`` once it can be measured.

    ``accuracies`` are what the stages that evaluate found, by stage; ``evaluated`` once all of them are done.
    """

    cell: Cell
    folder: Path
    pipeline: Pipeline
    started: str = field(default_factory=now)
    outcome: Outcome | None = None
    prepared: bool = False
    evaluated: bool = False
    steps: list[Step] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    tools: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    accuracies: dict[str, Accuracy] = field(default_factory=dict)
    max_batch: MaxBatch | None = None
    said: tuple[str, ...] = ()
    """What a reader should know of how the cell was run."""
    kept: bool = False
    """The cell was finished before this process began: nothing of it is run, and its record is not written again."""
    before: Record | None = None
    """The record that this process goes on from."""
    earlier: dict[str, Step] = field(default_factory=dict)
    """Steps of that record that made files; one that turns out to be cached still is the same step."""
    vanished: int = 0
    """How often files of the cell vanished from the store just before a step needed them."""
    saved: Record | None = None
    """The record as it was last written."""

    @property
    def active(self) -> bool:
        """Whether the cell still takes part."""
        return self.outcome is None and not self.kept

    @property
    def rounds(self) -> set[int]:
        """The numbers of the rounds that the cell was measured in."""
        return {repeat.round for repeat in self.repeats}

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is there."""
        settings = self.cell.settings
        measured = len(self.repeats) >= settings.repeats
        searched = self.max_batch is not None or not settings.searches
        return self.prepared and measured and searched and (self.evaluated or not settings.evaluates)

    def take(self, step: Step) -> None:
        """Add a finished step; one that did not end ok decides the cell."""
        repeat = step.info.get("repeat")
        if repeat is not None:
            self.tools = step.info.get("tools", {})
            self.inputs = step.info.get("inputs", {})
            self.repeats.append(_REPEAT.validate_python({**repeat, "peak_memory_bytes": step.peak_memory_bytes}))
            self.repeats.sort(key=lambda each: each.round)
            step = _without_info(step)
        if step.info.get("accuracy") is not None:
            self.accuracies[step.stage] = _ACCURACY.validate_python(step.info["accuracy"])
        known = self.earlier.pop(step.stage, None)
        if step.cached and known is not None and known.key == step.key:
            step = replace(known, info=step.info, artifacts=step.artifacts)
            measured = [place for place, each in enumerate(self.steps) if each.stage == "measure"]
            after = step.stage in evaluation(self.cell.settings) or not measured
            self.steps.insert(len(self.steps) if after else measured[0], step)
        else:
            self.steps.append(step)
        if step.outcome.status != "ok":
            self.outcome = step.outcome

    def summary(self) -> Summary | None:
        """The estimates over the repeats so far, or None without any."""
        if not self.repeats:
            return None
        numbers = summarise(self.repeats, self.cell.settings.batchsize, self.repeats[0].boundary)
        return _SUMMARY.validate_python(asdict(numbers))


def accuracy_of(run: CellRun) -> Accuracy | None:
    """The cell's accuracy beside its own reference and what was published for the same data, or None without any."""
    device = run.accuracies.get("evaluate")
    if device is None:
        return None
    settings = run.cell.settings
    own = has_reference(settings) and is_reference(settings)
    reference = device if own else run.accuracies.get("reference")
    published = next((each for each in settings.model.published if each.dataset == settings.dataset.name), None)
    return replace(
        device,
        reference=reference.device if reference else None,
        reference_is_device=own,
        published=PublishedAccuracy(published.mode, published.metrics, published.source) if published else None,
    )


def build_record(
    run: CellRun, manifest: Manifest, *, device: Mapping[str, Any], environment: Mapping[str, Any]
) -> Record:
    """The record of a cell as it stands; ``outcome`` ok needs at least one repeat, unless none is asked for."""
    from harness import __version__

    settings = run.cell.settings
    if run.before is not None and not run.prepared:  # what the stages made is known to the earlier record only
        last = run.outcome or run.before.outcome
        return replace(run.before, outcome=last, finished=now(), steps=_united(run), overrides=run.cell.overrides)
    first = run.pipeline.info("export") or run.pipeline.info("adopt")
    weights = _WEIGHTS.validate_python(first["weights"]) if first.get("weights") else None
    made = {
        name: artifact
        for step in run.pipeline.steps.values()
        for name, artifact in step.artifacts.items()
        if not is_record_file(name)
    }
    outcome = run.outcome or (
        Outcome(status="ok") if run.repeats or run.complete else Outcome(status="cancelled", reason="not_measured")
    )
    mixed = mixed_rounds(run.before, len(run.repeats), tools=run.tools, device=device, version=__version__)
    return Record(
        record_id=record_id(manifest, run.cell),
        sweep_id=manifest.sweep_id,
        cell=run.cell.index,
        name=run.cell.name,
        started=run.started,
        finished=now(),
        settings=_SETTINGS.dump_python(settings, mode="json"),
        overrides=run.cell.overrides,
        outcome=outcome,
        source=source_of(settings),
        device=device,
        steps=tuple(_without_info(step) for step in run.steps),
        repeats=tuple(run.repeats),
        summary=run.summary(),
        weights=weights,
        accuracy=accuracy_of(run),
        max_batch=run.max_batch,
        rerun_of=run.cell.rerun_of,
        parity=run.pipeline.info("parity") or None,
        graph=_graph(run) or first.get("graph"),
        conversion=run.pipeline.info("convert").get("conversion"),
        artifacts=made,
        fingerprint=_fingerprint(run, settings),
        environment=environment,
        notes=(*run.cell.notes, *run.said, *mixed, *_notes_of(run, "rewrite", "profile")),
        harness_version=__version__,
        interleaved=manifest.interleaved,
    )


def record_id(manifest: Manifest, cell: Cell) -> str:
    """The identity of a cell's record: the same however often its sweep is killed and gone on with."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{manifest.sweep_id} {manifest.created} {cell.index} {cell.name}").hex


def _united(run: CellRun) -> tuple[Step, ...]:
    """The steps of the earlier record, and those of this process that it lacks."""
    known = run.before.steps if run.before is not None else ()
    names = {(step.stage, step.round, step.key) for step in known if step.outcome.status == "ok"}
    kept = [step for step in known if step.outcome.status == "ok"]
    return (*kept, *(_without_info(step) for step in run.steps if (step.stage, step.round, step.key) not in names))


def source_of(settings: Settings) -> Source:
    """Whether a cell is simulated or measured here: a process started among stand-ins gets them without asking."""
    given = simulated() and options().imitates(settings.soc_version.name)
    return "simulated" if settings.simulates or given else "measured"


def _notes_of(run: CellRun, *stages: str) -> list[str]:
    """What stages found that a reader of the row should see."""
    return [note for stage in stages for note in run.pipeline.info(stage).get("notes", ())]


def _graph(run: CellRun) -> Mapping[str, Any] | None:
    """What is known of the graph in its last form."""
    return run.pipeline.info("rewrite").get("graph") or run.pipeline.info("simplify").get("graph")


def _fingerprint(run: CellRun, settings: Settings) -> dict[str, Any]:
    """What must be equal before two rows may be divided by each other (PEERS.md R6).

    The model is the ONNX file, which devices share, and not what a backend made of it.
    """
    model = measured_model(run.pipeline)
    return {
        "model_sha256": model.sha256 if model else None,
        "inputs": run.inputs or {spec.name: [list(spec.shape), spec.dtype] for spec in settings.model.inputs},
        "batchsize": settings.batchsize,
        "precision": settings.precision.name,
        "boundary": run.repeats[0].boundary if run.repeats else None,
        "backend": settings.backend.name,
        "tools": dict(run.tools),
        "data": f"seeded random (seed {settings.seed})",
    }


def measured_model(pipeline: Pipeline) -> Artifact | None:
    """The ONNX file in its last form, or the file that was converted elsewhere; None before there is one."""
    made = {name: artifact for step in pipeline.steps.values() for name, artifact in step.artifacts.items()}
    return next((made[name] for name in ("rewritten", "simplified", "exported", "model") if name in made), None)


def is_record_file(artifact_name: str) -> bool:
    """Whether an artifact is a file for the record's folder, at that place in it, rather than one for later stages."""
    return "/" in artifact_name


def _without_info(step: Step) -> Step:
    """The step as the record lists it: what it found out and its files stand elsewhere in the record."""
    kept = {name: artifact for name, artifact in step.artifacts.items() if not is_record_file(name)}
    return replace(step, info={}, artifacts=kept)
