"""What a sweep makes of cells that fail: expected ends, when to stop, the exit status, the largest batch that runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.records.schema import MaxBatch, Outcome, Record
from harness.sweep.largest import at_batch, search
from harness.sweep.policy import exit_status, failures_allowed, tolerated, unexpected
from tests.sweep.plans import cell, settings


def record(status: str, reason: str | None = None, max_batch: MaxBatch | None = None) -> Record:
    """A record of which only the end matters."""
    outcome = Outcome(status=status, reason=reason)  # type: ignore[arg-type]
    return Record("id", "sweep", 0, "cell", "", "", {}, (), outcome, "measured", {}, max_batch=max_batch)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], 0),
        (["ok", "skipped"], 0),
        (["ok", "failed"], 1),
        (["oom"], 1),
        (["unsupported"], 1),
        (["ok", "interrupted"], 130),
        (["crashed", "interrupted"], 130),
        (["failed", "stopped"], 1),
        (["ok", "stopped"], 1),
    ],
)
def test_the_exit_status_of_a_sweep(statuses: list[Any], expected: int) -> None:
    cells = [cell(index, str(index), batchsize=index + 1) for index in range(len(statuses))]
    cancelled = {"interrupted", "stopped"}
    records = [record("cancelled", each) if each in cancelled else record(each) for each in statuses]
    assert exit_status(cells, records) == expected


@pytest.mark.parametrize(
    ("statuses", "names"),
    [
        (["ok", "ok", "oom", "oom"], []),
        (["oom", "oom", "oom", "oom"], []),
        (["ok", "oom", "ok", "oom"], ["bs4"]),  # 4 does not fit although 8 does
        (["ok", "ok", "oom", "failed"], ["bs16"]),
        (["ok", "ok", "ok", "timeout"], ["bs16"]),
    ],
)
def test_out_of_memory_is_expected_beyond_the_largest_batch_that_fits(statuses: list[str], names: list[str]) -> None:
    sizes = (1, 4, 8, 16)
    cells = [cell(index, f"bs{size}", batchsize=size) for index, size in enumerate(sizes)]
    asked = [replace(each, settings=replace(each.settings, expect_oom=True)) for each in cells]
    records = [record(status) for status in statuses]
    assert unexpected(asked, records) == names
    assert set(unexpected(cells, records)) == {
        each.name for each, status in zip(cells, statuses, strict=True) if status != "ok"
    }


def test_expected_batches_are_compared_with_cells_that_differ_in_nothing_else() -> None:
    small, large = cell(0, "a", batchsize=4), cell(1, "b", batchsize=8)
    small = replace(small, overrides=("batchsize=4", "precision=fp32"))
    large = replace(large, overrides=("batchsize=8", "precision=fp16"))
    cells = [replace(each, settings=replace(each.settings, expect_oom=True)) for each in (small, large)]
    assert unexpected(cells, [record("oom"), record("ok")]) == []


def test_the_policies_of_a_failure() -> None:
    plain = settings()
    assert failures_allowed(plain) == float("inf")
    assert failures_allowed(replace(plain, on_failure="stop")) == 0
    assert failures_allowed(replace(plain, on_failure="stop_after=3")) == 2
    assert not tolerated(plain, Outcome("oom"))
    assert tolerated(replace(plain, expect_oom=True), Outcome("oom"))
    assert not tolerated(replace(plain, expect_oom=True), Outcome("crashed"))


@given(fits=st.integers(0, 3000), first=st.integers(1, 3000), cap=st.integers(1, 2048))
def test_the_search_finds_the_largest_batch_with_few_tries(fits: int, first: int, cap: int) -> None:
    tried = []

    def attempt(batch: int) -> Outcome:
        tried.append(batch)
        return Outcome("ok" if batch <= fits else "oom")

    found = search(first, Outcome("ok" if first <= fits else "oom"), cap, attempt)
    if first > fits:  # downwards, whatever the cap
        assert found.batchsize == (fits or None)
        assert found.limit == "oom"
    elif first >= cap:
        assert (found.batchsize, found.limit, tried) == (first, "cap", [])
    else:
        assert found.batchsize == min(fits, cap)
        assert found.limit == ("cap" if fits >= cap else "oom")
    assert len(tried) == len(set(tried)) <= 24
    assert first not in tried
    assert [each.batchsize for each in found.tries] == sorted([first, *tried])


def test_a_search_that_ends_otherwise_than_out_of_memory_is_not_as_expected() -> None:
    asked = cell(0, "net", batchsize=4)
    asked = replace(asked, settings=replace(asked.settings, find_max_batch=True))
    assert exit_status([asked], [record("ok", max_batch=MaxBatch(16, "oom"))]) == 0
    assert exit_status([asked], [record("ok", max_batch=MaxBatch(1024, "cap"))]) == 0
    assert exit_status([asked], [record("oom", max_batch=MaxBatch(2, "oom"))]) == 0
    assert exit_status([asked], [record("oom", max_batch=MaxBatch(None, "oom"))]) == 1
    assert exit_status([asked], [record("ok", max_batch=MaxBatch(16, "crashed"))]) == 1
    assert exit_status([asked], [record("ok")]) == 1


@pytest.mark.parametrize("model", ["swin98_tiny", "video_swin_tiny", "swin98", "swin3d_base"])
def test_a_try_has_the_inputs_that_its_batch_size_composes_to(model: str) -> None:
    from harness.config.compose import composing

    with composing() as composer:
        for batch in (1, 3):
            one = composer.cell([f"model={model}", f"batchsize={batch}"]).settings
            assert at_batch(one, 6).model == composer.cell([f"model={model}", "batchsize=6"]).settings.model


def test_a_policy_that_there_is_not_is_refused() -> None:
    from harness.config.commandline import read_command_line
    from harness.config.compose import compose_settings

    words = read_command_line(["on_failure=stop_after=3"]).arguments
    assert compose_settings("model=swin98_tiny", words[0]).on_failure == "stop_after=3"
    with pytest.raises(ConfigError, match="on_failure=stop_after=0: expected continue, stop or stop_after=N"):
        compose_settings("model=swin98_tiny", "on_failure='stop_after=0'")
