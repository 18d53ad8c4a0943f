"""Backends and families that break one clause of their contract each, and what the clause is called.

Run by ``test_violations.py`` in a pytest of its own; nothing here is collected with the other tests.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import nn

from harness.backends.onnx_runtime import OnnxRuntimeBackend, OnnxRuntimeSession
from harness.config.model import InputSettings
from harness.errors import HarnessError, UnsupportedError
from harness.models.options import parse_options
from harness.testing import BackendContract, FamilyContract

BROKEN: dict[str, str] = {}
"""Name of a test class below -> the test that must fail."""


def breaks(clause: str, contract: type = BackendContract, **attributes: Any) -> Any:
    """Make a test class for the decorated backend or family."""

    def made(kind: type) -> type:
        name = f"Test{kind.__name__}"
        body = {"kind": f"{__name__}:{kind.__name__}", "__module__": __name__, **attributes}
        globals()[name] = type(name, (contract,), body)
        BROKEN[name] = clause
        return kind

    return made


@breaks("test_it_says_what_it_is")
class SpacedName(OnnxRuntimeBackend):
    name: ClassVar[str] = "my runtime"


@dataclass(config=ConfigDict(extra="ignore", frozen=True))
class LaxOptions:
    threads: int = 1


@breaks("test_options_are_checked_by_name")
class Lax(OnnxRuntimeBackend):
    Options: ClassVar[type[Any]] = LaxOptions


@breaks("test_a_precision_is_taken_or_refused_by_name")
class Mute(OnnxRuntimeBackend):
    def check_precision(self, precision):
        if precision.dtype == "float16":
            raise UnsupportedError("cannot do that")


@breaks("test_a_precision_is_taken_or_refused_by_name")
class Obliging(OnnxRuntimeBackend):
    def convert(self, onnx, target, precision):
        return onnx


@breaks("test_tools_are_names_and_versions")
class Unsteady(OnnxRuntimeBackend):
    def tools(self):
        return {**super().tools(), "now": str(time.perf_counter_ns())}


@breaks("test_converting_leaves_the_onnx_file_alone")
class Overwriting(OnnxRuntimeBackend):
    def convert(self, onnx, target, precision):
        onnx.write_bytes(onnx.read_bytes() + b"\x08\x07")
        return onnx


@breaks("test_converting_leaves_the_onnx_file_alone")
class Astray(OnnxRuntimeBackend):
    reads: ClassVar[tuple[str, ...]] = ()

    def convert(self, onnx, target, precision):
        elsewhere = onnx.with_name("astray.onnx")
        elsewhere.write_bytes(onnx.read_bytes())
        return elsewhere


class Session(OnnxRuntimeSession):
    """A session whose outputs go through ``spoil``."""

    def __init__(self, model, options, spoil):
        super().__init__(model, options)
        self.spoil = spoil

    def run(self, inputs):
        return self.spoil(list(super().run(inputs)))


@breaks("test_outputs_are_right_and_in_the_models_order")
class Reversed(OnnxRuntimeBackend):
    def load(self, model):
        return Session(model, self.options, lambda outputs: outputs[::-1])


@breaks("test_outputs_are_right_and_in_the_models_order")
class Coarse(OnnxRuntimeBackend):
    def load(self, model):
        return Session(model, self.options, lambda outputs: [o.astype(np.float16) * 1.01 for o in outputs])


@breaks("test_runs_do_not_disturb_each_other")
class Sharing(OnnxRuntimeBackend):
    def load(self, model):
        buffers: list[np.ndarray] = []

        def shared(outputs):
            if not buffers:
                buffers.extend(outputs)
            for buffer, output in zip(buffers, outputs, strict=True):
                buffer[...] = output
            return list(buffers)

        return Session(model, self.options, shared)


@breaks("test_wrong_inputs_are_refused")
class Raw(OnnxRuntimeBackend):
    def load(self, model):
        made = super().load(model)
        made.run = lambda inputs: made.bound(inputs)()
        return made


@breaks("test_a_file_that_is_no_model_is_refused")
class Careless(OnnxRuntimeBackend):
    def load(self, model):
        if not model.read_bytes():
            raise ValueError("empty")
        return super().load(model)


@breaks("test_an_unknown_operator_is_unsupported")
class Vague(OnnxRuntimeBackend):
    def load(self, model):
        try:
            return super().load(model)
        except UnsupportedError as error:
            raise HarnessError(str(error)) from error


@breaks("test_measuring_gives_raw_times")
class MeanOnly(OnnxRuntimeBackend):
    def measure(self, model, inputs, profile):
        samples = super().measure(model, inputs, profile)
        return replace(samples, times_ms={name: times.mean(keepdims=True) for name, times in samples.times_ms.items()})


@breaks("test_the_budget_ends_a_measurement")
class Tireless(OnnxRuntimeBackend):
    def measure(self, model, inputs, profile):
        samples = super().measure(model, inputs, profile)
        return replace(samples, times_ms={"compute": np.ones(profile.min_iterations)})


@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class NetworkOptions:
    size: int = 4


class Network(nn.Module):
    """One layer over a vector."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(size, size)

    def forward(self, x):
        return self.layer(x)


class Healthy:
    """A family that keeps its contract."""

    name = "healthy"
    ignored_checkpoint_prefixes: tuple[str, ...] = ()
    network: type[nn.Module] = Network

    @classmethod
    def parse_options(cls, options):
        return parse_options(NetworkOptions, options, cls.name)

    @classmethod
    def build(cls, options):
        return cls.network(options.size).eval()

    @classmethod
    def source_files(cls):
        return (Path(__file__),)


INPUTS = (InputSettings(name="x", shape=(1, 4)),)


def broken_family(clause: str, **attributes: Any) -> Any:
    """As ``breaks``; the class is the family, its methods need no instance."""
    made = breaks(clause, FamilyContract, inputs=INPUTS, **attributes)

    def instance(kind: type) -> type:
        made(kind)
        globals()[f"the_{kind.__name__}"] = kind()
        globals()[f"Test{kind.__name__}"].kind = f"{__name__}:the_{kind.__name__}"
        return kind

    return instance


@broken_family("test_the_network_is_ready_to_infer")
class Training(Healthy):
    @classmethod
    def build(cls, options):
        return Network(options.size)


@broken_family("test_source_files_hold_the_network")
class Unlisted(Healthy):
    @classmethod
    def source_files(cls):
        return (Path(torch.__file__),)


class ByChance(Network):
    def forward(self, x):
        return self.layer(x) + torch.rand(1)


@broken_family("test_every_build_is_the_same_network")
class Chancy(Healthy):
    network = ByChance


class Constant(Network):
    def forward(self, x):
        return x * 2


@broken_family("test_every_build_is_the_same_network")
class Weightless(Healthy):
    network = Constant


class Centred(Network):
    def forward(self, x):
        return self.layer(x - x.mean(0, keepdim=True))


@broken_family("test_samples_of_a_batch_do_not_disturb_each_other")
class Mixing(Healthy):
    network = Centred


class Frozen(Network):
    """Claims to be free of its batch size and holds it as a constant."""

    batch_free = True

    def forward(self, x):
        return self.layer(x).reshape(int(x.shape[0]), 4)


@broken_family("test_the_graph_computes_what_the_network_does")
class Promising(Healthy):
    network = Frozen


class Doubled(Network):
    def forward(self, x):
        return self.layer(x), x


@broken_family("test_outputs_are_the_named_ones")
class TwoOutputs(Healthy):
    network = Doubled


class Ragged(Network):
    def forward(self, x):
        return self.layer(x)[x[:, 0] > -9]


@broken_family("test_it_exports_at_opset_11_with_static_shapes")
class DataDependent(Healthy):
    network = Ragged


class Forgetful(Network):
    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.scale = 1.0

    def load_state_dict(self, state, strict=True):
        self.scale = 1.0 if strict else 1.0 + float(state["layer.bias"][0])
        return super().load_state_dict({name: value * 0 for name, value in state.items()}, strict=strict)


@broken_family("test_every_build_is_the_same_network")
class Deaf(Healthy):
    network = Forgetful
