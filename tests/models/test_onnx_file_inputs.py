"""Which dimension is the batch, what is asked for, and what the random values are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.inputs import random_inputs
from harness.config.model import InputSettings
from harness.errors import ConfigError, HarnessError, UnsupportedError
from harness.models.onnx_file import FileInput, OnnxFile
from harness.models.onnx_inputs import static_inputs

Shape = tuple[int | str | None, ...]


def file_of(**shapes: Shape) -> OnnxFile:
    inputs = tuple(FileInput(name, "float32", shape) for name, shape in shapes.items())
    return OnnxFile(Path("net.onnx"), inputs, ("y",), 17, "fp32")


def shapes_of(file: OnnxFile, batchsize: int, *, dims: dict[str, int] | None = None, given: tuple = ()) -> dict:
    inputs, _ = static_inputs(file, batchsize, dims or {}, given)
    return {spec.name: spec.shape for spec in inputs}


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"x": ("N", 3)}, {"x": (4, 3)}),
        ({"x": (None, 3)}, {"x": (4, 3)}),
        ({"x": ("unk__7", 3), "z": ("unk__8", 2)}, {"x": (4, 3), "z": (4, 2)}),
        ({"x": ("batch", 3), "state": (2, "batch", 8)}, {"x": (4, 3), "state": (2, 4, 8)}),
        ({"x": ("s0", 3), "state": (2, "s0", 8)}, {"x": (4, 3), "state": (2, 4, 8)}),
        ({"text": ("text_batch_size", 7), "image": ("image_batch_size", 3)}, {"text": (4, 7), "image": (4, 3)}),
        ({"x": ("N", 3), "anchors": (100, 2), "scale": (1,)}, {"x": (4, 3), "anchors": (100, 2), "scale": (1,)}),
        ({"x": (4, 3, 9), "anchors": (10, 2)}, {"x": (4, 3, 9), "anchors": (10, 2)}),
        ({"x": ("N", 3), "threshold": ()}, {"x": (4, 3), "threshold": ()}),
    ],
)
def test_the_batch_is_found(shapes: dict[str, Shape], expected: dict) -> None:
    assert shapes_of(file_of(**shapes), 4) == expected


def test_a_name_that_stands_on_a_later_axis_elsewhere_is_no_batch() -> None:
    file = file_of(tokens=("rows", "length"), positions=("length",))
    with pytest.raises(ConfigError, match=r"model\.dims\.length=SIZE$"):
        shapes_of(file, 4)
    assert shapes_of(file, 4, dims={"length": 9}) == {"tokens": (4, 9), "positions": (9,)}


def test_a_product_with_the_batch_is_not_the_batch() -> None:
    file = file_of(x=("batch", "seq"), flat=("batch*seq", 8))
    with pytest.raises(ConfigError, match=r"model\.dims\.seq=SIZE model\.dims\.flat\.0=SIZE"):
        shapes_of(file, 4)
    assert shapes_of(file, 4, dims={"seq": 3, "flat.0": 12}) == {"x": (4, 3), "flat": (12, 8)}


def test_sizes_may_be_given_by_name_by_axis_or_as_a_shape() -> None:
    file = file_of(x=("N", "height", None), mask=("N", "height"))
    expected = {"x": (2, 8, 5), "mask": (2, 8)}
    assert shapes_of(file, 2, dims={"height": 8, "x.2": 5}) == expected
    assert shapes_of(file, 2, given=(InputSettings(name="x", shape=(2, 8, 5)),)) == expected
    assert shapes_of(file, 2, dims={"x.2": 5}, given=(InputSettings(name="mask", shape=(2, 8)),)) == expected


def test_an_input_whose_name_has_dots_can_be_meant() -> None:
    assert shapes_of(file_of(**{"input.1": ("N", None)}), 2, dims={"input.1.1": 6}) == {"input.1": (2, 6)}


def test_a_first_axis_that_is_given_is_not_the_batch() -> None:
    file = file_of(x=("N", 3), rois=("count", 5))
    assert shapes_of(file, 2, dims={"count": 7}) == {"x": (2, 3), "rois": (7, 5)}


@pytest.mark.parametrize(
    ("shapes", "dims", "given", "told"),
    [
        ({"x": ("N", 3)}, {"N": 3}, (), ["N is the batch", "batchsize=4"]),
        ({"x": ("N", 3)}, {"height": 3}, (), ["no such dimension", "it leaves open N"]),
        ({"x": (4, 3)}, {"x.1": 5}, (), ["model.dims.x.1=5", "has 3 fixed there"]),
        ({"x": ("N", "h"), "z": ("N", "h")}, {"h": 2}, (("x", (4, 3)),), ["x has 3 on axis 1, but h is 2"]),
        ({"x": ("N", 3)}, {}, (("x", (4, 3, 1)),), ["2 dimensions [N, 3]"]),
        ({"x": ("N", 3)}, {}, (("x", (4, 5)),), ["3 fixed on axis 1, not 5"]),
        ({"image": ("N", 3)}, {}, (("imgae", (4, 3)),), ["no input imgae; did you mean image?"]),
    ],
)
def test_what_does_not_fit_the_file_is_refused(shapes, dims, given, told) -> None:
    specs = tuple(InputSettings(name=name, shape=shape) for name, shape in given)
    with pytest.raises(ConfigError) as refused:
        shapes_of(file_of(**shapes), 4, dims=dims, given=specs)
    for part in told:
        assert part in str(refused.value)


@pytest.mark.parametrize("shapes", [{"x": (8, 3)}, {"x": (8, 3, 9), "z": (4, 2)}, {"x": (3,), "t": ()}, {"t": ()}])
def test_a_throughput_is_never_reported_for_another_batch_than_was_computed(shapes: dict[str, Shape]) -> None:
    with pytest.raises(UnsupportedError, match="batchsize=4"):
        shapes_of(file_of(**shapes), 4)


@pytest.mark.parametrize(
    ("dtype", "rows", "bounds"),
    [
        ("int64", None, (0, 2)),
        ("int32", 30522, (0, 30522)),
        ("int64", 1, (-1, 1)),
        ("int8", 300, (0, 128)),
        ("uint8", None, (None, None)),
        ("bool", None, (None, None)),
        ("float32", None, (None, None)),
        ("float32", 9, (0, 9)),
    ],
)
def test_values_are_drawn_from_where_they_are_valid(dtype: str, rows: int | None, bounds: tuple) -> None:
    file = OnnxFile(Path("net.onnx"), (FileInput("x", dtype, ("N", 50), rows),), ("y",), 17, "fp32")
    (spec,), notes = static_inputs(file, 2, {}, ())
    assert (spec.low, spec.high) == bounds
    assert bool(notes) == (bounds != (None, None)), "what was assumed is said"
    values = random_inputs([spec], 0)["x"]
    assert (values.shape, str(values.dtype)) == ((2, 50), dtype)
    if rows:
        assert values.max() < rows
        assert values.min() >= -rows


def test_a_range_of_the_users_wins() -> None:
    file = OnnxFile(Path("net.onnx"), (FileInput("x", "int64", ("N", 5), 100),), ("y",), 17, "fp32")
    (spec,), notes = static_inputs(file, 2, {}, (InputSettings(name="x", low=5, high=7),))
    assert (spec.shape, spec.dtype, spec.low, spec.high, notes) == ((2, 5), "int64", 5, 7, ())


sizes = st.one_of(st.integers(1, 6), st.sampled_from(["N", "batch", "h", "w", "seq", "s0"]), st.none())


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(sizes, max_size=4).map(tuple), min_size=1),
    st.integers(1, 6),
    st.dictionaries(st.sampled_from(["h", "w", "seq", "s0", "a.1", "b.2"]), st.integers(1, 9)),
)
def test_any_file_gets_static_shapes_that_agree_or_one_line(
    shapes: dict[str, Shape], batchsize: int, dims: dict
) -> None:
    file = file_of(**shapes)
    found, refusal = None, ""
    try:
        found = shapes_of(file, batchsize, dims=dims)
    except HarnessError as error:
        refusal = str(error)
    if found is None:
        assert refusal
        assert "\n" not in refusal
        return
    seen: dict[str, int] = {}
    for each in file.inputs:
        assert len(found[each.name]) == len(each.shape)
        for axis, (declared, size) in enumerate(zip(each.shape, found[each.name], strict=True)):
            assert size >= 1
            if isinstance(declared, int):
                assert size == declared
            elif declared is not None and f"{each.name}.{axis}" not in dims:
                assert seen.setdefault(declared, size) == size, "one name, one size"
            if declared in {"N", "batch"} and f"{each.name}.{axis}" not in dims:
                assert size == batchsize
