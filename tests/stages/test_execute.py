"""What a stage's process makes of a full disk, of a store that vanishes under it, and of inputs that are gone."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.config.compose import compose_settings
from harness.errors import HarnessError, UnsupportedError
from harness.records.schema import Artifact
from harness.stages import execute as execution
from harness.stages.request import Request


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    home = tmp_path_factory.mktemp("home")
    settings = compose_settings("model=swin98_tiny", "measure=smoke")
    return Request(stage="export", settings=settings, store=home / "store", record=home / "record", key="k" * 64)


def failing(request: Request, monkeypatch: pytest.MonkeyPatch, error: Exception, *, remove: bool = False) -> Exception:
    """What becomes of an error that the stage raises; ``remove``: after somebody has removed the store."""

    def run(request: Request, inputs: Any, folder: Path) -> Any:
        if remove:
            shutil.rmtree(request.store)
        raise error

    monkeypatch.setattr(execution, "stage_module", lambda _: SimpleNamespace(run=run))
    with pytest.raises(type(error) if not remove else HarnessError) as raised:
        execution.execute(request)
    return raised.value


def test_an_error_on_a_full_disk_names_the_disk(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = HarnessError("atc: exit status 1", reason="exit_status")
    assert failing(request_, monkeypatch, tool) is tool
    monkeypatch.setattr(execution, "no_room", lambda _: True)
    told = failing(request_, monkeypatch, tool)
    assert isinstance(told, HarnessError)
    assert (told.status, told.reason) == ("failed", "disk_full")
    assert str(told) == f"{request_.store / 'work'}: no space left; atc: exit status 1"
    for known in (UnsupportedError("no such operator"), MemoryError(), FileNotFoundError(2, "No such file")):
        assert failing(request_, monkeypatch, known) is known


def test_a_store_that_is_removed_under_a_stage_is_named(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    told = failing(request_, monkeypatch, FileNotFoundError(2, "No such file"), remove=True)
    assert isinstance(told, HarnessError)
    assert told.reason == "store_gone"
    assert "removed while export worked there" in str(told)


def test_an_input_that_is_gone_has_a_reason_of_its_own(request_: Request) -> None:
    gone = Artifact(sha256="0" * 64, size_bytes=1, suffix=".onnx")
    request = Request(
        stage="simplify",
        settings=request_.settings,
        store=request_.store,
        record=request_.record,
        key="l" * 64,
        inputs={"exported": gone},
    )
    with pytest.raises(HarnessError, match="the artifact exported is not in the store any more") as raised:
        execution.execute(request)
    assert raised.value.reason == execution.INPUT_GONE
