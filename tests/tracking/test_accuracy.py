"""What MLflow is told of an accuracy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from harness.tracking.accuracy import accuracy_words, table_tag
from harness.tracking.describe import tags
from harness.tracking.note import note
from harness.tracking.values import metrics, params
from tests.report.test_accuracy import accurate
from tests.tracking.synthetic import make_record


def test_the_summary_the_difference_and_every_class_are_metrics(tmp_path: Path) -> None:
    folder, record = make_record(tmp_path)
    accuracy = accurate(0.4792).accuracy
    (folder / "tables").mkdir()
    (folder / "tables/per_class.csv").write_text('class,IoU,Acc\nwall,0.75,0.5\n"a,b@c",0.25,\n')
    known = {point.key: point.value for point in metrics(replace(record, accuracy=accuracy), folder)}
    assert known["accuracy/mIoU"] == 0.4792
    assert known["accuracy/mIoU_own_fp32"] == 0.4795
    assert abs(known["accuracy/mIoU_change"] + 0.0003) < 1e-12
    assert (known["IoU/wall"], known["Acc/wall"], known["IoU/a_b_c"]) == (0.75, 0.5, 0.25)
    assert "Acc/a_b_c" not in known
    assert not [point for point in metrics(record, folder) if point.key.startswith(("accuracy/", "IoU/"))]


def test_the_page_says_it_in_a_line_and_mlflow_finds_the_table(tmp_path: Path) -> None:
    folder, record = make_record(tmp_path)
    known = replace(record, accuracy=accurate(0.4792).accuracy)
    line = "mIoU 47.92 % (slide) over 2000 images of ade20k; own fp32 47.95 %, change -0.03; published 47.72 % (whole)"
    assert accuracy_words(known.accuracy) == line
    assert note(known, folder).split("\n\n")[1] == f"**{line}**"
    assert json.loads(tags(known)["mlflow.loggedArtifacts"]) == [{"path": "tables/per_class.json", "type": "table"}]
    assert table_tag(record) is None


def test_settings_of_accuracy_are_parameters_only_where_it_is_asked_for(tmp_path: Path) -> None:
    _, record = make_record(tmp_path)
    data = {"dataset": {"name": "shapes", "limit": 4}, "evaluate": {"enabled": False}}
    assert "dataset.limit" not in params(replace(record, settings={**record.settings, **data}))
    data["evaluate"] = {"enabled": True}
    assert params(replace(record, settings={**record.settings, **data}))["dataset.limit"] == "4"
