"""The settings of a model: its network or file, its inputs, its weights, and how its data are prepared. A leaf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from harness.config.values import SCHEMA, Count, DType, Name, PositiveFloat, PositiveInt


def _names_a_file(url: str) -> str:
    """Refuse an address whose path does not end in a plain file name, under which the file can be kept."""
    if not re.fullmatch(r"(https?://[^\s?#]+/[A-Za-z0-9][\w.-]*(\?\S*)?)|(package:[A-Za-z0-9][\w.-]*)", url, re.ASCII):
        raise ValueError("an http or https address that ends in a file name, such as https://host/net-ee2fff1c.pth")
    return url


def _flat(sizes: Any) -> Any:
    """Nested keys as dotted ones: ``model.dims.x.2=8`` comes as ``{x: {2: 8}}`` and means ``{"x.2": 8}``."""
    if not isinstance(sizes, Mapping):
        return sizes
    found: dict[str, Any] = {}
    for key, value in sizes.items():
        inner = _flat(value)
        below = {f"{key}.{name}": size for name, size in inner.items()} if isinstance(inner, Mapping) else {key: value}
        found |= {str(name): size for name, size in below.items()}
    return found


@dataclass(config=SCHEMA)
class InputSettings:
    """One network input: its ONNX name, static shape (batch axis first unless the model says otherwise) and data.

    ``low`` and ``high`` bound the seeded random values: uniform for integers (high exclusive); for floats a standard
    normal when both are absent, uniform in [low, high) otherwise. Of a model that comes as a file, ``shape`` and
    ``dtype`` may be left out: the file says what they are.
    """

    name: str
    shape: tuple[PositiveInt, ...] = ()
    dtype: DType = "float32"
    low: float | None = None
    high: float | None = None


@dataclass(config=SCHEMA)
class PretrainedSettings:
    """Published trained weights: where they are, and how the SHA-256 of the file begins.

    OpenMMLab writes the first eight digits of the hash at the end of a file's name (``...-ee2fff1c.pth``). None: the
    publisher states no hash. The address ``package:FILE`` means a file that travels with the harness, in
    ``harness/models/shipped``.
    """

    url: Annotated[str, AfterValidator(_names_a_file)]
    sha256_prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = None


@dataclass(config=SCHEMA)
class PublishedSettings:
    """An accuracy that somebody else published: on which data set, how it was evaluated, and who says so.

    ``metrics`` are in per cent, as published (``mIoU: 47.72``); ``mode`` is ``whole``, ``slide``, ``12 views``.
    """

    dataset: Name
    mode: str
    metrics: Mapping[str, float]
    source: str


@dataclass(config=SCHEMA)
class GraphSettings:
    """What is changed in the model's ONNX graph after simplification: names of rules, in order; none by default."""

    rules: tuple[str, ...] = ()


@dataclass(config=SCHEMA)
class PipelineSettings:
    """How a network wants its data prepared, where that is not what is usual for its task; None: as usual.

    ``mean`` and ``std`` are grey levels of red, green and blue. A picture is resized to fit into ``scale`` (long and
    short edge in pixels) and cut into windows of the input's size every ``stride`` (down, right). Of a video every
    ``interval``-th frame is looked at, resized to a ``short`` edge, in ``crops`` squares of the input's size.
    ``refused`` names what the network's own test pipeline does beyond that: with it no accuracy is computed.
    """

    mean: tuple[float, float, float] | None = None
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
    scale: tuple[PositiveInt, PositiveInt] | None = None
    stride: tuple[PositiveInt, PositiveInt] | None = None
    short: PositiveInt | None = None
    interval: PositiveInt | None = None
    crops: Literal[1, 3] | None = None
    refused: tuple[str, ...] = ()


@dataclass(config=SCHEMA)
class ModelSettings:
    """What network is measured; ``kind`` names its family, which validates ``options``, or the format of its ``file``.

    ``weights``: ``auto`` takes the published ones if they can be had, ``pretrained`` insists on them, ``random`` wants
    seeded random ones. A ``checkpoint`` wins over ``auto`` and ``pretrained``.

    A model of kind ``onnx`` or ``converted`` is a ``file`` of the user's. ``inputs`` and ``outputs`` may then be empty:
    before a sweep starts they are filled in from the file. ``dims`` gives sizes to open dimensions other than the
    batch, by their name in the file or as ``<input>.<axis>``. ``convert`` is what ``convert.input_format`` and
    ``convert.log`` mean for this model where they are ``auto``.

    A model of kind ``openmmlab`` is described by ``config``, a configuration of mmsegmentation 0.x or mmaction2 0.x:
    task, inputs, options and ``pipeline`` are filled in from it where they are left out.
    """

    name: Name
    kind: str
    task: Literal["segmentation", "video", "classification", "other"]
    inputs: tuple[InputSettings, ...] = ()
    outputs: tuple[str, ...] = ("output",)
    options: Mapping[str, Any] = Field(default_factory=dict)
    weights: Literal["auto", "pretrained", "random"] = "auto"
    pretrained: PretrainedSettings | None = None
    checkpoint: str | None = None
    seed: Count = 0
    graph: GraphSettings = Field(default_factory=GraphSettings)
    file: str | None = None
    config: str | None = None
    pipeline: PipelineSettings = Field(default_factory=PipelineSettings)
    dims: Annotated[Mapping[str, PositiveInt], BeforeValidator(_flat)] = Field(default_factory=dict)
    published: tuple[PublishedSettings, ...] = ()
    convert: Mapping[Literal["input_format", "log"], str] = Field(default_factory=dict)
