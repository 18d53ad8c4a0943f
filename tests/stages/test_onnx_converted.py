"""Files that a backend's tools have made: brought by the user, or made here, and only where the backend reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from tests.stages import networks
from tests.stages.driving import drive, measured, settle


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """A file of the stand-in's format, made for a batch of four."""
    inside = networks.fixed_batch(tmp_path / "inside.onnx")
    file = tmp_path / "net.om"
    file.write_bytes(b"IMOD" + inside.read_bytes())
    return file


def test_a_converted_file_is_measured_without_any_other_stage(converted: Path, tmp_path: Path, plugins: Path) -> None:
    words = ("model=om", f"model.file={converted}", "backend=standin", "batchsize=4")
    ran = measured(tmp_path, *words, config_dirs=(plugins,))
    assert ran.outcome.status == "ok", ran.outcome
    assert list(ran.info) == ["adopt", "measure"]
    assert ran.file("model").read_bytes() == converted.read_bytes()
    assert ran.file("model").suffix == ".om"
    assert ran.info["measure"]["inputs"] == {"x": [[4, 6], "float32"]}
    assert ran.cell.name == "net-cpu-file-bs4", "what it was converted with, it does not tell"


def test_its_batch_must_be_the_one_that_is_reported(converted: Path, tmp_path: Path, plugins: Path) -> None:
    words = ("model=om", f"model.file={converted}", "backend=standin", "batchsize=1")
    ran = measured(tmp_path, *words, config_dirs=(plugins,))
    assert (ran.outcome.status, ran.outcome.stage) == ("unsupported", "measure")
    assert "batch of 4" in (ran.outcome.message or "")
    assert "batchsize=4" in (ran.outcome.message or "")


def test_a_precision_that_is_named_is_a_label(converted: Path, plugins: Path) -> None:
    words = ("model=om", f"model.file={converted}", "backend=standin", "batchsize=4", "precision=fp32")
    (cell,) = settle(words, config_dirs=(plugins,))
    assert (cell.name, cell.settings.precision.name) == ("net-cpu-fp32-bs4", "fp32")


def test_a_backend_that_cannot_look_inside_needs_the_inputs(converted: Path, tmp_path: Path, plugins: Path) -> None:
    words = ("model=om", f"model.file={converted}", "backend=blind", "batchsize=4")
    with pytest.raises(ConfigError, match=r"model\.inputs is missing: blind cannot ask .*'model\.inputs=\["):
        settle(words, config_dirs=(plugins,))
    ran = measured(tmp_path, *words, "model.inputs=[{name: x, shape: [4, 6]}]", config_dirs=(plugins,))
    assert ran.outcome.status == "ok", ran.outcome


def test_where_nothing_reads_it_one_line_says_so(converted: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        settle(("model=om", f"model.file={converted}"))
    line = str(refused.value)
    for part in ("net.om", "onnxruntime on cpu reads .onnx and no .om", "where its device is", "model=onnx"):
        assert part in line


def test_beside_cells_that_run_it_is_a_row(converted: Path, tmp_path: Path) -> None:
    good = networks.fixed_batch(tmp_path / "good.onnx")
    cells = settle(("model=om", f"model.file={converted}"), ("model=onnx", f"model.file={good}", "batchsize=4"))
    assert [drive(cell, tmp_path).outcome.status for cell in cells] == ["unsupported", "ok"]


@pytest.mark.parametrize("end", ["export_only", "convert_only"])
def test_a_converted_file_is_at_its_end_already(converted: Path, plugins: Path, end: str) -> None:
    with pytest.raises(ConfigError, match=f"{end}=true: .*net.om is converted already"):
        settle(("model=om", f"model.file={converted}", "backend=standin", f"{end}=true"), config_dirs=(plugins,))


def test_the_two_kinds_of_file_are_told_apart(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="an Ascend OM file; use model=om"):
        settle(("model=onnx", f"model.file={converted}"))
    with pytest.raises(ConfigError, match=r"inside\.onnx: an ONNX file; use model=onnx"):
        settle(("model=om", f"model.file={tmp_path / 'inside.onnx'}"))


def test_a_backend_with_a_format_of_its_own_converts_first(tmp_path: Path, plugins: Path) -> None:
    file = networks.dynamic_batch(tmp_path / "net.onnx")
    words = ("model=onnx", f"model.file={file}", "backend=standin", "batchsize=2")
    ran = measured(tmp_path, *words, config_dirs=(plugins,))
    assert ran.outcome.status == "ok", ran.outcome
    assert list(ran.info) == ["adopt", "simplify", "parity", "convert", "measure"]
    assert ran.file("model").read_bytes() == b"IMOD" + ran.file("simplified").read_bytes()
    again = measured(tmp_path, *words, config_dirs=(plugins,))
    assert list(again.info) == ["measure"]
    other = measured(tmp_path, *words, "+backend.options.graph_optimization=basic", config_dirs=(plugins,))
    assert list(other.info) == ["convert", "measure"]


def test_an_operator_that_the_converter_lacks_is_named(tmp_path: Path, plugins: Path) -> None:
    file = networks.dynamic_batch(tmp_path / "net.onnx")
    words = ("model=onnx", f"model.file={file}", "backend=standin", "+backend.options.lacks=GlobalAveragePool")
    ran = measured(tmp_path, *words, config_dirs=(plugins,))
    assert (ran.outcome.status, ran.outcome.stage) == ("unsupported", "convert")
    assert "GlobalAveragePool" in (ran.outcome.message or "")


@pytest.mark.parametrize(
    ("end", "stages", "made"),
    [
        ("export_only", ["adopt", "simplify", "parity"], "simplified"),
        ("convert_only", ["adopt", "simplify", "parity", "convert"], "model"),
    ],
)
def test_a_cell_can_end_at_its_file(tmp_path: Path, plugins: Path, end: str, stages: list[str], made: str) -> None:
    file = networks.dynamic_batch(tmp_path / "net.onnx")
    words = ("model=onnx", f"model.file={file}", "backend=standin", f"{end}=true")
    ran = measured(tmp_path, *words, config_dirs=(plugins,))
    assert ran.outcome.status == "ok", ran.outcome
    assert list(ran.info) == stages
    assert made in ran.artifacts


def test_an_operator_that_onnx_runtime_lacks_need_not_stop_another_backend(tmp_path: Path, plugins: Path) -> None:
    file = networks.foreign_operator(tmp_path / "net.onnx")
    words = ("model=onnx", f"model.file={file}", "backend=standin", "export.simplify=false")
    ran = measured(tmp_path, *words, config_dirs=(plugins,))
    assert (ran.outcome.status, ran.outcome.stage) == ("unsupported", "parity")
    ended = measured(tmp_path, *words, "parity.enabled=false", "convert_only=true", config_dirs=(plugins,))
    assert ended.outcome.status == "ok"
