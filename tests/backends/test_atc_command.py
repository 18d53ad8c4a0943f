"""The commands that ATC gets: those of the seeds, flag by flag; every published one can be said; wrong ones are not."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from harness.backends import atc_flags
from harness.backends.atc_command import atc_arguments, content_hashes
from harness.backends.atc_command import atc_flags as flags_of
from harness.config.ascend import ConvertSettings
from harness.config.compose import compose_settings
from harness.config.model import InputSettings
from harness.config.schema import PrecisionSettings, Settings
from harness.errors import ConfigError


@pytest.fixture(scope="module")
def cell() -> Settings:
    return compose_settings("model=swin98", "soc_version=Ascend310P3", "batchsize=4")


def words(settings: Settings, model: str, output: str) -> list[str]:
    return atc_arguments(flags_of(settings), Path(model), Path(output))


def flags(command: str) -> dict[str, str]:
    """The flags of a command as published: ``--a=b``, ``--a b``, line ends, quotes, dashes for underscores."""
    text = re.sub(r"\\\s*\n?", " ", command).replace("\u00a0", " ")
    text = re.sub(r"\{(\w+) (\w+)\}", r"{\1_\2}", text)
    text = re.sub(r";\s+", ";", text.replace('"\n', '" '))
    found: dict[str, str] = {}
    parts = [part for part in re.split(r"\s(?=--?\w)", " " + text.partition("atc")[2]) if part.strip().startswith("-")]
    for part in parts:
        name, value = re.match(r"\s*(--?[\w-]+)[= ]?\s*(.*)", part, re.DOTALL).groups()
        found[atc_flags.canonical(name)] = " ".join(shlex.split(value, comments=True)).removesuffix("--").strip()
    return found


def test_the_command_of_the_swin98_seed(shared: Path, cell: Settings) -> None:
    seed = (shared / "seeds" / "swin98.zh.md").read_text(encoding="utf-8")
    command = re.search(r"atc --framework=5 \\\n(?:.*\\\n)*.*\n", seed).group(0)
    command = command.replace("${bs}", "4").replace("${chip_name}", "310P3")
    made = words(cell, "swin98/small_slide_bs4.onnx", "swin98/small_slide_bs4")
    assert made == ["atc", *(word.replace('"', "") for word in command.replace("\\\n", " ").split()[1:])]


def test_the_command_of_the_video_swin_seed(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = (shared / "seeds" / "video_swin.zh.md").read_text(encoding="utf-8")
    command = re.search(r"atc --framework=5 \\\n(?:.*\\\n)*.*\n", seed).group(0).replace("${chip_name}", "310P3")
    monkeypatch.chdir(tmp_path)
    Path("op_precision.ini").write_text("Gelu = high_performance\n")
    settings = compose_settings(
        "model=video_swin", "soc_version=Ascend310P3", "precision.op_precision_mode=op_precision.ini"
    )
    inputs = (InputSettings(name="onnx::Reshape_0", shape=(1, 12, 3, 32, 224, 224)),)
    settings = replace(settings, model=replace(settings.model, inputs=inputs))
    made = flags(" ".join(words(settings, "video_swin_mod.onnx", "video_swin")))
    assert made == {**flags(command), "op_precision_mode": str(tmp_path / "op_precision.ini")}


def test_every_published_command_can_be_said(
    shared: Path, cell: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = 0
    for sample in sorted((shared / "samples" / "atc_cmd").glob("*.txt")):
        wanted = flags(sample.read_text(encoding="utf-8"))
        own = {
            name: wanted.pop(name) for name in ("model", "output", "framework", "soc_version", "mode") if name in wanted
        }
        assert own["framework"] == "5", sample
        for name in atc_flags.FILES & wanted.keys():
            wanted[name] = str(tmp_path / Path(wanted[name]).name)
            Path(wanted[name]).write_text(sample.name)
        precision = {
            name: wanted[name]
            for name in ("precision_mode", "precision_mode_v2", "op_precision_mode")
            if name in wanted
        }
        convert = {
            name: wanted.get(name, "none" if name in {"input_format", "log"} else None)
            for name in ("input_format", "log", "output_type", "op_select_implmode", "optypelist_for_implmode")
        }
        extra = {name: value for name, value in wanted.items() if name not in {*precision, *convert}}
        if convert["op_select_implmode"] == "high_preformance":  # a published misspelling, which ATC refuses as well
            continue
        settings = replace(
            cell,
            model=replace(cell.model, inputs=()),
            precision=PrecisionSettings("own", "float16", **precision),
            convert=ConvertSettings(**convert, extra_args=extra),
        )
        made = flags_of(settings)
        assert {name: made[name] for name in made if name not in {"framework", "soc_version"}} == wanted, sample
        said += 1
    assert said > 80


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            {"enable_smal_channel": 1},
            "convert.extra_args.enable_smal_channel: atc has no such flag; did you mean enable_small",
        ),
        ({"soc_version": "Ascend310"}, "the harness gives --soc_version itself"),
        ({"precision_mode": "force_fp16"}, "give precision.precision_mode=force_fp16"),
        ({"dynamic_batch_size": "1,4", "dynamic_dims": "1;4"}, "exclude each other (E10009)"),
        ({"enable_small_channel": 2}, "values of atc: 0, 1"),
        ({"insert_op_conf": "nowhere.cfg"}, "convert.extra_args.insert_op_conf=nowhere.cfg: no such file"),
        ({"modify_mixlist": "ops.json"}, "only with a mixed precision mode"),
        ({"out-nodes": "a:0", "out_nodes": "b:0"}, "--out_nodes is given twice"),
    ],
)
def test_what_atc_would_refuse_is_refused_before(cell: Settings, extra: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        flags_of(replace(cell, convert=ConvertSettings(extra_args=extra)))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_both_precision_modes_and_a_list_without_a_mode_are_refused(cell: Settings) -> None:
    both = PrecisionSettings("both", "float16", precision_mode="force_fp16", precision_mode_v2="fp16")
    with pytest.raises(ConfigError, match="E10047"):
        flags_of(replace(cell, precision=both))
    with pytest.raises(ConfigError, match="op_select_implmode=high_performance"):
        flags_of(replace(cell, convert=ConvertSettings(optypelist_for_implmode="Gelu")))


def test_a_file_counts_by_its_content(cell: Settings, tmp_path: Path) -> None:
    first, second, other = tmp_path / "a.cfg", tmp_path / "b.cfg", tmp_path / "c.cfg"
    for file, text in ((first, "x"), (second, "x"), (other, "y")):
        file.write_text(text)
    hashed = [
        content_hashes(flags_of(replace(cell, convert=ConvertSettings(extra_args={"insert_op_conf": str(file)}))))
        for file in (first, second, other)
    ]
    assert hashed[0] == hashed[1] != hashed[2]


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("input:1,3,512,512", {"input": ("1", "3", "512", "512")}),
        ("onnx::Reshape_0:1,12;b:-1,1~8", {"onnx::Reshape_0": ("1", "12"), "b": ("-1", "1~8")}),
        ("image:[1,3,100~1080,100~1920]", {"image": ("1", "3", "100~1080", "100~1920")}),
    ],
)
def test_shapes_are_read_from_the_last_colon(text: str, shapes: dict[str, tuple[str, ...]]) -> None:
    assert atc_flags.parse_shapes(text) == shapes


@pytest.mark.parametrize("text", ["", "input", ":1,2", "input:1,x"])
def test_what_is_no_shape_raises(text: str) -> None:
    with pytest.raises(ValueError):
        atc_flags.parse_shapes(text)
