"""Records brought back from MLflow: those that were published, whole; what others logged is named and left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands.report import main
from harness.errors import HarnessError
from harness.records.io import parse_record, read_record
from harness.tracking.fetch import ARTIFACT, fetch_records
from harness.tracking.publish import publish
from harness.tracking.reports import EXPERIMENT, log_report
from harness.tracking.store import local_folder
from tests.tracking.synthetic import make_record


def test_a_store_gives_its_records_back_and_names_foreign_runs_and_missing_artifacts(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow import MlflowClient

    folders = [make_record(home, cell=cell, batchsize=size)[0] for cell, size in ((0, 1), (1, 4))]
    published = publish(folders)
    uri = f"sqlite:///{home}/mlflow.db"
    client = MlflowClient(tracking_uri=uri)
    other = client.create_experiment("somebody's", artifact_location=(home / "artifacts" / "theirs").as_uri())
    client.create_run(other, run_name="<script>")
    log_report({"report.md": "# A report\n"}, home)
    artifacts = local_folder(client.get_run(str(published[1].run_id)).info.artifact_uri)
    assert artifacts is not None
    (artifacts / ARTIFACT).unlink()

    found = list(fetch_records(uri))
    (whole,) = (each for each in found if each.content is not None)
    assert parse_record(whole.content or b"", Path(whole.place)) == read_record(folders[0])
    assert whole.run is not None
    assert whole.run.run_id == published[0].run_id
    problems = {each.place: each.problem for each in found if each.problem}
    assert len(problems) == 2
    assert problems[f"{uri}, experiment somebody's"] == "1 run of others left out (<script>)"
    assert any("record/record.json is missing" in str(problem) for problem in problems.values())

    assert main([f"records={uri},{home}", "references=false", "format=markdown"]) == 0
    page = capsys.readouterr().out
    assert "1 run of others left out (&lt;script&gt;)" in page
    assert "<script>" not in page
    assert page.count("\n| 1 |") == 1  # batch 1 lies in its folder and in MLflow, and is one row


def test_a_report_is_logged_to_the_homes_store_in_every_format(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("HARNESS_HOME", str(home))
    make_record(home)
    assert main(["references=false", "format=markdown", "lang=zh", "mlflow=true"]) == 0
    assert "MLflow: report " in capsys.readouterr().err
    client = MlflowClient(tracking_uri=f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    folder = local_folder(run.info.artifact_uri)
    assert folder is not None
    assert {path.suffix for path in (folder / "report").iterdir()} == {".md", ".html", ".csv", ".tex", ".json"}
    assert "性能对比" in (folder / "report" / "report.md").read_text(encoding="utf-8")


def test_a_store_that_is_not_there_is_refused_and_not_made_and_the_rest_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HarnessError, match="no such file"):
        list(fetch_records(f"sqlite:///{tmp_path}/none.db"))
    make_record(tmp_path / "home")
    assert main([f"records=sqlite:///{tmp_path}/none.db,{tmp_path}/home", "references=false", "format=markdown"]) == 1
    out = capsys.readouterr().out
    assert "swin98" in out
    assert "no such file" in out
    assert not (tmp_path / "none.db").exists()
