"""The exporter's own promises, on small networks: errors in one line, constants once, batches that follow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.errors import HarnessError, UnsupportedError
from harness.graph.export import export_onnx
from harness.graph.inspect import inspect_onnx
from harness.graph.run import run_onnx

ROWS = {"rows": np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)}


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 6)

    def forward(self, rows, tokens):
        return rows + self.table(tokens), tokens * 2


class FixedBatch(nn.Module):
    """Promises what it does not keep: its reshape holds the batch size that it was traced with."""

    batch_free = True

    def forward(self, rows):
        return rows.reshape(int(rows.shape[0]), 2, 3)


class FreeBatch(nn.Module):
    batch_free = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, rows):
        self.seen.append(int(rows.shape[0]))
        return rows.reshape(-1, 2, 3).softmax(dim=2).flatten(0, 1)


class Folding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = None

    def fold_constants(self) -> None:
        self.factor = 5.0

    def forward(self, rows):
        return rows * self.factor


class Unsupported(nn.Module):
    def forward(self, rows):
        return torch.special.i1e(rows)


def test_several_inputs_and_outputs_of_several_types(tmp_path):
    inputs = {**ROWS, "tokens": np.arange(4 * 6).reshape(4, 6)[:, 0] % 10}
    network = TwoInputs()
    export_onnx(network, inputs, ["sums", "twice"], tmp_path / "a.onnx", 13)
    outputs = run_onnx(tmp_path / "a.onnx", inputs)
    assert list(outputs) == ["sums", "twice"]
    np.testing.assert_array_equal(outputs["twice"], inputs["tokens"] * 2)
    table = network.table.weight.detach().numpy()
    np.testing.assert_allclose(outputs["sums"], ROWS["rows"] + table[inputs["tokens"]], rtol=1e-6)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_batch_that_is_not_free_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match=r"\(1, 2, 3\) for one sample and \(1, 2, 3\)") as caught:
        export_onnx(FixedBatch(), ROWS, ["output"], tmp_path / "a.onnx", 11)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_free_batch_is_traced_with_one_sample_and_written_back(tmp_path):
    network = FreeBatch()
    export_onnx(network, ROWS, ["output"], tmp_path / "a.onnx", 11)
    assert set(network.seen) == {1}
    summary = inspect_onnx(tmp_path / "a.onnx")
    assert (summary.inputs[0].shape, summary.outputs[0].shape) == ((4, 6), (8, 3))
    expected = network(torch.from_numpy(ROWS["rows"])).numpy()
    np.testing.assert_allclose(run_onnx(tmp_path / "a.onnx", ROWS)["output"], expected, rtol=1e-5)


def test_submodules_are_folded_before_the_trace(tmp_path):
    export_onnx(nn.Sequential(Folding()), ROWS, ["output"], tmp_path / "a.onnx", 11)
    np.testing.assert_allclose(run_onnx(tmp_path / "a.onnx", ROWS)["output"], ROWS["rows"] * 5, rtol=1e-6)


def test_an_operation_that_the_opset_lacks_is_one_line(tmp_path):
    with pytest.raises(UnsupportedError) as caught:
        export_onnx(Unsupported(), ROWS, ["output"], tmp_path / "a.onnx", 11)
    assert "export.opset=11" in str(caught.value)
    assert "i1e" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [[], ["a", "b"]])
def test_a_wrong_number_of_output_names_is_one_line(tmp_path, names):
    with pytest.raises(HarnessError) as caught:
        export_onnx(nn.ReLU(), ROWS, names, tmp_path / "a.onnx", 11)
    assert f"model.outputs=[{', '.join(names)}]: the network returns" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_running_a_file_that_is_no_onnx_is_one_line(tmp_path):
    (tmp_path / "a.onnx").write_text("hello")
    with pytest.raises(HarnessError, match="ONNX Runtime cannot run it") as caught:
        run_onnx(tmp_path / "a.onnx", ROWS)
    assert "\n" not in str(caught.value)
