"""The flags of trtexec: the same wish in each version's own words, and only words that this version knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.trtexec_command import (
    TensorRTOptions,
    build_flags,
    build_only,
    float16_in_graph,
    load_inputs,
    run_flags,
)
from harness.backends.trtexec_tool import TrtexecTool
from harness.config.schema import PrecisionSettings
from harness.errors import UnsupportedError
from harness.simulator.trtexec_log import inference_options
from harness.simulator.trtexec_options import RELEASES, read_arguments

FP32, FP16 = PrecisionSettings("fp32", "float32"), PrecisionSettings("fp16", "float16")
SEVEN = TrtexecTool(
    "trtexec", None, frozenset({"--explicitBatch", "--fp16", "--workspace", "--streams", "--buildOnly"})
)


def known(version: str) -> TrtexecTool:
    release = RELEASES[version]
    return TrtexecTool("trtexec", version, frozenset(f"--{name}" for name in release.values | release.switches))


@pytest.mark.parametrize(
    ("version", "fp32", "fp16", "run"),
    [
        ("8.4.3", ["--noTF32"], ["--fp16"], ["--streams=1"]),
        ("10.2.0", ["--noTF32"], ["--fp16"], ["--infStreams=1"]),
        ("11.0.0", ["--noTF32"], [], ["--infStreams=1", "--includeDataTransfers", "--noSpinWait", "--noCudaGraph"]),
    ],
)
def test_the_default_in_each_versions_words(version: str, fp32: list[str], fp16: list[str], run: list[str]) -> None:
    tool, options = known(version), TensorRTOptions()
    assert build_flags(tool, options, FP32) == fp32
    assert build_flags(tool, options, FP16) == fp16
    assert run_flags(tool, options) == run
    assert float16_in_graph(tool, FP16) == (version == "11.0.0")
    assert build_flags(tool, TensorRTOptions(workspace_mb=512), FP16)[-1] == "--memPoolSize=workspace:512"


def test_tensorrt_7_gets_a_workspace_and_an_explicit_batch() -> None:
    assert build_flags(SEVEN, TensorRTOptions(), FP16) == ["--explicitBatch", "--fp16", "--workspace=4096"]
    assert run_flags(SEVEN, TensorRTOptions()) == ["--explicitBatch", "--streams=1"]
    assert build_only(SEVEN) == "--buildOnly"
    assert build_only(known("10.2.0")) == "--skipInference"


@given(st.sampled_from(sorted(RELEASES)), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_whatever_is_asked_for_is_what_the_tool_then_says_it_does(
    version: str, transfers: bool, graph: bool, spin: bool, dma: bool
) -> None:
    options = TensorRTOptions(transfers=transfers, cuda_graph=graph, spin_wait=spin, expose_dma=dma)
    release = RELEASES[version]
    said = inference_options(read_arguments(run_flags(known(version), options), release), release)
    labels = ("Data transfers", "CUDA Graph", "Spin-wait", "ExposeDMA")
    assert [said[label] == "Enabled" for label in labels] == [transfers, graph, spin, dma]


@pytest.mark.parametrize(
    "precision", [PrecisionSettings("m", "mixed"), PrecisionSettings("p", "float16", "force_fp16")]
)
def test_other_precisions_are_refused_by_name(precision: PrecisionSettings) -> None:
    with pytest.raises(UnsupportedError, match=rf"precision={precision.name} .*use precision=fp16"):
        build_flags(known("10.2.0"), TensorRTOptions(), precision)


def test_an_input_whose_name_has_a_colon_is_quoted() -> None:
    files = {"x": Path("/w/input0.bin"), "onnx::y": Path("/w/input1.bin")}
    assert load_inputs(files) == "x:/w/input0.bin,'onnx::y':/w/input1.bin"
