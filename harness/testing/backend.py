"""The contract of a backend: what ``harness.backends.protocol`` asks for, as tests that a subclass inherits."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from harness.backends.protocol import Array, Backend, reads
from harness.backends.registry import backend, backend_options, backend_type
from harness.config.schema import BackendSettings, MeasureSettings, PrecisionSettings
from harness.errors import HarnessError, UnsupportedError
from harness.testing.isolation import loaded_by, one_line
from harness.testing.network import Example, tiny_network, unknown_operator

DTYPES = get_args(get_type_hints(PrecisionSettings)["dtype"])

COUNTED = MeasureSettings(
    name="counted", rounds=1, warmup_iterations=2, warmup_s=0, min_iterations=7, min_time_s=0, budget_s=600
)
HURRIED = MeasureSettings(
    name="hurried", rounds=1, warmup_iterations=1, warmup_s=0, min_iterations=10**7, min_time_s=3600, budget_s=0.2
)
"""More than anybody can do in the budget: a backend stops when it is spent, after ``floor_iterations`` at least."""


class BackendContract:
    """Subclass it as ``TestMine(BackendContract)``, set ``kind``, and pytest checks the backend.

    On a machine without the device mark the subclass with ``pytest.mark.skipif``.
    """

    kind: ClassVar[str]
    """What a YAML in ``conf/backend`` names: an entry point of ``harness.backends``, or ``package.module:Class``."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Valid options, as in the YAML."""
    precision: ClassVar[PrecisionSettings] = PrecisionSettings(name="fp32", dtype="float32")
    """One that the backend computes in."""
    tolerance: ClassVar[float] = 1e-4
    """How far an output may lie from NumPy's float32, absolutely and relatively; 1e-2 suits float16."""
    heavy: ClassVar[tuple[str, ...]] = (
        "torch",
        "onnx",
        "onnxruntime",
        "onnxsim",
        "mlflow",
        "tensorrt",
        "acl",
        "aclruntime",
    )
    """Modules that must not be loaded by importing or making the backend; name your runtime's as well."""

    def example(self, folder: Path) -> Example:
        """A model to check with; override it where the device cannot run the tiny one (Gemm, Relu, Add; opset 11)."""
        return tiny_network(folder)

    def make(self) -> Backend:
        """The backend with the options of the class; override it for one that must be told a cell (`for_cell`)."""
        return backend(self._settings())

    @pytest.fixture
    def made(self) -> Backend:
        """The backend as ``make`` gives it."""
        return self.make()

    @pytest.fixture
    def given(self, tmp_path: Path) -> Example:
        """The example in a folder of its own."""
        return self.example(tmp_path)

    @pytest.fixture
    def converted(self, made: Backend, given: Example, tmp_path: Path) -> Path:
        """The example in the device's own format."""
        return self._converted(made, given.model, tmp_path)

    def test_importing_and_making_it_loads_no_runtime(self) -> None:
        """The command line is checked on machines that lack the device, and has to be quick."""
        code = (
            "from harness.backends.registry import backend; from harness.config.schema import BackendSettings;"
            f"backend(BackendSettings(name='checked', kind={self.kind!r}, default_precision='fp32',"
            f" options={dict(self.options)!r}))"
        )
        assert loaded_by(code, self.heavy) == []

    def test_it_says_what_it_is(self) -> None:
        """``name`` goes into tables and paths; ``boundary`` says what the latency is; ``reads`` takes suffixes."""
        found = backend_type(self.kind)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", found.name), "name: letters, digits, _ . and -"
        assert found.boundary in {"compute", "end_to_end"}
        assert all(re.fullmatch(r"\.[A-Za-z0-9]+", suffix) for suffix in reads(found)), (
            'reads: suffixes such as (".om",)'
        )

    def test_options_are_checked_by_name(self) -> None:
        """A typing error in an option must not pass for a default."""
        checked = backend_options(self.kind)
        options = checked.validate_python(json.loads(json.dumps(dict(self.options))))
        assert dataclasses.is_dataclass(options)
        assert options == checked.validate_python(dict(self.options))
        with pytest.raises(ValidationError) as caught:
            checked.validate_python({**self.options, "no_such_option": 1})
        assert "no_such_option" in str(caught.value)
        if dataclasses.fields(options):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(options, dataclasses.fields(options)[0].name, None)

    def test_a_precision_is_taken_or_refused_by_name(self, made: Backend, given: Example, tmp_path: Path) -> None:
        """Silently computing in something else than was asked for is the worst that a benchmark can do."""
        made.check_precision(self.precision)
        for dtype in DTYPES:
            asked = PrecisionSettings(name="asked_for", dtype=dtype)
            refusal = _refusal(made, asked)
            if refusal is not None:
                assert "asked_for" in one_line(refusal)
                with pytest.raises(UnsupportedError):
                    made.convert(given.model, tmp_path / "refused", asked)

    def test_tools_are_names_and_versions(self, made: Backend) -> None:
        """They are part of cache keys and of the fingerprint: equal backends say the same, every time."""
        tools = made.tools()
        assert TypeAdapter(dict[str, str]).validate_python(dict(tools), strict=True)
        assert all("\n" not in f"{name}{value}" for name, value in tools.items())
        assert dict(tools) == dict(made.tools()) == dict(backend(self._settings()).tools())

    def test_converting_leaves_the_onnx_file_alone(self, made: Backend, given: Example, tmp_path: Path) -> None:
        """The result is a file of its own, or the ONNX file where the runtime reads it (then ``reads`` has .onnx)."""
        before = _sha256(given.model)
        result = self._converted(made, given.model, tmp_path)
        assert result.is_file()
        assert _sha256(given.model) == before
        assert result == given.model or result.parent == tmp_path / "made"
        if ".onnx" in reads(made):
            assert result == given.model

    def test_outputs_are_right_and_in_the_models_order(self, made: Backend, given: Example, converted: Path) -> None:
        """Parity and accuracy depend on it."""
        with made.load(converted) as session:
            outputs = session.run(given.inputs)
        assert len(outputs) == len(given.outputs)
        for output, wanted in zip(outputs, given.outputs, strict=True):
            assert isinstance(output, np.ndarray)
            assert output.shape == wanted.shape
            np.testing.assert_allclose(output, wanted, rtol=self.tolerance, atol=self.tolerance)

    def test_runs_do_not_disturb_each_other(self, made: Backend, given: Example, converted: Path) -> None:
        """Evaluation keeps the outputs of one batch while the next one runs, and gives the same arrays again."""
        inputs = {name: array.copy() for name, array in given.inputs.items()}
        with made.load(converted) as session:
            first = session.run(inputs)
            kept = [output.copy() for output in first]
            session.run({name: array[::-1].copy() for name, array in inputs.items()})
            for output, copy in zip(first, kept, strict=True):
                np.testing.assert_array_equal(output, copy, "a later run wrote into an earlier output")
            for output, copy in zip(session.run(inputs), kept, strict=True):
                np.testing.assert_array_equal(output, copy, "equal inputs gave other outputs")
        for name, array in given.inputs.items():
            np.testing.assert_array_equal(inputs[name], array, "the inputs were written into")

    def test_a_model_can_be_opened_again(self, made: Backend, given: Example, converted: Path) -> None:
        """Closing a session gives the device back."""
        for _ in range(2):
            with made.load(converted) as session:
                assert len(session.run(given.inputs)) == len(given.outputs)

    @pytest.mark.parametrize("wrong", ["missing", "unknown", "shape", "dtype"])
    def test_wrong_inputs_are_refused(self, made: Backend, given: Example, converted: Path, wrong: str) -> None:
        """In one line, whether run or measured; what runtimes raise by themselves is no message for a user."""
        inputs = _spoilt(given.inputs, wrong)
        with made.load(converted) as session, pytest.raises(HarnessError) as caught:
            session.run(inputs)
        one_line(caught.value)
        with pytest.raises(HarnessError):
            made.measure(converted, inputs, COUNTED)

    @pytest.mark.parametrize("content", [None, b"", b"not a model"], ids=["absent", "empty", "junk"])
    def test_a_file_that_is_no_model_is_refused(
        self, made: Backend, converted: Path, content: bytes | None, tmp_path: Path
    ) -> None:
        """With its name, in one line."""
        path = tmp_path / f"broken{converted.suffix}"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(HarnessError) as caught, made.load(path):
            pass
        assert "broken" in one_line(caught.value)

    def test_an_unknown_operator_is_unsupported(self, made: Backend, tmp_path: Path) -> None:
        """The cell then ends as ``unsupported``, not as failed: in converting or, at the latest, in loading."""
        model = unknown_operator(tmp_path)
        with pytest.raises(UnsupportedError) as caught:
            made.load(self._converted(made, model, tmp_path)).__exit__(None, None, None)
        one_line(caught.value)

    def test_measuring_gives_raw_times(self, made: Backend, given: Example, converted: Path) -> None:
        """As many as the profile asks for, in ms, of the boundary that the backend names."""
        samples = made.measure(converted, given.inputs, COUNTED)
        assert made.boundary in samples.times_ms
        for times in (*samples.times_ms.values(), samples.warmup_ms):
            assert times.dtype == np.float64
            assert times.ndim == 1
            assert np.isfinite(times).all()
        times = samples.times_ms[made.boundary]
        assert times.size >= COUNTED.min_iterations
        assert (times > 0).all()
        assert {each.size for each in samples.times_ms.values()} == {times.size}
        assert samples.load_s >= 0
        assert samples.window_s * 1000 >= times.max()
        json.dumps(dict(samples.conditions))

    def test_the_budget_ends_a_measurement(self, made: Backend, given: Example, converted: Path) -> None:
        """But not before ``floor_iterations``."""
        samples = made.measure(converted, given.inputs, HURRIED)
        assert HURRIED.floor_iterations <= samples.times_ms[made.boundary].size < HURRIED.min_iterations

    def _settings(self) -> BackendSettings:
        return BackendSettings(
            name="checked", kind=self.kind, default_precision=self.precision.name, options=dict(self.options)
        )

    def _converted(self, made: Backend, model: Path, folder: Path) -> Path:
        """As the stage convert does it: the target has no suffix, the backend may add one."""
        (folder / "made").mkdir(exist_ok=True)
        return made.convert(model, folder / "made" / "model", self.precision)


def _refusal(made: Backend, precision: PrecisionSettings) -> UnsupportedError | None:
    """What the backend says to a precision that it does not do."""
    try:
        made.check_precision(precision)
    except UnsupportedError as error:
        return error
    return None


def _spoilt(inputs: Mapping[str, Array], wrong: str) -> dict[str, Array]:
    """The inputs with one thing wrong."""
    name, array = next(iter(inputs.items()))
    if wrong == "missing":
        return {other: value for other, value in inputs.items() if other != name}
    if wrong == "unknown":
        return {**inputs, "no_such_input": array}
    return {**inputs, name: array[..., :-1].copy() if wrong == "shape" else array.astype(np.float64)}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
