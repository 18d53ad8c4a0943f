"""A stage key changes with everything that decides the result and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.stages.keys import stage_key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda leaf: st.lists(leaf) | st.dictionaries(st.text(), leaf),
    max_leaves=6,
)


def key(**changes):
    base = {"inputs": {"exported": "aa"}, "config": {"opset": 11}, "tools": ("numpy",), "sources": ()}
    return stage_key("export", 1, **{**base, **changes})


@given(st.dictionaries(st.text(), json_values))
def test_the_order_of_the_configuration_does_not_matter(config: dict) -> None:
    assert key(config=config) == key(config=dict(reversed(list(config.items()))))


@given(json_values, json_values)
def test_different_configurations_have_different_keys(one: object, other: object) -> None:
    assert (key(config={"x": one}) == key(config={"x": other})) == (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def test_stage_version_inputs_tools_and_sources_all_count(tmp_path: Path) -> None:
    source = tmp_path / "family.py"
    source.write_text("a = 1")
    keys = {
        key(),
        stage_key("simplify", 1, inputs={"exported": "aa"}, config={"opset": 11}, tools=("numpy",)),
        stage_key("export", 2, inputs={"exported": "aa"}, config={"opset": 11}, tools=("numpy",)),
        key(inputs={"exported": "ab"}),
        key(tools=("numpy", "not-installed-anywhere")),
        key(sources=(source,)),
    }
    source.write_text("a = 2")
    keys.add(key(sources=(source,)))
    assert len(keys) == 7
