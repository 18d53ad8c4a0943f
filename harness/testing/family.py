"""The contract of a model family: what ``harness.models.family`` asks for, as tests that a subclass inherits."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from harness.backends.inputs import random_inputs
from harness.backends.protocol import Array
from harness.config.model import InputSettings
from harness.errors import ConfigError
from harness.models.family import Family, family
from harness.models.forward import run_module
from harness.models.weights import load_weights
from harness.testing.isolation import loaded_by, one_line

if TYPE_CHECKING:
    from torch import nn

OPSET = 11
"""What ATC of CANN 5.1 reads, and the default of ``export.opset``."""
BATCH = 2


class FamilyContract:
    """Subclass it as ``TestMine(FamilyContract)``, set ``kind`` and ``inputs``, and pytest checks the family.

    Give small ``options``: the network is built and exported a few times. Needs torch, onnx and ONNX Runtime.
    """

    kind: ClassVar[str]
    """What a YAML in ``conf/model`` names: an entry point of ``harness.models``, or ``package.module:attribute``."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Valid options, as in the YAML."""
    inputs: ClassVar[Sequence[InputSettings]]
    """The model's inputs, as in the YAML; the suite sets the first axis, which is the batch."""
    outputs: ClassVar[Sequence[str]] = ("output",)
    """The names of the model's outputs, as in the YAML."""
    allowed_operators: ClassVar[tuple[str, ...]] = ()
    """Operators such as Shape or Loop that the graph may have although NPU compilers handle them badly."""

    @pytest.fixture
    def found(self) -> Family:
        """The family."""
        return family(self.kind)

    @pytest.fixture
    def network(self, found: Family) -> nn.Module:
        """A fresh network with seeded random weights."""
        return self._built(found)

    def test_options_and_sources_need_no_torch(self) -> None:
        """The command line is checked before torch is there, and cache keys are made without it."""
        code = (
            f"from harness.models.family import family; found = family({self.kind!r});"
            f"found.parse_options({dict(self.options)!r}); found.source_files()"
        )
        assert loaded_by(code, ("torch", "onnx", "onnxruntime", "mlflow")) == []

    def test_options_are_checked_by_name(self, found: Family) -> None:
        """A typing error in an option must not pass for a default, and JSON's lists are as good as tuples."""
        options = found.parse_options(dict(self.options))
        assert dataclasses.is_dataclass(options)
        assert options == found.parse_options(json.loads(json.dumps(dict(self.options))))
        with pytest.raises(ConfigError) as caught:
            found.parse_options({**self.options, "no_such_option": 1})
        assert "no_such_option" in one_line(caught.value)
        if dataclasses.fields(options):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(options, dataclasses.fields(options)[0].name, None)

    def test_it_says_what_it_is(self, found: Family) -> None:
        """``name`` is used in messages; the prefixes leave out what a checkpoint has beyond the network."""
        assert isinstance(found, Family)
        assert found.name
        assert all(isinstance(prefix, str) for prefix in found.ignored_checkpoint_prefixes)
        assert isinstance(found.ignored_checkpoint_prefixes, tuple)

    def test_source_files_hold_the_network(self, found: Family, network: nn.Module) -> None:
        """An edit of a file that is not among them would leave the old graph in the cache."""
        files = {path.resolve() for path in found.source_files()}
        assert all(path.is_file() for path in files)
        package = type(found).__module__.partition(".")[0]
        own = {type(module) for module in network.modules() if type(module).__module__.partition(".")[0] == package}
        assert {Path(inspect.getfile(kind)).resolve() for kind in {*own, type(found)}} <= files

    def test_the_network_is_ready_to_infer(self, network: nn.Module) -> None:
        """In eval mode, all of it, on the CPU, with floats in float32."""
        import torch

        assert not any(module.training for module in network.modules())
        tensors = network.state_dict().values()
        assert all(tensor.device.type == "cpu" for tensor in tensors)
        assert all(tensor.dtype == torch.float32 for tensor in tensors if tensor.is_floating_point())

    def test_every_build_is_the_same_network(self, found: Family) -> None:
        """The same seed gives the same outputs, another one other outputs: nothing in it is left to chance."""
        first, second, other = self._built(found), self._built(found), self._built(found, seed=1)
        arrays = self._arrays()
        assert {name: tensor.shape for name, tensor in first.state_dict().items()} == {
            name: tensor.shape for name, tensor in second.state_dict().items()
        }
        for one, same, unlike in zip(*(run_module(n, arrays, BATCH) for n in (first, second, other)), strict=True):
            np.testing.assert_array_equal(one, same)
            assert not np.array_equal(one, unlike), "the output does not depend on the weights"

    def test_outputs_are_the_named_ones(self, network: nn.Module) -> None:
        """As many as have names, finite, one row a sample."""
        outputs = run_module(network, self._arrays(), BATCH)
        assert len(outputs) == len(self.outputs)
        for output in outputs:
            assert len(output) == BATCH
            assert np.isfinite(output).all()

    def test_samples_of_a_batch_do_not_disturb_each_other(self, network: nn.Module) -> None:
        """Parity runs torch on one sample at a time and the graph on the whole batch."""
        import torch

        arrays = self._arrays()
        with torch.inference_mode():
            whole = network(*(torch.from_numpy(array) for array in arrays.values()))
        whole = whole if isinstance(whole, tuple | list) else (whole,)
        for alone, together in zip(run_module(network, arrays, BATCH), whole, strict=True):
            np.testing.assert_allclose(alone, together.numpy(), rtol=1e-3, atol=1e-4)

    def test_it_exports_at_opset_11_with_static_shapes(self, network: nn.Module, tmp_path: Path) -> None:
        """Named inputs and outputs of the sizes asked for, and no operator that depends on data."""
        from harness.graph.inspect import inspect_onnx

        graph = inspect_onnx(self._exported(network, tmp_path))
        assert graph.opset == OPSET
        wanted = [(name, str(array.dtype), array.shape) for name, array in self._arrays().items()]
        assert [(each.name, each.dtype, each.shape) for each in graph.inputs] == wanted
        assert [each.name for each in graph.outputs] == list(self.outputs)
        assert all(each.shape[0] == BATCH for each in graph.outputs)
        assert graph.dynamic_dimensions == ()
        assert set(graph.data_dependent_operators) <= set(self.allowed_operators)

    def test_the_graph_computes_what_the_network_does(self, found: Family, tmp_path: Path) -> None:
        """Within the bounds of the stage parity; a wrong promise of ``batch_free`` shows here."""
        from harness.graph.parity import FRAMEWORK, check, compare_outputs
        from harness.graph.run import run_onnx

        arrays = self._arrays()
        wanted = run_module(self._built(found), arrays, BATCH)
        got = run_onnx(self._exported(self._built(found), tmp_path), arrays).values()
        for name, reference, output in zip(self.outputs, wanted, got, strict=True):
            problem = check(compare_outputs(reference, output), FRAMEWORK)
            assert problem is None, f"{name}: {problem}"

    def test_every_export_is_the_same_file(self, found: Family, tmp_path: Path) -> None:
        """So that a file that is made again is known by its hash."""
        first, second = (self._exported(self._built(found), tmp_path / name) for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()

    def test_a_checkpoint_of_it_fits(self, found: Family, tmp_path: Path) -> None:
        """What the network saves it also loads, and then computes the same."""
        import torch

        trained = self._built(found, seed=3)
        torch.save(trained.state_dict(), tmp_path / "trained.pth")
        loaded = found.build(found.parse_options(dict(self.options)))
        load_weights(loaded, tmp_path / "trained.pth", 0, ignored_prefixes=found.ignored_checkpoint_prefixes)
        arrays = self._arrays()
        for one, other in zip(run_module(trained, arrays, 1), run_module(loaded, arrays, 1), strict=True):
            np.testing.assert_array_equal(one, other)

    def _built(self, found: Family, seed: int = 0) -> nn.Module:
        made = found.build(found.parse_options(dict(self.options)))
        load_weights(made, None, seed)
        return made

    def _arrays(self) -> dict[str, Array]:
        """Seeded random inputs of two samples."""
        specs = [dataclasses.replace(spec, shape=(BATCH, *spec.shape[1:])) for spec in self.inputs]
        return random_inputs(specs, seed=0)

    def _exported(self, network: nn.Module, folder: Path) -> Path:
        from harness.graph.export import export_onnx

        folder.mkdir(exist_ok=True)
        export_onnx(network, self._arrays(), self.outputs, folder / "model.onnx", OPSET)
        return folder / "model.onnx"
