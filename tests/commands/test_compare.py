"""``python -m harness.compare``: what a user reads, on records whose true ratio is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.commands.compare import main
from harness.records.io import record_folder, write_record
from harness.records.schema import Outcome, Record, Repeat

ROUNDS = 6


def written(home: Path, name: str, times_ms: list[float], **changes) -> Record:
    """A record below a home whose rounds took these times."""
    repeats = tuple(
        Repeat(
            round=number,
            started="2026-01-01T00:00:00+00:00",
            boundary="compute",
            iterations=64,
            mean_ms=time,
            median_ms=time,
            min_ms=time,
            max_ms=time,
            warmup_iterations=1,
            first_iteration_ms=time,
            load_s=0.1,
            window_s=1.0,
            samples_file="repeats/round-01.npz",
        )
        for number, time in enumerate(times_ms, start=1)
    )
    base = Record(
        record_id=name,
        sweep_id="20260101-120000-net",
        cell=0,
        name=name,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:10:00+00:00",
        settings={"model": {"name": "net"}, "batchsize": 4},
        overrides=(),
        outcome=Outcome(status="ok"),
        source="measured",
        device={},
        repeats=repeats,
        fingerprint={"batchsize": 4, "tools": {"runtime": "1.0"}},
    )
    record = replace(base, **changes)
    write_record(record, record_folder(home, record.sweep_id, record.name))
    return record


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Cell ``fast`` is 5 % faster than ``base`` in every round, through a drift that is far larger."""
    generator = np.random.default_rng(0)
    drift = np.exp(np.cumsum(generator.normal(0, 0.1, ROUNDS)))
    noise = np.exp(generator.normal(0, 0.002, (2, ROUNDS)))
    written(tmp_path, "base", list(100 * drift * noise[0]))
    written(tmp_path, "fast", list(100 / 1.05 * drift * noise[1]), cell=1)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict]:
    return json.loads(said(capsys, *words, "format=json"))


def test_rounds_of_one_sweep_are_paired_and_survive_drift(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = as_json(capsys, "base", "fast", f"home={home}")
    assert row["paired"]
    assert row["rounds"] == ROUNDS
    assert row["low"] < 1.05 < row["high"] < 1.06
    assert row["word"] == "faster"
    assert as_json(capsys, "fast", "base", f"home={home}")[0]["word"] == "slower"
    text = said(capsys, "base", "fast", f"home={home}")
    assert "faster" in text
    assert "paired t-interval over rounds" in text
    assert "Rounds needed: those that find a true difference of 3 % with a probability of 90 %" in " ".join(
        text.split()
    )


def test_another_sweep_is_compared_unpaired_and_it_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = [100.0, 101.0, 99.0, 100.5], [90.0, 91.0, 92.0]
    written(home, "net", one, sweep_id="20260102-120000-net")
    written(home, "net", other, sweep_id="20260103-120000-net")
    (row,) = as_json(capsys, "20260102", "20260103", f"home={home}")
    truth = stats.ttest_ind(np.log(one), np.log(other), equal_var=False).confidence_interval()
    assert [math.log(row["low"]), math.log(row["high"])] == pytest.approx([truth.low, truth.high])
    assert (row["paired"], row["word"], row["rounds_needed"]) == (False, "faster", None)
    assert "Unpaired (measured in different sweeps): Welch" in " ".join(
        said(capsys, "20260102", "20260103", f"home={home}").split()
    )


def test_what_is_not_shown_is_a_tilde(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "a", [100, 104, 97, 101])
    written(tmp_path, "b", [101, 98, 103, 99])
    assert as_json(capsys, "a", "b", f"home={tmp_path}")[0]["word"] == "~"
    written(tmp_path, "once", [100])
    (row,) = as_json(capsys, "a", "once", f"home={tmp_path}")
    assert (row["word"], row["low"], row["rounds"]) == ("~", None, 1)


def test_sweeps_are_matched_by_cell_and_the_rest_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, "base", [90, 91, 92], sweep_id="20260105-120000-net")
    written(home, "new", [90, 91, 92], sweep_id="20260105-120000-net", cell=1)
    text = said(capsys, "20260101", "20260105", f"home={home}", "format=markdown")
    assert "| base |" in text
    assert "Only on one side: 20260101-120000-net/fast, 20260105-120000-net/new" in text.replace("\\", "")


def test_a_slow_process_and_other_settings_are_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, "odd", [100, 101, 100, 135, 99, 100], fingerprint={"batchsize": 4, "tools": {"runtime": "2.0"}})
    text = " ".join(said(capsys, "base", "odd", f"home={home}").split())
    assert "odd: process of round 4 slow among 6 (135 ms; the others 100 ms); kept in the figures" in text
    assert "differ in tools.runtime: 1.0, 2.0" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["base"], "give two names"),
        (["base", "nothing"], "nothing: no record of this name"),
        (["base", "fast", "difference=0"], "difference"),
        (["base", "fast", "diference=1"], "did you mean 'difference'"),
    ],
)
def test_wrong_words_are_refused_in_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    assert main([*words, f"home={home}"]) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1


def test_a_cell_without_figures_is_a_dash_with_its_reason(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, "dead", [], outcome=Outcome(status="oom", stage="measure", message="no memory"))
    text = " ".join(said(capsys, "base", "dead", f"home={home}").split())
    assert "not measured (oom)" in text


def test_simulated_and_measured_figures_are_mixed_only_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "real", [1.0, 1.1])
    written(tmp_path, "drawn", [2.0, 2.1], source="simulated")
    assert main(["real", "drawn", f"home={tmp_path}"]) == 2
    refusal = capsys.readouterr().err
    assert "real was measured and drawn simulated" in refusal
    assert main(["real", "drawn", f"home={tmp_path}", "mixed=true"]) == 0
