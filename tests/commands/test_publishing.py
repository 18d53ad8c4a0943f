"""A long sweep publishes while it goes on, for at most a tenth of the time, and stops trying where that fails."""

from __future__ import annotations

import errno
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.commands.publishing import EVERY_S, SHARE, Meanwhile, publish_records, run_publisher
from harness.records.io import write_record
from harness.records.schema import Outcome, Record
from tests.sweep.plans import cell, manifest


@dataclass
class Told:
    """A clock that a publication moves on, and what was published and said when."""

    took_s: float = 1.0
    status: int | None = 0
    now_s: float = 0.0
    published: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def publish(self, *_: Any, **__: Any) -> int | None:
        self.published.append(self.now_s)
        self.now_s += self.took_s
        return self.status

    def rounds(self, *, every_s: float, number: int, home: Path) -> None:
        publisher = Meanwhile(manifest(cell(0, "a")), home, self.notes.append, lambda: self.now_s, self.publish)
        for _ in range(number):
            self.now_s += every_s
            publisher()


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_LOCKS", str(tmp_path / "locks"))


def test_a_short_sweep_publishes_at_its_end_only(tmp_path: Path) -> None:
    told = Told()
    told.rounds(every_s=EVERY_S / 10, number=9, home=tmp_path)
    assert told.published == []


@pytest.mark.parametrize("took_s", [1.0, 40.0])
def test_publishing_takes_at_most_a_tenth_of_the_time(tmp_path: Path, took_s: float) -> None:
    told = Told(took_s=took_s)
    told.rounds(every_s=EVERY_S, number=20, home=tmp_path)
    assert len(told.published) > 5
    assert len(told.published) * took_s <= told.now_s / SHARE
    assert told.notes == []


@pytest.mark.parametrize(("status", "reason"), [(1, "it failed"), (None, "it takes too long")])
def test_a_server_that_fails_or_is_slow_costs_one_try(tmp_path: Path, status: int | None, reason: str) -> None:
    told = Told(status=status)
    told.rounds(every_s=EVERY_S, number=9, home=tmp_path)
    assert len(told.published) == 1
    (note,) = told.notes
    assert reason in note


def test_a_machine_that_starts_no_more_processes_costs_no_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "run", none)
    sweep, told = manifest(cell(0, "a")), Told()
    publisher = Meanwhile(sweep, tmp_path, told.notes.append, lambda: told.now_s, run_publisher)
    told.now_s = EVERY_S
    publisher()
    assert "temporarily unavailable" in told.notes[0]
    record = Record("id", "sweep", 0, "a", "", "", {}, (), Outcome(status="ok"), "measured", {})
    write_record(record, tmp_path / "records" / "sweep" / "a")
    (line,) = publish_records(sweep, tmp_path, [record])
    assert "python -m harness.publish" in line
