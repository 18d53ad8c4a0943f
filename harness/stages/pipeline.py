"""The order of a cell's stages, and what of it the cache already holds. Decides; runs nothing.

The parent asks ``advance`` again and again: each answer is the next request that has to run in a process of its own,
or None once everything before measuring is there and intact.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.backends.protocol import reads
from harness.backends.registry import backend_type
from harness.config.schema import Settings
from harness.models.files import CONVERTED, ONNX
from harness.records.schema import Artifact, Outcome, Step
from harness.stages.reference import has_reference, is_reference
from harness.stages.request import Request, Result
from harness.stages.store import Entry, Store

WITHOUT_FILES = frozenset({"parity", "profile"})
"""Stages on whose files no other depends."""
MODELS = ("model", "rewritten", "simplified", "exported")
"""The artifacts that can be measured; the first one that there is, is."""


def stage_module(stage: str) -> ModuleType:
    """The module of a stage: ``CONSUMES``, ``key(settings, inputs)`` (cheap) and ``run(request, inputs, folder)``."""
    return importlib.import_module(f"harness.stages.{stage}")


def preparation(settings: Settings) -> tuple[str, ...]:
    """The stages before measuring, in order; those that would make a file that is there already are left out.

    Raises:
        ConfigError: the settings name a backend that there is not.
    """
    if settings.model.kind == CONVERTED:
        return ("adopt", "profile") if settings.profile else ("adopt",)
    stages = ["adopt" if settings.model.kind == ONNX else "export"]
    if settings.export.simplify:
        stages.append("simplify")
    if settings.model.graph.rules:
        stages.append("rewrite")
    if settings.parity.enabled:
        stages.append("parity")
    if not settings.export_only and ".onnx" not in reads(backend_type(settings.backend.kind)):
        stages.append("convert")
    if settings.profile:
        stages.append("profile")
    return tuple(stages)


def evaluation(settings: Settings) -> tuple[str, ...]:
    """The stages after measuring that compute accuracy, in order; a cell that is its own reference needs no other."""
    if not settings.evaluates:
        return ()
    return ("evaluate", "reference") if has_reference(settings) and not is_reference(settings) else ("evaluate",)


@dataclass(frozen=True)
class Foreseen:
    """A stage that a cell needs: ``cached`` in the store, or ``shared`` with an earlier cell; its files' size."""

    stage: str
    cached: bool = False
    shared: bool = False
    size_bytes: int = 0


class Pipeline:
    """One cell's way from settings to a model that can be measured."""

    def __init__(self, settings: Settings, store: Store, record: Path) -> None:
        self.settings = settings
        self.store = store
        self.record = record
        self.steps: dict[str, Step] = {}
        """Finished preparing stages by name, cached ones included."""

    def advance(self, *, evaluating: bool = False) -> Request | None:
        """The next request that must run, or None when all artifacts are there; with ``evaluating`` accuracy as well.

        Raises:
            ConfigError: a file that the settings name is not there.
        """
        later = evaluation(self.settings) if evaluating else ()
        for stage in (*preparation(self.settings), *later):
            if stage in self.steps:
                continue
            inputs = self._inputs(stage)
            key = stage_module(stage).key(self.settings, inputs)
            entry = self.store.lookup(stage, key) if key else None
            if entry is not None:
                self.steps[stage] = _cached(stage, key, entry)
                self._share(self.steps[stage], inputs)
            elif self.take_back_damaged():
                return self.advance(evaluating=evaluating)
            else:
                return self._request(stage, key, inputs)
        return None

    def foresee(self, made: set[tuple[str, ...]]) -> Iterator[Foreseen]:
        """All stages of the cell but measuring; runs, changes and writes nothing.

        What follows a file that is not there yet has no key yet. ``made`` is what cells before this one will have
        made, to which this cell's own is added.

        Raises:
            ConfigError: a file that the settings name is not there.
        """
        settings, missing = self.settings, ""
        for stage in (*preparation(settings), *evaluation(settings)):
            inputs = self._inputs(stage)
            key = None if missing else stage_module(stage).key(settings, inputs)
            entry = self.store.lookup(stage, key, using=False) if key else None
            if key and entry is not None:
                self.steps[stage] = _cached(stage, key, entry)
                yield Foreseen(stage, cached=True, size_bytes=sum(each.size_bytes for each in entry.artifacts.values()))
                continue
            to_be = (
                stage,
                key or "",
                missing,
                settings.soc_version.name,
                settings.backend.name,
                settings.precision.name,
            )
            yield Foreseen(stage, shared=stage != "profile" and to_be in made)
            made.add(to_be)
            if stage not in WITHOUT_FILES:
                missing = missing or f"{stage} {key}"

    def accept(self, request: Request, step: Step) -> None:
        """Take the finished step of a request; one that did not end ok stays the last."""
        self.steps[request.stage] = step
        self._share(step, request.inputs)

    def _share(self, step: Step, inputs: Mapping[str, Artifact]) -> None:
        """Let the accuracy of a cell that is the reference itself be the reference of others."""
        if step.stage != "evaluate" or step.outcome.status != "ok" or not is_reference(self.settings):
            return
        key = stage_module("reference").key(self.settings, inputs)
        if self.store.lookup("reference", key) is None:
            self.store.save("reference", key, Entry(info={"accuracy": step.info["accuracy"]}, wall_s=step.wall_s))

    @property
    def model(self) -> Artifact:
        """The artifact that is measured."""
        made = self._artifacts()
        return next(made[name] for name in MODELS if name in made)

    def measure(self, number: int) -> Request:
        """The request that measures the cell once more; ``number`` is the round, from 1."""
        return self._request("measure", None, {"model": self.model}, number)

    def forget(self, stage: str) -> None:
        """Let a stage whose inputs are there run again although its result is known.

        Raises:
            ConfigError: as :meth:`advance`.
        """
        key = stage_module(stage).key(self.settings, self._inputs(stage))
        if key:
            self.store.forget(stage, key)

    def info(self, stage: str) -> Mapping[str, Any]:
        """What a finished stage found out, or nothing."""
        return self.steps[stage].info if stage in self.steps else {}

    def take_back_damaged(self) -> list[str]:
        """Names of the artifacts whose content no longer is what their hash says; their stages have to run again."""
        bad = {name: a for name, a in self._artifacts().items() if not self.store.intact(a)}
        for artifact in bad.values():
            self.store.discard(artifact)
        stages = {stage for stage, step in self.steps.items() if bad.keys() & step.artifacts.keys()}
        self.steps = {stage: step for stage, step in self.steps.items() if stage not in stages}
        return sorted(bad)

    def _artifacts(self) -> dict[str, Artifact]:
        return {name: artifact for step in self.steps.values() for name, artifact in step.artifacts.items()}

    def _inputs(self, stage: str) -> dict[str, Artifact]:
        made = self._artifacts()
        return {name: made[name] for name in stage_module(stage).CONSUMES if name in made}

    def _request(
        self, stage: str, key: str | None, inputs: Mapping[str, Artifact], number: int | None = None
    ) -> Request:
        return Request(
            stage=stage,
            settings=self.settings,
            store=self.store.root,
            record=self.record,
            key=key,
            inputs=inputs,
            round=number,
        )


def finished(request: Request, result: Result, *, started: str, wall_s: float, **facts: Any) -> Step:
    """The step that a process's result amounts to."""
    return Step(
        stage=request.stage,
        outcome=result.outcome,
        key=request.key,
        round=request.round,
        started=started,
        wall_s=wall_s,
        artifacts=result.artifacts,
        info=result.info,
        **facts,
    )


def _cached(stage: str, key: str, entry: Entry) -> Step:
    outcome = Outcome(status="ok", stage=stage)
    return Step(stage=stage, outcome=outcome, cached=True, key=key, artifacts=entry.artifacts, info=entry.info)
