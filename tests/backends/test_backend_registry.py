"""Which backend a kind means: built in, from an installed package, or by its place."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.metadata import EntryPoint

import pytest
from pydantic import ValidationError

from harness.backends import registry
from harness.backends.onnx_runtime import OnnxRuntimeBackend
from harness.config.schema import BackendSettings
from harness.errors import ConfigError

PLUGIN = """
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class Options:
    cores: int = 3

class Rknn:
    name = "rknn"
    boundary = "end_to_end"
    Options = Options

    def __init__(self, options):
        self.options = options

class Incomplete:
    name = "incomplete"
"""


def settings(kind: str, **options) -> BackendSettings:
    return BackendSettings(name="test", kind=kind, default_precision="fp32", options=options)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "rknn_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    yield "rknn_plugin"
    sys.modules.pop("rknn_plugin", None)


def test_a_built_in_kind():
    made = registry.backend(settings("onnxruntime", intra_op_threads=2, graph_optimization="basic"))
    assert isinstance(made, OnnxRuntimeBackend)
    assert (made.options.intra_op_threads, made.options.graph_optimization, made.options.arena) == (2, "basic", False)


@pytest.mark.parametrize(
    "options", [{"arenas": True}, {"graph_optimization": "most"}, {"intra_op_threads": -1}, {"arena": "perhaps"}]
)
def test_wrong_options_are_refused_with_their_key(options):
    with pytest.raises(ValidationError, match=next(iter(options))):
        registry.backend_options("onnxruntime").validate_python(options)


def test_a_kind_by_its_place(plugin):
    made = registry.backend(settings(f"{plugin}:Rknn", cores=2))
    assert (made.name, made.options.cores) == ("rknn", 2)
    with pytest.raises(ValidationError, match="core\n"):
        registry.backend(settings(f"{plugin}:Rknn", core=2))


def test_a_kind_of_an_installed_package(plugin, monkeypatch):
    point = EntryPoint("rknn", f"{plugin}:Rknn [extra]", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == "harness.backends" else []
    )
    assert registry.backend(settings("rknn")).options.cores == 3
    with pytest.raises(ConfigError, match="did you mean 'rknn'"):
        registry.backend(settings("rknnn"))


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ConfigError, match=r"backend\.kind=onnxruntim: no such backend; did you mean 'onnxruntime'\?"):
        registry.backend(settings("onnxruntim"))
    with pytest.raises(ConfigError, match="known: ascend, onnxruntime"):
        registry.backend(settings("zzz"))


@pytest.mark.parametrize("place", ["no_such_module:Backend", "rknn_plugin:Absent", "rknn_plugin:", ":Rknn", ".rknn:R"])
def test_a_place_that_does_not_exist_is_one_line(plugin, place):
    with pytest.raises(ConfigError, match="cannot import") as caught:
        registry.backend(settings(place))
    assert "\n" not in str(caught.value)


def test_a_class_that_is_no_backend_is_told_what_it_lacks(plugin):
    with pytest.raises(ConfigError, match="is no backend, it lacks boundary, Options"):
        registry.backend(settings(f"{plugin}:Incomplete"))
