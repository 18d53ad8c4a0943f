"""A configuration's own test pipeline in the project's words, step by step; what the project does not do is named.

The steps are those of mmsegmentation 0.30 and mmaction2 0.24. Pure functions over what ``describe`` answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.config.model import PipelineSettings
from harness.errors import ConfigError

Step = Mapping[str, Any]

WITHOUT_EFFECT = frozenset(
    {
        *("LoadImageFromFile", "LoadAnnotations", "RandomFlip", "Flip"),
        *("ImageToTensor", "ToTensor", "DefaultFormatBundle", "Collect"),
        *("DecordInit", "DecordDecode", "OpenCVInit", "OpenCVDecode", "PyAVInit", "PyAVDecode", "RawFrameDecode"),
    }
)
"""Steps that read, or that do nothing in a test."""


@dataclass(frozen=True)
class Wanted:
    """What a configuration wants: its task, one sample's shape (without the batch), and how data gets there.

    ``batch_axes`` leading axes count samples; see ``harness.models.family.batch_axes``.
    """

    task: Literal["segmentation", "video"]
    shape: tuple[int, ...]
    pipeline: PipelineSettings
    batch_axes: int = 1


@dataclass
class _Read:
    """What has been read of a pipeline so far."""

    values: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    clips: int = 1
    frames: int = 1
    crop: int | None = None
    crops: int = 1

    def settings(self) -> PipelineSettings:
        return PipelineSettings(**self.values, refused=tuple(self.refused))


def wanted(described: Mapping[str, Any], mode: str) -> Wanted:
    """What the configuration that ``described`` comes from wants, with ``mode`` as ``model.options.mode``.

    Raises:
        ConfigError: it does not say how large its input is.
    """
    if described["library"] == "mmseg":
        return _segmentation(described, mode)
    return _video(described)


def _segmentation(described: Mapping[str, Any], mode: str) -> Wanted:
    read = _walk(described["pipeline"], _picture_step)
    test = described["test_cfg"]
    size = _pair(test.get("crop_size")) or _pair(described["crop_size"])
    if size is None:
        raise ConfigError(
            "model.inputs is missing: the configuration names no crop_size; give "
            "'model.inputs=[{name: input, shape: [1, 3, 512, 512]}]'"
        )
    if test.get("mode") == "slide":
        read.values["stride"] = _pair(test.get("stride")) or size
    elif mode != "slide":
        read.refused.append(
            f"test_cfg.mode={test.get('mode')}, for which a graph of fixed size would have to change with each picture "
            "(model.options.mode=slide evaluates it in windows, as the Ascend model zoo does)"
        )
    return Wanted("segmentation", (3, *size), read.settings())


def _video(described: Mapping[str, Any]) -> Wanted:
    read = _walk(described["pipeline"], _video_step)
    if read.crop is None:
        raise ConfigError(
            "model.inputs is missing: the test pipeline crops no square; give "
            "'model.inputs=[{name: input, shape: [1, 12, 3, 32, 224, 224]}]'"
        )
    read.values["crops"] = read.crops
    if described["test_cfg"].get("average_clips") != "prob":
        read.refused.append(f"test_cfg.average_clips={described['test_cfg'].get('average_clips')}")
    views = read.clips * read.crops
    if described["type"] == "Recognizer3D":
        return Wanted("video", (views, 3, read.frames, read.crop, read.crop), read.settings(), batch_axes=2)
    read.refused.append(f"{described['type']}, which takes single frames")
    return Wanted("video", (views * read.frames, 3, read.crop, read.crop), read.settings())


def _walk(steps: Sequence[Step], take: Callable[[_Read, str, Step], bool]) -> _Read:
    read = _Read()
    if not steps:
        read.refused.append("no test pipeline")
    for step in steps:
        kind = str(step.get("type"))
        if kind == "Normalize":
            _normalise(read, step)
        elif not take(read, kind, step) and kind not in WITHOUT_EFFECT:
            read.refused.append(kind)
    return read


def _normalise(read: _Read, step: Step) -> None:
    """Both libraries convert to RGB first, unless they are told not to."""
    if step.get("to_rgb") is False or step.get("to_bgr"):
        read.refused.append("Normalize of BGR")
        return
    read.values["mean"], read.values["std"] = tuple(step["mean"]), tuple(step["std"])


def _picture_step(read: _Read, kind: str, step: Step) -> bool:
    if kind == "MultiScaleFlipAug":
        scale = _pair(step.get("img_scale"))
        ratios = step.get("img_ratios")
        if scale is None or ratios not in (None, [1.0], [1]):
            read.refused.append("MultiScaleFlipAug with several scales")
        else:
            read.values["scale"] = (max(scale), min(scale))
        if step.get("flip"):
            read.refused.append("MultiScaleFlipAug with flip")
        inner = _walk(step.get("transforms") or [], _picture_step)
        read.values.update(inner.values)
        read.refused.extend(inner.refused)
        return True
    if kind == "Resize":
        if step.get("keep_ratio") is False:
            read.refused.append("Resize with keep_ratio=false")
        return True
    return False


def _video_step(read: _Read, kind: str, step: Step) -> bool:
    if kind == "SampleFrames":
        read.frames, read.clips = int(step["clip_len"]), int(step.get("num_clips", 1))
        read.values["interval"] = int(step.get("frame_interval", 1))
        if step.get("twice_sample"):
            read.refused.append("SampleFrames with twice_sample")
        return True
    if kind == "Resize":
        scale = step.get("scale")
        if isinstance(scale, Sequence) and len(scale) == 2 and -1 in scale and step.get("keep_ratio", True):
            read.values["short"] = int(max(scale))
        else:
            read.refused.append(f"Resize to {scale}")
        return True
    if kind in {"ThreeCrop", "CenterCrop", "TenCrop"}:
        size = _pair(step.get("crop_size"))
        read.crop = size[0] if size and size[0] == size[1] else None
        read.crops = {"ThreeCrop": 3, "CenterCrop": 1, "TenCrop": 10}[kind]
        if kind == "TenCrop":
            read.refused.append("TenCrop")
        if kind == "ThreeCrop" and read.values.get("short") != read.crop:
            read.refused.append(f"ThreeCrop of {read.crop} in frames of {read.values.get('short')}")
        return True
    return kind == "FormatShape"


def _pair(value: Any) -> tuple[int, int] | None:
    """One size as two; None for anything that is not one size."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, Sequence) and len(value) == 2 and all(isinstance(each, int) for each in value):
        return value[0], value[1]
    return None
