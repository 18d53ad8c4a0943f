"""What differs between then and now is named once each, old before new, and what says nothing is left out."""

from __future__ import annotations

from typing import Any

from harness.commands.rerun_checks import difference_lines
from harness.records.differences import (
    Difference,
    artifact_differences,
    device_differences,
    environment_differences,
    package_differences,
    tool_differences,
)
from harness.records.schema import Artifact

THEN: dict[str, Any] = {
    "python": "CPython 3.11.7",
    "kernel": "6.1",
    "platform": "Linux-6.1",
    "hostname": "bench-01",
    "user": "me",
    "cpu": {"model": "AMD EPYC", "usable_cores": 8},
    "harness": {"version": "0.1.0", "git": {"commit": "a" * 40, "branch": "main", "dirty": False}},
    "packages": {"torch": "2.12.0", "onnx": "1.23.2"},
    "variables": {"OMP_NUM_THREADS": "4", "HARNESS_HOME": "/there"},
}


def test_an_environment_is_compared_fact_by_fact() -> None:
    now = {
        **THEN,
        "hostname": "bench-02",
        "user": "you",
        "platform": "Linux-6.2",
        "cpu": {"model": "AMD EPYC", "usable_cores": 4},
        "harness": {"version": "0.1.0", "git": {"commit": "b" * 40, "dirty": True}},
        "packages": {"torch": "2.13.0", "onnxruntime": "1.31.1"},
        "variables": {"HARNESS_HOME": "/here"},
        "memory_bytes": 5,
    }
    assert environment_differences(THEN, THEN) == []
    assert environment_differences(THEN, now) == [
        Difference("hostname", "bench-01", "bench-02"),
        Difference("cpu usable_cores", "8", "4"),
        Difference("harness commit", "a" * 12, "b" * 12),
        Difference("torch", "2.12.0", "2.13.0"),
        Difference("onnx", "1.23.2", "absent"),
        Difference("OMP_NUM_THREADS", "4", "absent"),
        Difference("onnxruntime", "absent", "1.31.1"),
        Difference("harness checkout", "as committed", "changed by hand"),
    ]
    assert environment_differences({}, now) == [
        Difference("torch", "absent", "2.13.0"),
        Difference("onnxruntime", "absent", "1.31.1"),
        Difference("harness checkout", "as committed", "changed by hand"),
    ]


def test_devices_tools_packages_and_artifacts_are_compared() -> None:
    chip = {"name": "T4", "driver_version": "535.1", "host": {"cpu_model": "X", "kernel": "6.1"}, "health": "OK"}
    other = {**chip, "driver_version": "550.9", "host": {"cpu_model": "X", "kernel": "6.2"}, "health": "Warning"}
    assert device_differences(chip, other) == [Difference("device driver_version", "535.1", "550.9")]
    assert tool_differences({"cann": "5.1", "ais_bench": "1"}, {"cann": "8.0"}) == [
        Difference("tool cann", "5.1", "8.0")
    ]
    (line,) = package_differences(["a==1", "b==1", "torch==1", "x==1", "y==1"], ["a==2", "torch==2"], ["torch"])
    assert line == Difference("other packages", "a 1, b 1, x 1 and 1 more", "a 2, b absent, x absent and 1 more")
    assert package_differences([], ["a==2"], []) == []  # an MLflow run has no list
    one, two = Artifact("1" * 64, 1, ".onnx"), Artifact("2" * 64, 1, ".onnx")
    changed, same = artifact_differences(
        {"exported": one, "model": one, "reference": one}, {"exported": one, "model": two}
    )
    assert (changed, same) == ([Difference("artifact model", "1" * 12, "2" * 12)], ["exported"])


def test_lines_are_aligned_and_fit_the_terminal() -> None:
    found = [Difference("torch", "2.12.0", "2.13.0"), Difference("device cpu_model", "X" * 90, "Y" * 90)]
    for width in (40, 80, 120):
        lines = list(difference_lines(found, width))
        assert all(len(line) <= width for line in lines)
        assert len({line.index("  ->  ") for line in lines}) == 1
    assert list(difference_lines([], 80)) == []
