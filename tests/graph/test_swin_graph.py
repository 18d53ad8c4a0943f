"""What the exported network looks like, and that it computes what torch does."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from harness.graph.export import export_onnx
from harness.graph.inspect import TensorSummary, inspect_onnx
from harness.graph.parity import FRAMEWORK, REWRITTEN, check, compare_outputs
from harness.graph.run import run_onnx
from harness.graph.simplify import simplify_onnx
from harness.models.family import family
from harness.models.forward import run_module
from harness.models.weights import load_weights
from tests.graph.conftest import BATCH, minute_network

OPSET_11 = {
    schema.name
    for schema in onnx.defs.get_all_schemas_with_history()
    if not schema.domain and schema.since_version <= 11
}


def assert_fit_for_an_npu(path: Path, batch: int, size: int, classes: int) -> None:
    """Standard operators of opset 11, static shapes, nothing that depends on data, nothing twice."""
    onnx.checker.check_model(str(path), full_check=True)
    summary = inspect_onnx(path)
    assert summary.opset == 11
    assert summary.operators.keys() <= OPSET_11
    assert not summary.data_dependent_operators
    assert "Constant" not in summary.operators
    assert not summary.dynamic_dimensions
    assert summary.duplicate_constants == 0
    assert summary.inputs == (TensorSummary("input", "float32", (batch, 3, size, size)),)
    assert summary.outputs == (TensorSummary("output", "float32", (batch, classes, size, size)),)


def test_exported_and_simplified_graphs_are_fit_for_an_npu(exported, simplified):
    for path in (exported, simplified):
        assert_fit_for_an_npu(path, BATCH, 32, 5)
    assert inspect_onnx(simplified).nodes <= inspect_onnx(exported).nodes


def test_each_block_costs_a_fixed_number_of_nodes(exported):
    # Two stages of two blocks; full size has 24 blocks. See the slow test for the real thing.
    operators = inspect_onnx(exported).operators
    assert operators["Softmax"] == 4
    assert operators["Gemm"] == 4 * 6  # query, key, value, output, and two of the feed-forward layer
    assert operators["Gather"] == 4 * 2  # into windows and back
    assert operators["Pad"] == 4
    assert operators["Transpose"] <= 4 * 5 + 4


def test_all_three_forms_agree_on_every_sample(images, exported, simplified):
    torch_output = run_module(minute_network(), images, BATCH)[0]
    first, second = (run_onnx(path, images)["output"] for path in (exported, simplified))
    assert check(compare_outputs(torch_output, first, 1), FRAMEWORK) is None
    assert check(compare_outputs(first, second, 1), REWRITTEN) is None


def test_samples_do_not_mix(images, exported):
    whole = run_onnx(exported, images)["output"]
    swapped = run_onnx(exported, {"input": images["input"][::-1].copy()})["output"]
    np.testing.assert_allclose(swapped[::-1], whole, atol=1e-6)


def test_equal_networks_give_equal_files(exported, simplified, images, tmp_path):
    path = tmp_path / "again.onnx"
    export_onnx(minute_network(), images, ["output"], path, 11)
    assert path.read_bytes() == exported.read_bytes()
    simplify_onnx(path, path)
    assert path.read_bytes() == simplified.read_bytes()


def test_other_values_of_the_inputs_change_nothing(exported, images, tmp_path):
    export_onnx(minute_network(), {"input": images["input"] + 1}, ["output"], tmp_path / "a.onnx", 11)
    assert (tmp_path / "a.onnx").read_bytes() == exported.read_bytes()


def test_equal_networks_give_equal_files_in_another_process(exported, tmp_path):
    program = (
        "import sys, pathlib, numpy as np; from tests.graph.conftest import BATCH, minute_network;"
        "from harness.graph.export import export_onnx;"
        "export_onnx(minute_network(), {'input': np.zeros((BATCH, 3, 32, 32), np.float32)}, ['output'],"
        " pathlib.Path(sys.argv[1]), 11)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", program, tmp_path / "a.onnx"], check=True, cwd=root, env=environment)
    assert (tmp_path / "a.onnx").read_bytes() == exported.read_bytes()


def test_other_weights_give_another_file(exported, images, tmp_path):
    export_onnx(minute_network(seed=1), images, ["output"], tmp_path / "a.onnx", 11)
    assert (tmp_path / "a.onnx").read_bytes() != exported.read_bytes()


def test_files_say_nothing_about_this_machine(exported, simplified):
    for path in (exported, simplified):
        content = path.read_bytes()
        assert str(Path.home()).encode() + b"/" not in content
        assert str(Path(__file__).resolve().parents[2]).encode() not in content


@pytest.mark.parametrize("opset", [13, 17])
def test_newer_opsets_export_too(images, tmp_path, opset):
    path = tmp_path / "a.onnx"
    export_onnx(minute_network(), images, ["output"], path, opset)
    summary = inspect_onnx(path)
    assert summary.opset == opset
    assert not summary.data_dependent_operators
    expected = run_module(minute_network(), images, BATCH)[0]
    assert check(compare_outputs(expected, run_onnx(path, images)["output"], 1), FRAMEWORK) is None


@pytest.mark.slow
def test_full_size_network(tmp_path):
    upernet_swin = family("upernet_swin")
    network = upernet_swin.build(upernet_swin.parse_options({}))
    load_weights(network, None, 0)
    image = {"input": np.random.default_rng(0).standard_normal((1, 3, 512, 512)).astype(np.float32)}
    exported, simplified = tmp_path / "exported.onnx", tmp_path / "simplified.onnx"
    export_onnx(network, image, ["output"], exported, 11)
    simplify_onnx(exported, simplified)
    for path in (exported, simplified):
        assert_fit_for_an_npu(path, 1, 512, 150)
    assert inspect_onnx(exported).nodes <= 3000
    assert inspect_onnx(simplified).nodes <= 1509
    expected = run_module(network, image, 1)[0]
    first, second = (run_onnx(path, image)["output"] for path in (exported, simplified))
    assert check(compare_outputs(expected, first, 1), FRAMEWORK) is None
    assert check(compare_outputs(first, second, 1), REWRITTEN) is None


def test_records_can_hold_the_summary(exported):
    fields = dataclasses.asdict(inspect_onnx(exported))
    assert fields["nodes"] == sum(fields["operators"].values())
    assert fields["constant_bytes"] > 10_000
