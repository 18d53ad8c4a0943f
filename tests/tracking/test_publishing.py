"""Publishing: what MLflow holds afterwards, twice, after a change, and after dying anywhere in between."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from harness.records.io import write_record
from harness.tracking import artifacts
from harness.tracking.publish import Published, publish
from harness.tracking.values import metrics, params
from tests.tracking.synthetic import make_record, put_blob


def states(results: list[Published]) -> list[str]:
    assert all(result.reason is None for result in results), results
    return [result.state for result in results]


def test_a_cell_is_a_run_with_its_row(home: Path, look: Any) -> None:
    folder, record = make_record(home, batchsize=4)
    assert states(publish([folder])) == ["published"]
    run = look.run()
    assert run.info.run_name == "swin98/cpu/fp32/bs4"
    assert run.info.status == "FINISHED"
    assert run.info.start_time == 1767268800000
    assert run.info.end_time - run.info.start_time == 33 * 60 * 1000
    assert run.data.params["model"] == "swin98"
    assert run.data.params["batchsize"] == "4"
    assert run.data.params["opset"] == "11"
    assert run.data.params["backend.options.arena"] == "false"
    assert run.data.params["model.options.depths"] == "[2, 2, 18, 2]"
    assert run.data.params["weights"] == "random (seed 0)"
    assert record.summary is not None
    assert run.data.metrics["throughput"] == pytest.approx(record.summary.throughput.mean, rel=1e-5)
    assert run.data.metrics["peak_memory_gb"] == pytest.approx(3.3)
    assert run.data.metrics["wall_s/measure"] == pytest.approx(93)
    assert run.data.metrics["parity/simplified/cosine"] == 0.99999994
    history = look.client.get_metric_history(run.info.run_id, "repeat/latency_ms")
    assert [metric.step for metric in history] == [1, 2, 3]
    assert [metric.value for metric in history] == pytest.approx([r.median_ms for r in record.repeats], rel=1e-5)
    assert run.data.tags["harness.outcome"] == "ok"
    assert run.data.tags["harness.sweep"] == record.sweep_id
    assert run.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert run.data.tags["mlflow.user"] == "ada"
    assert "± " in run.data.tags["mlflow.note.content"]
    assert look.artifacts(run) == [
        "logs/export.log",
        "logs/measure-01.log",
        "logs/measure-02.log",
        "logs/measure-03.log",
        "model/swin98-simplified.onnx",
        "record/environment.json",
        "record/record.json",
        "samples/round-01.npz",
        "samples/round-02.npz",
        "samples/round-03.npz",
        "tables/repeats.csv",
    ]
    place = Path(look.client.download_artifacts(run.info.run_id, "record/record.json"))
    assert place.read_bytes() == (folder / "record.json").read_bytes()


def test_the_experiment_opens_as_training_runs_with_the_columns(home: Path, look: Any) -> None:
    publish([make_record(home)[0]])
    experiment = look.experiment()
    assert experiment.artifact_location == (home / "artifacts" / "harness").as_uri()
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    envelope = json.loads(experiment.tags["mlflow.sharedViewState.harness"])
    assert isinstance(envelope["name"], str)
    assert isinstance(envelope["createdAt"], int)
    columns = json.loads(envelope["state"])["selectedColumns"]
    assert {"metrics.`throughput`", "metrics.`latency_ms`", "params.`batchsize`", "params.`device`"} <= set(columns)
    run = look.run()
    for column in columns:
        kind, _, name = column.partition(".")
        assert name.strip("`") in getattr(run.data, kind), column
    assert f"#/experiments/{experiment.experiment_id}/runs?" in experiment.tags["mlflow.note.content"]


def test_publishing_again_does_nothing(home: Path, look: Any) -> None:
    folders = [make_record(home, cell=cell, batchsize=cell + 1)[0] for cell in range(2)]
    publish(folders)
    before = [look.everything(run) for run in look.runs()]
    changed = {path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*")}
    assert states(publish(folders)) == ["unchanged", "unchanged"]
    assert [look.everything(run) for run in look.runs()] == before
    assert {path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*")} == changed


def test_a_changed_record_updates_its_run(home: Path, look: Any) -> None:
    folder, _ = make_record(home, rounds=3, throughput=0.5)
    publish([folder])
    first = look.run()
    make_record(home, rounds=5, throughput=0.4)
    assert states(publish([folder])) == ["updated"]
    run = look.run()
    assert run.info.run_id == first.info.run_id
    assert run.data.metrics["processes"] == 5
    assert run.data.metrics["throughput"] == pytest.approx(0.4, rel=0.05)
    steps = [metric.step for metric in look.client.get_metric_history(run.info.run_id, "repeat/load_s")]
    assert sorted(steps) == [1, 2, 3, 4, 5]
    assert "samples/round-05.npz" in look.artifacts(run)


def test_the_shown_value_is_the_new_one_even_at_the_same_time(home: Path, look: Any) -> None:
    folder, record = make_record(home, throughput=0.5)
    publish([folder])
    assert record.summary is not None
    slower = dataclasses.replace(record.summary.throughput, mean=0.25)
    write_record(dataclasses.replace(record, summary=dataclasses.replace(record.summary, throughput=slower)), folder)
    publish([folder])
    assert look.run().data.metrics["throughput"] == 0.25


def test_a_repeated_cell_loses_what_is_no_longer_true(home: Path, look: Any) -> None:
    folder, _ = make_record(home, status="crashed")
    publish([folder])
    assert look.run().info.status == "FAILED"
    assert look.run().data.tags["harness.reason"] == "killed"
    make_record(home)
    publish([folder])
    assert look.run().info.status == "FINISHED"
    assert "harness.reason" not in look.run().data.tags
    make_record(home, status="oom")
    publish([folder])
    run = look.run()
    assert run.info.status == "FAILED"
    assert str(run.data.metrics["throughput"]) == "nan"


def test_a_changed_parameter_is_told_in_a_tag(home: Path, look: Any) -> None:
    folder, record = make_record(home)
    publish([folder])
    write_record(dataclasses.replace(record, harness_version="0.2.0"), folder)
    assert states(publish([folder])) == ["updated"]
    run = look.run()
    assert run.data.params["harness_version"] == "0.1.0"
    assert run.data.tags["harness.param_drift"] == "harness_version: 0.1.0 -> 0.2.0"


@pytest.mark.parametrize(
    ("status", "shown"), [("oom", "FAILED"), ("timeout", "FAILED"), ("crashed", "FAILED"), ("cancelled", "KILLED")]
)
def test_a_cell_that_failed_is_a_run_that_says_why(home: Path, look: Any, status: str, shown: str) -> None:
    folder, _ = make_record(home, status=status, log="loading\n\x1b[31mRuntimeError\x1b[0m: <b>no memory</b>\n")
    assert states(publish([folder])) == ["published"]
    run = look.run()
    assert run.info.status == shown
    assert run.data.tags["harness.outcome"] == status
    assert run.data.tags["harness.stage"] == "measure"
    assert run.data.tags["harness.reason"] == "killed"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith(f"**{status}** in measure (killed): killed by signal 9")
    assert "    RuntimeError: <b>no memory</b>" in note
    assert "throughput" not in run.data.metrics
    assert "logs/measure-01.log" in look.artifacts(run)


def test_an_onnx_file_is_there_once_per_hash(home: Path, look: Any) -> None:
    same = [make_record(home, cell=cell, batchsize=1, name=f"c{cell}", onnx=b"same")[0] for cell in range(2)]
    publish(same[:1])
    publish([*same, make_record(home, cell=2, name="c2", onnx=b"other")[0]])
    first, second, other = look.runs()
    assert "model/swin98-simplified.onnx" in look.artifacts(first)
    assert not any(name.startswith("model/") for name in look.artifacts(second))
    assert "model/swin98-simplified.onnx" in look.artifacts(other)
    assert second.data.tags["harness.onnx_run"] == first.info.run_id
    assert first.data.tags["harness.onnx_run"] == first.info.run_id
    assert f"/runs/{first.info.run_id}" in second.data.tags["mlflow.note.content"]
    path = Path(look.client.download_artifacts(first.info.run_id, "model/swin98-simplified.onnx"))
    assert path.read_bytes() == b"same"
    assert second.data.tags["harness.onnx_sha256"] == put_blob(home, b"same").sha256


def test_an_onnx_file_is_uploaded_where_it_cannot_be_linked(
    home: Path, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_link", lambda *_: False)
    folder, _ = make_record(home, onnx=b"content")
    publish([folder])
    path = Path(look.client.download_artifacts(look.run().info.run_id, "model/swin98-simplified.onnx"))
    assert path.read_bytes() == b"content"
    assert not path.is_symlink()


def test_a_linked_file_outlives_the_store(home: Path, look: Any) -> None:
    folder, record = make_record(home, onnx=b"content")
    publish([folder])
    blob = home / "store" / "blobs" / f"{record.artifacts['simplified'].sha256}.onnx"
    place = home / "artifacts" / "harness" / look.run().info.run_id / "artifacts/model/swin98-simplified.onnx"
    assert blob.stat().st_ino == place.stat().st_ino
    blob.unlink()
    assert place.read_bytes() == b"content"


def test_without_onnx_the_hash_and_the_path_are_there(home: Path, look: Any) -> None:
    folder, record = make_record(home, tracking={"log_onnx": False})
    publish([folder])
    run = look.run()
    sha256 = record.artifacts["simplified"].sha256
    assert run.data.tags["harness.onnx_sha256"] == sha256
    assert run.data.tags["harness.onnx_path"] == str(home / "store" / "blobs" / f"{sha256}.onnx")
    assert not any(name.startswith("model/") for name in look.artifacts(run))


def test_a_missing_onnx_file_delays_nothing(home: Path, look: Any) -> None:
    folder, record = make_record(home)
    (home / "store" / "blobs" / f"{record.artifacts['simplified'].sha256}.onnx").unlink()
    assert states(publish([folder])) == ["published"]
    assert "not there" in look.run().data.tags["harness.onnx_path"]


def test_the_table_and_plots_of_the_sweep_stand_in_its_runs(home: Path, look: Any) -> None:
    folder, record = make_record(home)
    sweep = home / "sweeps" / record.sweep_id
    sweep.mkdir(parents=True)
    for name in ("table.md", "throughput.png", "manifest.json"):
        (sweep / name).write_text("x")
    publish([folder])
    assert [name for name in look.artifacts(look.run()) if name.startswith("sweep")] == [
        "sweep/table.md",
        "sweep/throughput.png",
    ]


def test_strange_names_and_long_values_arrive(home: Path, look: Any) -> None:
    folder, record = make_record(home, name="mo del/cpu/fp32/bs1")
    strange = {
        **record.settings,
        "model": {
            **record.settings["model"],
            "options": {"a%b(c)@d": "x" * 7000, "a%b(c)@e": 1, "../up": 2, "ключ": "значение"},
        },
    }
    parity = {"top-1 (%)": 99.5, "a@b": {"max|x|": 1.0}, "nan": float("nan")}
    write_record(dataclasses.replace(record, settings=strange, parity=parity), folder)
    assert states(publish([folder])) == ["published"]
    run = look.run()
    assert run.info.run_name == "mo del/cpu/fp32/bs1"
    assert run.data.params["model.options.a_b_c__d"] == "x" * 5999 + "…"
    assert run.data.params["model.options.a_b_c__e"] == "1"
    assert run.data.params["model.options.____"] == "значение"
    assert run.data.metrics["parity/top-1 ___"] == 99.5
    assert run.data.metrics["parity/a_b/max_x_"] == 1.0


def test_hundreds_of_settings_and_rounds_arrive(home: Path, look: Any) -> None:
    folder, record = make_record(home, rounds=2)
    options = {f"option_{number}": number for number in range(250)}
    many = tuple(dataclasses.replace(record.repeats[0], round=number) for number in range(1, 301))
    settings = {**record.settings, "model": {**record.settings["model"], "options": options}}
    write_record(dataclasses.replace(record, settings=settings, repeats=many), folder)
    assert states(publish([folder])) == ["published"]
    run = look.run()
    assert sum(key.startswith("model.options.option_") for key in run.data.params) == 250
    assert len(look.client.get_metric_history(run.info.run_id, "repeat/throughput")) == 300


def test_two_publishers_that_met_leave_one_run(home: Path, look: Any) -> None:
    folder, record = make_record(home)
    publish([folder])
    complete = look.run()
    twin = look.client.create_run(look.experiment().experiment_id, tags={"harness.record_id": record.record_id})
    assert states(publish([folder])) == ["unchanged"]
    assert look.run().info.run_id == complete.info.run_id
    assert look.client.get_run(twin.info.run_id).info.lifecycle_stage == "deleted"


def test_a_run_that_somebody_deleted_stays_deleted_until_its_record_changes(home: Path, look: Any) -> None:
    folder, record = make_record(home)
    publish([folder])
    look.client.delete_run(look.run().info.run_id)
    assert states(publish([folder])) == ["removed"]
    assert look.runs() == []
    write_record(dataclasses.replace(record, harness_version="0.2.0"), folder)
    assert states(publish([folder])) == ["published"]
    assert look.run().data.params["harness_version"] == "0.2.0"


def test_many_records_are_looked_up_by_sweep(home: Path, look: Any) -> None:
    for cell in range(12):
        make_record(home, cell=cell, name=f"cell-{cell:02d}", rounds=1, onnx=None)
    assert states(publish([home / "records"])) == ["published"] * 12
    assert states(publish([home / "records"])) == ["unchanged"] * 12
    assert len(look.runs()) == 12


def test_a_record_may_ask_not_to_be_tracked(home: Path, look: Any) -> None:
    folder, _ = make_record(home, tracking={"enabled": False})
    assert states(publish([folder])) == ["untracked"]
    assert look.experiment() is None
    assert states(publish([folder], uri=f"sqlite:///{home / 'mlflow.db'}")) == ["published"]


def test_experiments_are_kept_apart_and_may_have_any_name(home: Path, look: Any) -> None:
    names = ["123", "team/swin 100%", "harness"]
    for cell, name in enumerate(names):
        make_record(home, cell=cell, name=f"c{cell}", rounds=1, tracking={"experiment": name})
    assert states(publish([home / "records"])) == ["published"] * 3
    for cell, name in enumerate(names):
        (run,) = look.runs(name)
        assert run.info.run_name == f"c{cell}"
        assert "record/record.json" in look.artifacts(run)
    assert not any(folder.name.isdigit() for folder in (home / "artifacts").iterdir())


def test_an_experiment_of_somebody_else_keeps_its_tags(home: Path, look: Any) -> None:
    identity = look.client.create_experiment(
        "harness", tags={"mlflow.note.content": "mine", "mlflow.experimentKind": "x"}
    )
    publish([make_record(home)[0]])
    tags = look.client.get_experiment(identity).tags
    assert tags["mlflow.note.content"] == "mine"
    assert tags["mlflow.experimentKind"] == "x"
    assert "mlflow.sharedViewState.harness" in tags


def test_a_deleted_experiment_is_told(home: Path, look: Any) -> None:
    folder, _ = make_record(home)
    identity = look.client.create_experiment("harness")
    look.client.delete_experiment(identity)
    (result,) = publish([folder])
    assert result.state == "delayed"
    assert f"restore --experiment-id {identity}" in str(result.reason)


def test_the_readable_are_published_beside_the_broken(home: Path, look: Any) -> None:
    make_record(home, cell=0, name="good")
    broken, _ = make_record(home, cell=1, name="broken")
    (broken / "record.json").write_text("{")
    results = publish([home / "records"])
    assert sorted(result.state for result in results) == ["delayed", "published"]
    assert "damaged record" in next(str(result.reason) for result in results if result.state == "delayed")
    assert look.run().info.run_name == "good"


def test_secrets_reach_neither_runs_nor_files(home: Path, look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{home / 'mlflow.db'}"
    log = "connecting to postgresql://me:hunter2@db/x with api_token=hunter2\n"
    folder, record = make_record(home, status="failed", log=log, onnx=None)
    settings = {**record.settings, "model": {**record.settings["model"], "options": {"hub_token": "hunter2"}}}
    write_record(dataclasses.replace(record, settings=settings), folder)
    publish([folder], uri=uri)
    run = look.run()
    shown = json.dumps(look.everything(run), default=str)
    assert "hunter2" not in shown
    assert "me:***@db" in run.data.tags["mlflow.note.content"]
    for path in (home / "artifacts").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
    del monkeypatch


def test_a_password_comes_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = "postgresql://me:hunter2@127.0.0.1:1/mlflow"
    folder, record = make_record(home, tracking={"uri": whole})
    assert record.settings["tracking"]["uri"] == whole
    (result,) = publish([folder])
    assert result.state == "delayed"
    assert "set HARNESS_TRACKING_URI" in str(result.reason)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://other:x@host/db")
    monkeypatch.setenv("HARNESS_TRACKING_URI", whole)
    from harness.tracking.jobs import read_job

    job = read_job(folder, home=None, uri=None, experiment=None)
    assert job is not None
    assert job.uri == whole


def test_names_of_metrics_and_params_are_those_that_mlflow_takes(home: Path) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    _, record = make_record(home)
    for point in metrics(record):
        _validate_metric_name(point.key)
    for key in params(record):
        _validate_param_name(key)
    assert list(params(record))[:5] == ["model", "batchsize", "soc_version", "device", "backend"]
