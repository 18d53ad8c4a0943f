"""What a user's ONNX file is found to be, and what is said of files that are none."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ConfigError
from harness.models.files import located, safe_name, with_name
from harness.models.onnx_file import describe_onnx, note_weights, noted_weights
from harness.models.onnx_read import read_onnx, read_whole_onnx
from tests.stages import networks


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"state_dict": {}}, protocol=2))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"")


def cut(path: Path) -> None:
    whole = networks.dynamic_batch(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def headless(path: Path) -> None:
    onnx.save(onnx.ModelProto(ir_version=8), path)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "noise": (lambda p: p.write_bytes(np.random.default_rng(1).bytes(4096)), "not an ONNX file"),
    "text": (lambda p: p.write_text("hello, this is a note\n"), "not an ONNX file"),
    "old checkpoint": (pickled, "a Python pickle, as torch.save wrote checkpoints; for those see model.checkpoint"),
    "new checkpoint": (zipped, "a zip archive, as torch.save writes checkpoints; for those see model.checkpoint"),
    "OM": (lambda p: p.write_bytes(b"IMOD" + bytes(300)), "an Ascend OM file; use model=om"),
    "TensorRT": (lambda p: p.write_bytes(b"ftrt" + bytes(300)), "a TensorRT engine"),
    "LFS": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "run git lfs pull"),
    "web page": (lambda p: p.write_text("<!DOCTYPE html><html></html>"), "a web page"),
    "one byte": (lambda p: p.write_bytes(b"\x08"), "not an ONNX file"),
    "cut off": (cut, "cut off or damaged; copy or export it again"),
    "without a graph": (headless, "without a graph"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_onnx_file_is_said_in_one_line(case: str, tmp_path: Path) -> None:
    make, told = BAD[case]
    file = tmp_path / "net.onnx"
    make(file)
    with pytest.raises(ConfigError) as refused:
        read_onnx(file)
    line = str(refused.value)
    assert line.startswith(f"model.file={file}: ")
    assert told in line
    assert "\n" not in line


@pytest.mark.parametrize("name", ["net.json", "net.onnxtxt", "net.textproto", "net"])
def test_the_content_counts_and_not_the_suffix(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{ no model }")
    with pytest.raises(ConfigError, match="not an ONNX file"):
        read_onnx(tmp_path / name)
    networks.dynamic_batch(tmp_path / "net.onnx").rename(tmp_path / name)
    assert read_onnx(tmp_path / name).graph.node


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99, 0.999])
def test_a_file_cut_anywhere_is_refused(share: float, tmp_path: Path) -> None:
    file = networks.dynamic_batch(tmp_path / "net.onnx")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ConfigError, match=r"cut off|not an ONNX file"):
        read_onnx(file)


def test_a_path_that_leads_nowhere_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "nets").mkdir()
    networks.dynamic_batch(tmp_path / "nets" / "b.onnx")
    for given, told in {
        "net.onnx": f"model.file=net.onnx: no such file (looked for {tmp_path / 'net.onnx'})",
        "empty.onnx": "an empty file; copy or export it again",
        "nets": "a folder; give the path of a file in it, such as b.onnx",
    }.items():
        with pytest.raises(ConfigError) as refused:
            located(given)
        assert told in str(refused.value)
    assert located("nets/b.onnx") == tmp_path / "nets" / "b.onnx"


class TestOutsideData:
    """Tensors that lie in files beside the model."""

    def test_they_are_found_and_read(self, tmp_path: Path) -> None:
        file = networks.outside_data(tmp_path / "net.onnx")
        whole = read_whole_onnx(file)
        (tmp_path / "net.bin").unlink()
        assert all(numpy_helper.to_array(tensor).any() for tensor in whole.graph.initializer)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        file = networks.outside_data(tmp_path / "net.onnx")
        (tmp_path / "net.bin").unlink()
        with pytest.raises(
            ConfigError, match=r"keeps its data in net\.bin, which is not beside it; copy that file too"
        ):
            read_onnx(file)

    def test_a_short_file_is_named(self, tmp_path: Path) -> None:
        file = networks.outside_data(tmp_path / "net.onnx")
        data = (tmp_path / "net.bin").read_bytes()
        (tmp_path / "net.bin").write_bytes(data[:-5])
        with pytest.raises(ConfigError, match=r"its data in net\.bin is cut off; copy both files again"):
            read_onnx(file)

    @pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname"])
    def test_nothing_outside_the_folder_is_read(self, location: str, tmp_path: Path) -> None:
        (tmp_path / "secret.bin").write_bytes(bytes(4096))
        (tmp_path / "in").mkdir()
        file = networks.outside_data(tmp_path / "in" / "net.onnx")
        model = onnx.load(str(file), load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        file.write_bytes(model.SerializeToString())
        with pytest.raises(ConfigError, match="outside its own folder"):
            read_onnx(file)

    def test_more_than_fits_into_a_file_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        file = networks.outside_data(tmp_path / "net.onnx")
        with (tmp_path / "net.bin").open("r+b") as data:
            data.truncate(2_500_000_000)  # a hole, no space
        with pytest.raises(ConfigError, match=r"2\.5 GB with its outside data; at most 2 GB"):
            read_onnx(file)


PRECISIONS = {
    "fp32": networks.dynamic_batch,
    "fp16": networks.half,
    "mixed": lambda p: networks.two_types(p, np.float16),
    "int8": lambda p: networks.two_types(p, np.int8, 1000),
}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_file_says_what_it_computes_in(precision: str, tmp_path: Path) -> None:
    assert describe_onnx(PRECISIONS[precision](tmp_path / "net.onnx")).precision == precision


def test_a_file_says_its_opset_inputs_and_outputs(tmp_path: Path) -> None:
    file = describe_onnx(networks.several_inputs(tmp_path / "net.onnx"))
    assert file.opset == 17
    assert [(each.name, each.dtype, each.shape) for each in file.inputs] == [
        ("image", "float32", ("N", 3, 8, 8)),
        ("anchors", "float32", (100, 4)),
        ("flip", "bool", (1,)),
    ]
    assert file.outputs == ("y",)


def test_constants_that_are_listed_as_inputs_are_none(tmp_path: Path) -> None:
    file = networks.labels(tmp_path / "net.onnx")
    model = onnx.load(file)
    model.graph.input.append(helper.make_tensor_value_info("v", TensorProto.FLOAT, [6, 9]))
    onnx.save(model, file)
    assert [each.name for each in describe_onnx(file).inputs] == ["x"]


def test_the_table_that_tokens_pick_from_is_found_behind_casts_and_constants(tmp_path: Path) -> None:
    table = helper.make_node("Constant", [], ["table"], value=numpy_helper.from_array(networks.weights(3, 70, 4)))
    nodes = [
        table,
        helper.make_node("Cast", ["ids"], ["i"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "i"], ["y"], axis=1),
        helper.make_node("Gather", ["small", "i"], ["z"]),
    ]
    file = networks.write(
        tmp_path / "net.onnx",
        nodes,
        {"ids": (TensorProto.INT32, ["N"])},
        {"y": (TensorProto.FLOAT, None), "z": (TensorProto.FLOAT, None)},
        {"small": networks.weights(50)},
    )
    assert describe_onnx(file).inputs[0].rows == 50


def test_a_note_on_the_weights_survives_in_the_file(tmp_path: Path) -> None:
    file = networks.dynamic_batch(tmp_path / "net.onnx")
    for seed in (1, 2):
        note_weights(file, {"kind": "random", "trained": False, "seed": seed})
    noted = noted_weights(onnx.load(file))
    assert noted is not None
    assert (noted["kind"], noted["seed"], noted["trained"]) == ("random", 2, False)
    assert describe_onnx(file).outputs == ("y",)


@pytest.mark.parametrize("text", ["", "no json", "[]", json.dumps({"kind": "magic", "trained": True}), "{}"])
def test_a_note_by_somebody_else_is_ignored(text: str, tmp_path: Path) -> None:
    model = onnx.load(networks.dynamic_batch(tmp_path / "net.onnx"))
    entry = model.metadata_props.add()
    entry.key, entry.value = "harness.weights", text
    assert noted_weights(model) is None


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("resnet50", "resnet50"),
        ("yolo v8 (final)", "yolo-v8-final"),
        ("模型", "model"),
        (".hidden", "hidden"),
        ("../../etc", "etc"),
        ("a" * 300, "a" * 80),
    ],
)
def test_a_file_lends_its_name_to_tables_and_folders(stem: str, name: str) -> None:
    assert safe_name(stem) == name


def test_a_name_that_is_given_is_kept() -> None:
    assert with_name({"kind": "onnx", "name": "mine", "file": "a/net.onnx"})["name"] == "mine"
    assert with_name({"kind": "onnx", "name": None, "file": "a/net.onnx"})["name"] == "net"
    assert with_name({"kind": "upernet_swin", "name": None, "file": "a/net.onnx"})["name"] is None
