"""``python -m harness.gate``: what a sweep is compared with, when it has fallen, and what is said beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.commands.gate import main
from harness.records.floors import Floor, keep_floor
from harness.records.found import Found, Run
from harness.records.schema import Accuracy, Evaluated, Outcome, Record
from harness.report.gate import FALLEN, Tolerances, judged
from harness.report.reading import record_row
from tests.report.folders import failed, keep, measured
from tests.report.golden_files import assert_golden

OLD, NEW = "20260101-000000-a", "20260201-000000-b"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def now(batchsize: int = 1, per_s: float = 10.0, **changes: Any) -> Record:
    return measured(batchsize, per_s, **{"sweep": NEW, "started": "2026-02-01T00:00:00+00:00", **changes})


def kept(home: Path, *records: Record) -> None:
    for record in records:
        keep(record, home)


def gate(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> dict[str, Any]:
    """The verdict as JSON; ``words`` may name another baseline than the old sweep."""
    baseline = [] if any(word.startswith("baseline=") for word in words) else [f"baseline={OLD}"]
    assert main([*baseline, *words, "format=json"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["exit_status"] == status
    return found


def accurate(record: Record, share: float, **changes: Any) -> Record:
    evaluated = Evaluated(
        metrics={"mIoU": share, "aAcc": 0.8249},
        items=2000,
        samples=3686,
        batchsize=1,
        soc_version="cpu",
        backend="onnxruntime",
        precision="fp32",
        model_sha256="0" * 64,
        elapsed_s=1.0,
    )
    accuracy = Accuracy(
        task="segmentation",
        dataset="ade20k",
        split="validation",
        limit=None,
        mode="slide",
        how="windows of 512",
        method="stream",
        unit="images",
        headline="mIoU",
        device=evaluated,
        data_sha256="d" * 64,
    )
    return replace(record, accuracy=replace(accuracy, **changes))


@pytest.mark.parametrize(
    ("per_s", "tolerance", "status", "verdict"),
    [
        (10.0, "2%", 0, "ok"),
        (9.9, "2%", 0, "ok"),
        (9.0, "2%", 1, "slower"),
        (9.0, "15%", 0, "ok"),
        (9.85, "1%", 0, "within_noise"),
        (12.0, "2%", 0, "faster"),
    ],
)
def test_throughput_falls_by_more_than_tolerance_and_noise(
    home: Path, capsys: pytest.CaptureFixture[str], per_s: float, tolerance: str, status: int, verdict: str
) -> None:
    kept(home, measured(1), now(1, per_s))
    found = gate(capsys, status, f"throughput_tolerance={tolerance}")
    (cell,) = found["cells"]
    assert cell["verdict"] == verdict
    assert cell["ratio"] == pytest.approx(per_s / 10)
    assert cell["low"] < cell["ratio"] < cell["high"]
    assert found["verdict"] == ("worse" if status else "passed")


def test_what_lies_within_the_devices_noise_floor_is_no_fall(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, measured(1), now(1, 9.0))
    keep_floor(home, Floor("bench-01", "cpu", "cpu", "onnxruntime", 0.2, 10, "cell", "sweep", "2026-01-01"))
    (cell,) = gate(capsys, 0)["cells"]
    assert (cell["verdict"], cell["noise_floor"]) == ("within_noise", 0.2)


def test_one_process_shows_nothing_and_that_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = measured(1), now(1, 5.0)
    kept(home, replace(old, repeats=old.repeats[:1]), replace(new, repeats=new.repeats[:1]))
    assert main([f"baseline={OLD}", "format=markdown"]) == 0
    assert "swin98 cpu fp32 bs1: too few processes for an interval" in capsys.readouterr().out


def test_a_cell_that_has_no_figures_any_more_has_fallen(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, measured(1), measured(16), now(1), failed(16, sweep=NEW, started="2026-02-01T00:00:00+00:00"))
    found = gate(capsys, 1)
    assert {cell["batchsize"]: cell["verdict"] for cell in found["cells"]} == {1: "ok", 16: "failed"}
    assert main([f"baseline={OLD}", "format=markdown"]) == 1
    assert "swin98 cpu fp32 bs16: oom (measure) EL0004: no memory" in capsys.readouterr().out


def test_cells_of_one_side_are_named_and_missed_on_request(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skipped = failed(8, "skipped", sweep=NEW)
    kept(home, measured(1), measured(4), measured(8), now(1), now(2), skipped)
    found = gate(capsys, 0)
    assert [cell["batchsize"] for cell in found["only_before"]] == [4, 8]
    assert [cell["batchsize"] for cell in found["only_now"]] == [2]
    assert gate(capsys, 1, "complete=true")["verdict"] == "incomplete"


def test_simulated_is_never_silently_compared_with_measured(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, measured(1), now(1, source="simulated"))
    found = gate(capsys, 3)
    assert found["verdict"] == "nothing_comparable"
    assert found["cells"][0]["reason"] == "simulated"
    (cell,) = gate(capsys, 0, "mixed=true")["cells"]
    assert cell["verdict"] == "ok"
    assert "source: measured, simulated" in cell["differing"]


@pytest.mark.parametrize(("per_s", "status"), [(16.74, 0), (10.0, 1)])
def test_a_sweep_against_published_numbers(
    home: Path, capsys: pytest.CaptureFixture[str], per_s: float, status: int
) -> None:
    kept(home, now(1, per_s, chip="Ascend310P3", backend="ascend", precision="fp16"))
    found = gate(capsys, status, "baseline=references")
    (cell,) = found["cells"]
    assert cell["ratio"] == pytest.approx(per_s / 16.74, rel=1e-3)
    assert {each["batchsize"] for each in found["only_before"]} >= {4, 8}
    assert {each["model"] for each in found["only_before"]} == {"swin98"}
    assert "model_sha256" in cell["unknown"]


def test_a_published_number_of_unknown_unit_is_compared_with_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(home, now(1, 0.6, model="video_swin", chip="Ascend310P3", backend="ascend", precision="fp16"))
    (cell,) = gate(capsys, 3, "baseline=references")["cells"]
    assert cell["reason"] == "unit"


@pytest.mark.parametrize(
    ("share", "status", "verdict"), [(0.476, 0, "ok"), (0.474, 0, "ok"), (0.4739, 1, "less_accurate")]
)
def test_accuracy_falls_by_more_than_its_tolerance(
    home: Path, capsys: pytest.CaptureFixture[str], share: float, status: int, verdict: str
) -> None:
    kept(home, accurate(measured(1), 0.479), accurate(now(1), share))
    (cell,) = gate(capsys, status)["cells"]
    assert cell["verdict"] == verdict
    assert cell["accuracy"][0]["points"] == pytest.approx(100 * (share - 0.479))


def test_accuracies_of_other_data_are_not_compared(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, accurate(measured(1), 0.9), accurate(now(1), 0.1, limit=10))
    assert main([f"baseline={OLD}", "format=markdown"]) == 0
    assert "the accuracies are of different data" in capsys.readouterr().out


def test_accuracy_against_a_published_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = {"chip": "Ascend310P3", "backend": "ascend", "precision": "fp16"}
    kept(home, accurate(now(1, 16.74, **device), 0.4792))
    (cell,) = gate(capsys, 0, "baseline=references")["cells"]
    assert [each["metric"] for each in cell["accuracy"]] == ["mIoU", "aAcc"]
    assert cell["accuracy"][0]["before"] == 47.92


def test_fingerprints_that_differ_are_named_and_refused_on_request(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = now(1)
    kept(home, measured(1), replace(new, fingerprint={**new.fingerprint, "tools": {"onnxruntime": "2.0"}}))
    (cell,) = gate(capsys, 0)["cells"]
    assert cell["differing"] == ["tools.onnxruntime: 1.0, 2.0"]
    assert gate(capsys, 3, "strict=true")["cells"][0]["reason"] == "strict"


def test_a_sweep_that_is_not_finished_is_named_with_the_cells_that_it_lacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(home, measured(1), now(1, outcome=Outcome(status="cancelled"), summary=None))
    assert main([f"baseline={OLD}"]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "Not measured now, or not to the end: swin98 cpu fp32 bs1." in out
    assert f"Now: {NEW}." in out


def test_the_gates_own_file_is_a_baseline(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, accurate(measured(1), 0.479))
    assert main([f"sweep={OLD}", "baseline=references", "output=kept.json", "format=markdown"]) == 3
    kept(home, accurate(now(1, 9.0), 0.479))
    direct = gate(capsys_cleared(capsys), 1)["cells"]
    from_file = gate(capsys, 1, "baseline=kept.json")["cells"]
    keys = ("verdict", "ratio", "low", "high", "accuracy", "differing")
    assert [{key: cell[key] for key in keys} for cell in from_file] == [
        {key: cell[key] for key in keys} for cell in direct
    ]


def capsys_cleared(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    capsys.readouterr()
    return capsys


def test_a_home_of_records_and_a_run_of_mlflow_are_baselines(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = keep(measured(1, 12.0), tmp_path / "other")
    kept(home, now(1))
    assert gate(capsys, 1, f"baseline={tmp_path / 'other'}")["cells"][0]["ratio"] == pytest.approx(10 / 12)
    run = Found("store, run", content=(other / "record.json").read_bytes(), run=Run("sqlite:///x", "1", "a" * 32))
    monkeypatch.setattr("harness.tracking.fetch.fetch_records", lambda _: iter([run]))
    with monkeypatch.context() as patched:
        patched.setattr("harness.tracking.fetch.fetch_run", lambda _uri, run_id: {"a" * 32: run}[run_id])
        by_id = gate(capsys, 1, f"baseline={'a' * 32}")["cells"][0]
    assert by_id["ratio"] == pytest.approx(10 / 12)
    assert gate(capsys, 1, "baseline=sqlite:///x")["cells"][0]["verdict"] == "slower"
    assert main([f"baseline={'b' * 32}"]) == 2
    assert "mlflow.db: no such file" in capsys.readouterr().err


def test_a_damaged_record_is_named_and_the_rest_is_judged(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, measured(1), measured(4), now(1, 5.0))
    (keep(now(4), home) / "record.json").write_text("{")
    assert main([f"baseline={OLD}", "format=json"]) == 1
    captured = capsys.readouterr()
    assert [cell["batchsize"] for cell in json.loads(captured.out)["only_before"]] == [4]
    assert "not JSON" in captured.err
    assert captured.err.count("\n") == 1


def test_the_beginning_of_a_sweeps_id_and_a_cell_are_names_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(home, measured(1), measured(4), now(1, 5.0))
    assert gate(capsys, 1, "baseline=202601")["cells"][0]["ratio"] == pytest.approx(0.5)
    found = gate(capsys, 1, f"baseline={OLD}/swin98-cpu-fp32-bs1")
    assert (len(found["cells"]), found["only_before"]) == (1, [])


def test_of_a_cell_measured_twice_the_newest_counts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(
        home,
        measured(1, 20.0),
        measured(1, 10.0, sweep="20260115-000000-c", started="2026-01-15T00:00:00+00:00"),
        now(1),
    )
    assert gate(capsys, 0, f"baseline={home}")["cells"][0]["ratio"] == pytest.approx(1.0)


def test_the_summary_is_added_to_what_a_workflow_says(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    kept(home, measured(1), now(1, 8.0))
    assert main([f"baseline={OLD}", "output=summary,out.json"]) == 1
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("# before\nNot passed: 1 of 1 cells are worse than in 20260101-000000-a.\n\n| cell |")
    assert json.loads((tmp_path / "out.json").read_text())["exit_status"] == 1
    assert "SLOWER" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "baseline is missing"),
        (["baseline=x", "throughput_tolerance=2"], "expected a percentage below 100, such as 2%"),
        (["baseline=x", "accuracy_tolerance=-1"], "accuracy_tolerance=-1: expected at least 0"),
        (["baseline=x", "output=out.txt"], "expected summary, or a file that ends with .md or .json"),
        (["baseline=x", "output=summary"], "GITHUB_STEP_SUMMARY is not set"),
        (["baseline=nowhere"], "no record of this name"),
        ([f"baseline={NEW}"], "nothing but the sweep itself"),
        (["baseline=broken.json"], "not readable"),
        (["baseline="], "baseline=: names nothing"),
        (["baseline=other.json"], "a report, which holds no processes to compare"),
        (["baseline=later.json"], "schema version 9, this harness reads 1"),
        (["baseline=wrong.json"], "rows.0.source"),
        (["baseline=x", "home=empty"], "no sweep; measure one first"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    kept(home, now(1))
    head = {"kind": "harness.gate", "schema_version": 1}
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text('{"schema_version": 1, "tables": []}')
    (tmp_path / "later.json").write_text(json.dumps({**head, "schema_version": 9}))
    (tmp_path / "wrong.json").write_text(json.dumps({**head, "rows": [{"model": "m"}]}))
    assert main(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_golden(home: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    new = now(8, 10.1)
    kept(home, *(accurate(measured(size), 0.479) for size in (1, 4, 8)), measured(16), measured(32), measured(2))
    kept(home, accurate(now(1, 8.0), 0.479), accurate(now(4, 10.0), 0.47), now(16, 10.0, source="simulated"), now(64))
    kept(home, replace(new, fingerprint={**new.fingerprint, "tools": {"onnxruntime": "2.0"}}))
    kept(home, failed(32, sweep=NEW, started="2026-02-01T00:00:00+00:00"))
    assert main([f"baseline={OLD}", "format=markdown", f"lang={language}"]) == 1
    assert_golden(capsys.readouterr().out, f"gate_{language}.md")


@given(
    st.lists(st.floats(1, 100), min_size=3, max_size=6),
    st.lists(st.floats(1, 100), min_size=3, max_size=6),
    st.floats(0, 0.5),
)
def test_a_fall_is_below_tolerance_and_interval(old: list[float], new: list[float], tolerance: float) -> None:
    before, after = (
        replace(record_row(measured(1, sweep=sweep), "x"), rounds={"compute": dict(enumerate(values))}, started=sweep)
        for sweep, values in ((OLD, old), (NEW, new))
    )
    (cell,) = judged([after], [before], Tolerances(tolerance)).cells
    assert cell.quotient is not None
    ratio = cell.quotient.ratio
    assert ratio.high is not None
    assert (cell.verdict in FALLEN) == (ratio.ratio < 1 - tolerance and ratio.high < 1)
