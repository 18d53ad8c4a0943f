"""Real output of the real tools: every sample gives the values that were worked out by hand, wrong ones are flagged."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

KINDS = {
    "ais_bench_perf": "ais_bench",
    "ais_bench_fail": "ais_bench",
    "npu_smi_info": "npu_smi",
    "npu_smi_other": "npu_smi",
    "atc_fail": "atc",
    "trtexec": "trtexec",
}
HERE = Path(__file__).parent / "samples"
CHOSEN: dict[str, dict[str, Any]] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


def understood(kind: str, data: bytes) -> dict[str, Any]:
    module = importlib.import_module(f"harness.parsing.{KINDS[kind]}")
    out: dict[str, Any] = module.to_json(module.parse(data.decode("utf-8")))
    return json.loads(json.dumps(out, allow_nan=False))


def differences(got: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    for key, value in expected.items():
        wanted, found = value, got.get(key)
        if key == "codes" and isinstance(found, list):  # one sample states a code as a number, its twin as text
            wanted, found = sorted(map(str, wanted)), sorted(map(str, found))
        if found != wanted:
            yield f"{key}: expected {wanted!r}, got {found!r}"


def rows(shared: Path) -> list[dict[str, str]]:
    csv.field_size_limit(2**24)
    with (shared / "samples" / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["kind"] in KINDS]


@pytest.mark.parametrize("name", sorted(CHOSEN))
def test_chosen_sample_gives_its_expected_values(name: str) -> None:
    sample = CHOSEN[name]
    assert list(differences(understood(sample["kind"], (HERE / name).read_bytes()), sample["expected"])) == []


def test_every_sample_gives_its_expected_values(shared: Path) -> None:
    wrong = {}
    index = rows(shared)
    for row in index:
        got = understood(row["kind"], (shared / "samples" / row["file"]).read_bytes())
        problems = list(differences(got, json.loads(row["expected"])))
        if problems:
            wrong[row["file"]] = problems
    assert wrong == {}
    assert len(index) >= 115


def test_samples_that_contradict_themselves_are_flagged_and_no_others(shared: Path) -> None:
    flagged = {}
    for row in rows(shared):
        got = understood(row["kind"], (shared / "samples" / row["file"]).read_bytes())
        problems = {finding["code"] for finding in got["findings"] if finding["level"] == "problem"}
        if problems:
            flagged[row["file"]] = problems
    assert flagged == {
        "ais_bench_perf/Starnet-Resnet34__1.txt": {"throughput_mismatch"},
        "npu_smi_info/DB-ID0706-for-PyTorch__1.txt": {"name_contradicts_columns"},
    }


def test_a_whole_readme_is_read_as_if_it_were_the_log(shared: Path) -> None:
    data = (shared / "seeds" / "swin98.zh.md").read_bytes()
    ais_bench, npu_smi = understood("ais_bench_perf", data), understood("npu_smi_info", data)
    assert [line["throughput"] for line in ais_bench["throughput"]] == [16.73500966300553]
    assert [(row["npu"], row["device"], row["mem"]) for row in npu_smi["rows"]] == [
        (0, 0, [1074, 21534]),
        (1, 1, [1070, 21534]),
    ]
    assert "processes" not in npu_smi


def test_formats_without_a_public_log_are_read(shared: Path) -> None:
    from harness.parsing.ais_bench import parse

    folder = shared / "samples" / "rendered"
    generations = {
        path.name: parse(path.read_text(encoding="utf-8")).generation for path in folder.glob("summary_*.txt")
    }
    assert set(generations.values()) == {"G1", "G2-G3", "G4+"}
    threads = parse((folder / "summary_G5d_last_2024-06.txt").read_text(encoding="utf-8"))
    assert threads.timings[-2].to_json() == {"mean": 7.75}
    assert [line.samples_per_s for line in threads.throughputs] == [
        321.285140562249,
        321.285140562249,
        516.1290322580645,
    ]


def test_failures_without_a_public_log_are_told_apart(shared: Path) -> None:
    from harness.parsing.failures import classify

    folder = shared / "samples" / "rendered"
    reasons = {}
    for path in folder.glob("fail_*.txt"):
        failure = classify(path.read_text(encoding="utf-8"), 1)
        assert failure is not None
        reasons[path.stem] = (failure.outcome, failure.reason)
    assert reasons == {
        "fail_load_oom": ("oom", "device_out_of_memory"),
        "fail_open_device": ("failed", "device_not_found"),
    }
