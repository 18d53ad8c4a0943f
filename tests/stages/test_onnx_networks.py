"""Networks of many kinds, each taken through all stages and measured, or refused with the very reason in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from harness.backends.inputs import random_inputs
from harness.errors import ConfigError
from harness.graph.run import run_onnx
from tests.stages import networks
from tests.stages.driving import drive, measured, settle

MEASURED = {
    # network, overrides -> input shapes, precision
    "dynamic batch, opset 11": (
        lambda p: networks.dynamic_batch(p, 11),
        ["batchsize=3"],
        {"x": (3, 3, 16, 16)},
        "fp32",
    ),
    "dynamic batch, opset 13": (
        lambda p: networks.dynamic_batch(p, 13),
        ["batchsize=3"],
        {"x": (3, 3, 16, 16)},
        "fp32",
    ),
    "dynamic batch, opset 17": (networks.dynamic_batch, ["batchsize=1"], {"x": (1, 3, 16, 16)}, "fp32"),
    "dynamic batch, opset 21": (
        lambda p: networks.dynamic_batch(p, 21),
        ["batchsize=3"],
        {"x": (3, 3, 16, 16)},
        "fp32",
    ),
    "dynamic height and width": (
        networks.dynamic_height,
        ["batchsize=2", "model.dims.height=16", "model.dims.width=8"],
        {"image": (2, 3, 16, 8)},
        "fp32",
    ),
    "axes without names": (networks.unnamed_axes, ["batchsize=2", "model.dims.x.2=7"], {"x": (2, 3, 7)}, "fp32"),
    "tokens and a mask": (
        networks.language,
        ["batchsize=2", "model.dims.sequence=8"],
        {"ids": (2, 8), "mask": (2, 8)},
        "fp32",
    ),
    "an image, anchors and a flag": (
        networks.several_inputs,
        ["batchsize=2"],
        {"image": (2, 3, 8, 8), "anchors": (100, 4), "flip": (1,)},
        "fp32",
    ),
    "float16": (networks.half, ["batchsize=2"], {"x": (2, 3, 8, 8)}, "fp16"),
    "integer output": (networks.labels, ["batchsize=4"], {"x": (4, 6)}, "fp32"),
    "static batch that fits": (networks.fixed_batch, ["batchsize=4"], {"x": (4, 6)}, "fp32"),
    "batch on the second axis": (
        networks.recurrent,
        ["batchsize=2", "model.dims.sequence=5"],
        {"x": (5, 2, 3), "h": (1, 2, 4), "c": (1, 2, 4)},
        "fp32",
    ),
    "a scalar": (networks.scalar, ["batchsize=3"], {"x": (3, 8), "threshold": ()}, "fp32"),
    "NaN in the output": (networks.logarithm, ["batchsize=2"], {"x": (2, 64)}, "fp32"),
    "shape that depends on data": (networks.selection, ["batchsize=3"], {"x": (3, 4)}, "fp32"),
    "a batch of one in a Reshape": (networks.baked_batch, ["batchsize=1"], {"x": (1, 4, 4)}, "fp32"),
}


@pytest.mark.parametrize("case", MEASURED)
def test_a_network_is_measured(case: str, tmp_path: Path) -> None:
    build, words, shapes, precision = MEASURED[case]
    file = build(tmp_path / "net.onnx")
    ran = measured(tmp_path, "model=onnx", f"model.file={file}", *words)
    assert ran.outcome.status == "ok", ran.outcome
    assert ran.info["measure"]["repeat"].iterations >= 2
    assert {spec.name: spec.shape for spec in ran.settings.model.inputs} == shapes
    assert {name: tuple(shape) for name, (shape, _) in ran.info["measure"]["inputs"].items()} == shapes
    assert ran.settings.precision.name == precision
    assert ran.cell.name == f"net-cpu-{precision}-bs{ran.settings.batchsize}"
    assert ran.info["parity"]["ran"]
    for figures in ran.info["parity"]["exported_simplified"].values():
        assert figures["cosine"] >= 0.999
    made = onnx.load(ran.file("exported"), load_external_data=False)
    assert [tuple(size.dim_value for size in each.type.tensor_type.shape.dim) for each in made.graph.input] == list(
        shapes.values()
    )


def test_the_fixed_file_computes_what_the_users_file_computes(tmp_path: Path) -> None:
    file = networks.language(tmp_path / "net.onnx")
    ran = measured(tmp_path, "model=onnx", f"model.file={file}", "batchsize=3", "model.dims.sequence=9")
    arrays = random_inputs(ran.settings.model.inputs, 0)
    assert arrays["ids"].dtype == np.int64
    assert 900 < arrays["ids"].max() < 1000, "tokens come from the whole table of 1000"
    assert set(np.unique(arrays["mask"])) == {0, 1}
    theirs = run_onnx(file, arrays)["logits"]
    for name in ("exported", "simplified"):
        np.testing.assert_allclose(run_onnx(ran.file(name), arrays)["logits"], theirs, rtol=1e-5)
    assert any("ids" in note and "999" in note for note in ran.cell.notes)
    assert any("mask" in note and "0 and 1" in note for note in ran.cell.notes)


def test_data_outside_the_file_comes_along(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    file = networks.outside_data(tmp_path / "theirs" / "net.onnx")
    ran = measured(tmp_path, "model=onnx", f"model.file={file}", "batchsize=2")
    assert ran.outcome.status == "ok", ran.outcome
    arrays = random_inputs(ran.settings.model.inputs, 0)
    theirs = run_onnx(file, arrays)["y"]
    file.unlink()
    np.testing.assert_array_equal(run_onnx(ran.file("exported"), arrays)["y"], theirs)


def test_a_file_with_nothing_open_stays_as_it_is(tmp_path: Path) -> None:
    file = networks.fixed_batch(tmp_path / "net.onnx")
    ran = measured(tmp_path, "model=onnx", f"model.file={file}", "batchsize=4", "export.simplify=false")
    assert list(ran.info) == ["adopt", "parity", "measure"]
    assert ran.file("exported").read_bytes() == file.read_bytes()
    assert ran.info["adopt"]["weights"]["name"] == "net.onnx"


def test_the_cache_knows_the_content_and_the_shapes(tmp_path: Path) -> None:
    from harness.stages.adopt import key

    file = networks.outside_data(tmp_path / "net.onnx")
    one, four = settle(
        ("model=onnx", f"model.file={file}", "batchsize=1"), ("model=onnx", f"model.file={file}", "batchsize=4")
    )
    first = key(one.settings, {})
    assert key(one.settings, {}) == first != key(four.settings, {})
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for each in ("net.onnx", "net.bin"):
        (moved / each).write_bytes((tmp_path / each).read_bytes())
    (same,) = settle(("model=onnx", f"model.file={moved / 'net.onnx'}", "batchsize=1"))
    assert key(same.settings, {}) == first, "where it lies does not matter"
    data = bytearray((moved / "net.bin").read_bytes())
    data[0] ^= 1
    (moved / "net.bin").write_bytes(bytes(data) + b"\0")
    assert key(same.settings, {}) != first, "its outside data does"


STOPPED = {
    # network, overrides -> status, stage, what the line says, what the hint says
    "a batch of one in a Reshape": (
        lambda p: networks.baked_batch(p, declared=None),
        ["batchsize=2"],
        "failed",
        "parity",
        ["Reshape node flatten", "{1,16}"],
    ),
    "a batch of one that the output denies": (
        networks.baked_batch,
        ["batchsize=2"],
        "failed",
        "adopt",
        ["output y", "[N, 16]", "[1, 16]"],
    ),
    "a batch of one in a Concat": (networks.baked_state, ["batchsize=2"], "failed", "adopt", ["Concat node join"]),
    "samples merged": (networks.merged_batch, ["batchsize=2"], "failed", "adopt", ["output y", "[N, 16]", "[1, 32]"]),
    "an operator of another domain": (networks.foreign_operator, [], "unsupported", "adopt", ["my.ops:Swirl"]),
    "an operator that nobody knows": (
        lambda p: networks.foreign_operator(p, ""),
        [],
        "unsupported",
        "adopt",
        ["no operator Swirl"],
    ),
    "an opset of the future": (lambda p: networks.restamped(p, 99, 8), [], "unsupported", "adopt", ["opset 99"]),
    "a format of the future": (lambda p: networks.restamped(p, 17, 99), [], "unsupported", "adopt", ["IR version 99"]),
    "tokens beyond the table": (
        networks.language,
        ["model.dims.sequence=8", "model.inputs=[{name: ids, low: 5000, high: 6000}]"],
        "failed",
        "parity",
        ["Gather", "out of data bounds"],
    ),
}


@pytest.mark.parametrize("case", STOPPED)
def test_a_network_that_cannot_run_says_why_in_one_line(case: str, tmp_path: Path) -> None:
    build, words, status, stage, told = STOPPED[case]
    file = build(tmp_path / "net.onnx")
    ran = measured(tmp_path, "model=onnx", f"model.file={file}", "batchsize=1", *words)
    assert (ran.outcome.status, ran.outcome.stage) == (status, stage), ran.outcome
    assert ran.outcome.message is not None
    assert ran.outcome.message.startswith("net.onnx")
    assert "\n" not in ran.outcome.message
    for part in told:
        assert part in ran.outcome.message
    if status == "failed":
        assert ran.outcome.hint is not None
        assert ("model.inputs" if "tokens" in case else "batch") in ran.outcome.hint


def test_without_the_check_a_baked_batch_still_fails_in_one_line_when_measured(tmp_path: Path) -> None:
    file = networks.baked_batch(tmp_path / "net.onnx", declared=None)
    words = ("batchsize=2", "parity.enabled=false", "export.simplify=false")
    ran = measured(tmp_path, "model=onnx", f"model.file={file}", *words)
    assert (ran.outcome.status, ran.outcome.stage) == ("failed", "measure")
    assert "{1,16}" in (ran.outcome.message or "")


REFUSED = {
    "no inputs": (networks.without_inputs, [], ["no inputs"]),
    "strings": (networks.strings, [], ["input x takes strings"]),
    "a sequence": (networks.sequence, [], ["input x is of the type sequence"]),
    "an optional": (networks.optional, [], ["input x is of the type optional"]),
    "bfloat16": (networks.brain_float, [], ["input x is bfloat16", "float32"]),
    "another static batch": (
        networks.fixed_batch,
        ["batchsize=2"],
        ["input x [4, 6]", "fixed batch of 4", "batchsize=4"],
    ),
    "open height": (networks.dynamic_height, [], ["axis 2 (height)", "model.dims.height=SIZE model.dims.width=SIZE"]),
    "open axis without a name": (networks.unnamed_axes, [], ["input x leaves axis 2 open", "model.dims.x.2=SIZE"]),
    "open axis of an odd name": (networks.odd_names, [], ['name: "in:0"', "shape: [1,SIZE,2]"]),
    "precision of its own": (networks.half, ["precision=fp32"], ["net.onnx is fp16", "leave precision out"]),
    "another opset asked for": (networks.half, ["export.opset=13"], ["keeps the opset"]),
    "weights from elsewhere": (networks.half, ["model.weights=random"], ["are in the file"]),
    "options": (networks.half, ["+model.options.depth=3"], ["model.options.depth", "no options"]),
    "both ends": (networks.half, ["export_only=true", "convert_only=true"], ["give one of them"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_measured_alone_is_refused_before_anything_starts(case: str, tmp_path: Path) -> None:
    build, words, told = REFUSED[case]
    file = build(tmp_path / "net.onnx")
    with pytest.raises(ConfigError) as refused:
        settle(("model=onnx", f"model.file={file}", "batchsize=1", *words))
    line = str(refused.value)
    assert "\n" not in line
    for part in told:
        assert part in line


def test_among_others_a_batch_that_does_not_fit_is_a_row(tmp_path: Path) -> None:
    file = networks.fixed_batch(tmp_path / "net.onnx")
    cells = settle(*(("model=onnx", f"model.file={file}", f"batchsize={size}") for size in (1, 4)))
    assert [drive(cell, tmp_path).outcome.status for cell in cells] == ["unsupported", "ok"]
    assert "fixed batch of 4" in (cells[0].decided.message if cells[0].decided and cells[0].decided.message else "")


def test_the_harness_s_own_file_says_what_its_weights_are(tmp_path: Path) -> None:
    from harness.models.onnx_file import note_weights

    file = networks.dynamic_batch(tmp_path / "net.onnx")
    note_weights(file, {"kind": "random", "trained": False, "seed": 3, "sha256": None, "name": None})
    onnx.checker.check_model(str(file))
    ran = measured(tmp_path, "model=onnx", f"model.file={file}")
    assert ran.outcome.status == "ok"
    weights = ran.info["adopt"]["weights"]
    assert (weights["kind"], weights["trained"], weights["seed"]) == ("random", False, 3)
