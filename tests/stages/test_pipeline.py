"""The pipeline asks for what is missing, takes what is cached, and takes back what is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.compose import compose_settings
from harness.config.schema import Settings
from harness.records.schema import Outcome
from harness.stages.pipeline import Pipeline, finished
from harness.stages.request import Request, Result
from harness.stages.store import Entry, Store


@pytest.fixture(scope="module")
def settings() -> Settings:
    return compose_settings("model=swin98_tiny", "batchsize=2", "measure=smoke")


def fulfil(pipeline: Pipeline, request: Request) -> None:
    """Do what a stage's process would do, with a made-up file that follows from the key."""
    store = pipeline.store
    artifacts = {}
    name = {"export": "exported", "simplify": "simplified"}.get(request.stage)
    if name:
        with store.workspace() as folder:
            (folder / f"{name}.onnx").write_bytes((request.key or "").encode())
            artifacts[name] = store.put(folder / f"{name}.onnx")
    store.save(request.stage, request.key or "", Entry(artifacts=artifacts))
    result = Result(outcome=Outcome(status="ok", stage=request.stage), artifacts=artifacts)
    pipeline.accept(request, finished(request, result, started="", wall_s=1.0))


def prepare(settings: Settings, root: Path) -> tuple[Pipeline, list[str]]:
    """Advance a new pipeline to its end; returns the stages that had to run."""
    pipeline = Pipeline(settings, Store(root / "store"), root / "record")
    ran = []
    while request := pipeline.advance():
        ran.append(request.stage)
        fulfil(pipeline, request)
    return pipeline, ran


def test_everything_runs_once_and_then_nothing(settings: Settings, tmp_path: Path) -> None:
    first, ran = prepare(settings, tmp_path)
    assert ran == ["export", "simplify", "parity"]
    second, ran_again = prepare(settings, tmp_path)
    assert ran_again == []
    assert second.model == first.model
    assert all(step.cached for step in second.steps.values())
    request = second.measure(2)
    assert (request.stage, request.key, request.round, request.inputs) == ("measure", None, 2, {"model": first.model})


def test_another_batch_size_shares_nothing(settings: Settings, tmp_path: Path) -> None:
    prepare(settings, tmp_path)
    other = compose_settings("model=swin98_tiny", "batchsize=1", "measure=smoke")
    assert prepare(other, tmp_path)[1] == ["export", "simplify", "parity"]


def test_another_profile_or_tracking_shares_everything(settings: Settings, tmp_path: Path) -> None:
    prepare(settings, tmp_path)
    other = compose_settings("model=swin98_tiny", "batchsize=2", "measure=full", "tracking=none")
    assert prepare(other, tmp_path)[1] == []


def test_a_file_that_vanished_is_made_again_and_what_follows_is_not(settings: Settings, tmp_path: Path) -> None:
    pipeline, _ = prepare(settings, tmp_path)
    pipeline.store.path(pipeline.steps["export"].artifacts["exported"]).unlink()
    assert prepare(settings, tmp_path)[1] == ["export"]


@pytest.mark.parametrize("name", ["exported", "simplified"])
def test_damage_is_noticed_before_measuring(settings: Settings, tmp_path: Path, name: str) -> None:
    prepare(settings, tmp_path)
    pipeline, _ = prepare(settings, tmp_path)
    path = pipeline.store.path(pipeline._artifacts()[name])
    path.write_bytes(b"X" + path.read_bytes()[1:])
    assert pipeline.take_back_damaged() == [name]
    request = pipeline.advance()
    assert request is not None
    assert request.stage == {"exported": "export", "simplified": "simplify"}[name]
    fulfil(pipeline, request)
    assert pipeline.advance() is None
    assert pipeline.take_back_damaged() == []


def test_a_stage_never_reads_a_damaged_input(settings: Settings, tmp_path: Path) -> None:
    pipeline, _ = prepare(settings, tmp_path)
    exported = pipeline.store.path(pipeline._artifacts()["exported"])
    pipeline.store.path(pipeline._artifacts()["simplified"]).unlink()
    exported.write_bytes(b"X" + exported.read_bytes()[1:])
    assert prepare(settings, tmp_path)[1] == ["export", "simplify"]


def test_stages_can_be_switched_off(tmp_path: Path) -> None:
    bare = compose_settings("model=swin98_tiny", "export.simplify=false", "parity.enabled=false")
    pipeline, ran = prepare(bare, tmp_path)
    assert ran == ["export"]
    assert pipeline.model == pipeline.steps["export"].artifacts["exported"]
