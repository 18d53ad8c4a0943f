"""Words in any order mean the same, and a plain run is a sweep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.commandline import forced, plain, read_command_line
from harness.config.keys import exists
from harness.config.nearest import nearest
from harness.errors import ConfigError

OVERRIDES = ["model=swin98", "batchsize=1,4,8", "measure=smoke"]
FLAGS = [["-m"], ["--multirun"], ["--config-dir", "mine"], ["-cd", "mine"], ["--config-dir=mine"]]


@given(st.permutations(OVERRIDES), st.sampled_from(FLAGS), st.integers(0, 3))
def test_a_flag_may_stand_anywhere(overrides: list[str], flag: list[str], place: int) -> None:
    line = read_command_line([*overrides[:place], *flag, *overrides[place:]])
    assert line.purpose == "run"
    assert list(line.arguments[:3]) == overrides
    assert line.arguments[-1] == "--multirun"
    assert ("mine" in line.arguments) == ("-m" not in flag and "--multirun" not in flag)


@pytest.mark.parametrize(
    ("words", "purpose", "arguments"),
    [
        ([], "run", ["--multirun"]),
        (["-h"], "help", ["--help"]),
        (["-m", "--help"], "help", ["--help"]),
        (["--version"], "version", ["--version"]),
        (["--cfg", "job", "-m", "model=x"], "show", ["model=x", "--cfg", "job"]),
        (["--info", "model=x"], "show", ["model=x", "--info"]),
        (["--info", "searchpath", "model=x"], "show", ["model=x", "--info", "searchpath"]),
        (["-sc", "query=bash"], "complete", ["query=bash", "--shell-completion"]),
        (["--multi", "a=1"], "run", ["a=1", "--multirun"]),
        (["--run", "a=1"], "run", ["a=1", "--multirun"]),
    ],
)
def test_what_is_asked_for(words, purpose, arguments) -> None:
    line = read_command_line(words)
    assert (line.purpose, list(line.arguments)) == (purpose, arguments)


def test_a_nested_key_that_the_schema_knows_may_be_missing_from_the_file() -> None:
    assert forced("model.checkpoint=a.pth") == "++model.checkpoint=a.pth"
    assert forced("model.options.anything=1") == "++model.options.anything=1"
    assert forced("model.inputs.0.low=0") == "++model.inputs.0.low=0"
    for untouched in ("model=swin98", "measure.roundz=3", "hydra.verbose=true", "+a.b=1", "~a.b", "hydra/launcher=x"):
        assert forced(untouched) == untouched
    assert plain("++model.checkpoint=a.pth") == "model.checkpoint=a.pth"


def test_the_schema_tells_which_keys_exist() -> None:
    assert exists("measure.rounds")
    assert exists("model.inputs.0.shape")
    assert exists("model.pretrained.url")
    assert not exists("measure.rounds.more")
    assert not exists("model.pretrained.urll")
    assert not exists("model.inputs.first")


@given(st.text(min_size=1, max_size=12), st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6))
def test_the_nearest_choice_is_one_of_the_choices(word: str, choices: list[str]) -> None:
    assert nearest(word, choices) in {None, *choices}
    assert nearest(choices[0], choices) is not None


def test_letters_in_another_order_are_nearest() -> None:
    assert nearest("swin89", ["swin97", "swin98", "swin99", "swin100"]) == "swin98"


def test_a_flag_that_takes_nothing_refuses_a_value() -> None:
    with pytest.raises(ConfigError, match="takes no value"):
        read_command_line(["--multirun=yes"])
