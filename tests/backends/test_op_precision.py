"""The seed's ``op_precision.ini`` travels with the harness and reaches ATC's command line."""

from __future__ import annotations

from pathlib import Path

from harness.backends.atc_command import atc_arguments, atc_flags
from harness.config.compose import compose_settings


def test_atc_gets_the_seeds_file_and_the_seeds_shape():
    words = ("model=video_swin", "soc_version=Ascend310P3", "precision=gelu_high_performance")
    settings = compose_settings(*words)
    flags = atc_flags(settings)
    assert Path(flags["op_precision_mode"]).read_text() == "Gelu = high_performance\n"
    command = atc_arguments(flags, Path("m.onnx"), Path("m"))
    assert command[:2] == ["atc", "--framework=5"]
    assert "--input_shape=input:1,12,3,32,224,224" in command
    assert f"--op_precision_mode={flags['op_precision_mode']}" in command
    assert not any(word.startswith("--input_format") for word in command)
