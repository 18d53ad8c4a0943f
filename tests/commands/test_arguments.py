"""The key=value reader of the commands: types from a dataclass, one line for what is wrong, a help page."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.commands.arguments import argument, read_arguments
from harness.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Arguments:
    """Tables of what was measured."""

    model: str = argument("the model's name")
    lang: Literal["en", "zh"] = argument("language of the page", default="en")
    out: Path | None = argument("folder for the files", default=None)
    batchsize: tuple[int, ...] = argument("only these batch sizes", default=())
    open_page: bool = argument("show the page", default=False)


def read(*words: str) -> Arguments:
    return read_arguments(Arguments, words, command="python -m harness.report")


def test_words_become_typed_values() -> None:
    assert read("model=swin98") == Arguments(model="swin98")
    assert read("batchsize=1,4", "model=a=b", "out=x/y", "open_page=true", "lang=zh") == Arguments(
        model="a=b", lang="zh", out=Path("x/y"), batchsize=(1, 4), open_page=True
    )
    assert read("model=x", "out=null", "batchsize=[8]").batchsize == (8,)


@given(st.lists(st.integers(-(10**9), 10**9), max_size=5))
def test_lists_are_given_with_commas(values: list[int]) -> None:
    assert read("model=x", "batchsize=" + ",".join(map(str, values))).batchsize == tuple(values)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], ["model is missing"]),
        (["modl=x"], ["modl: no such key", "did you mean 'model'?"]),
        (["model=x", "--lang=zh"], ["--lang: no such key", "did you mean 'lang'?"]),
        (["model"], ["model: expected key=value"]),
        (["model=x", "lang=cn"], ["lang=cn: expected 'en' or 'zh'"]),
        (["model=x", "batchsize=1,y"], ["batchsize.1=y: expected a whole number"]),
        (["model=x", "open_page=perhaps"], ["open_page=perhaps: expected true or false"]),
        (["model=x", "model=y"], ["model is given twice"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, told) -> None:
    with pytest.raises(ConfigError) as raised:
        read(*words)
    (line,) = str(raised.value).splitlines()
    for part in told:
        assert part in line


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_field_with_its_default(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        read("model=x", flag)
    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    for part in (
        "Tables of what was measured.",
        "python -m harness.report KEY=VALUE",
        "model=VALUE (required)",
        "the model's name",
        "lang=en|zh",
        "out=null",
        "open_page=false",
    ):
        assert part in printed


def test_words_without_a_key_go_to_the_field_for_them() -> None:
    @dataclass(frozen=True)
    class Files:
        """Files."""

        positional: tuple[Path, ...] = argument("files", default=())
        strict: bool = argument("refuse warnings", default=False)

    assert read_arguments(Files, ["a.json", "strict=yes", "/data/lr=1/b.json"], command="x") == Files(
        (Path("a.json"), Path("/data/lr=1/b.json")), strict=True
    )
    with pytest.raises(ConfigError, match="stict: no such key; did you mean 'strict'"):
        read_arguments(Files, ["a.json", "stict=yes"], command="x")


def test_reading_arguments_imports_no_hydra() -> None:
    code = "import sys, harness.commands.arguments as a; assert not {'hydra', 'omegaconf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
