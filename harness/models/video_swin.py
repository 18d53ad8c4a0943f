"""The family ``video_swin``: Video Swin Transformers with the I3D head (video_swin and smaller and larger ones)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from harness.models.options import Positive, as_pair, check_stages, parse_options

if TYPE_CHECKING:
    from harness.models.swin3d import VideoSwin


@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class VideoSwinOptions:
    """The network's shape, in the words of mmaction's configurations; the defaults are video_swin's (Swin3D-small).

    Attributes:
        frames: frames of a clip.
        image_size: height and width of a crop in pixels; in the YAML one number means a square.
        embed_dims: channels of the first stage; each further stage has twice as many.
        depths, num_heads: blocks and attention heads of each stage.
        patch_size: frames, rows and columns of pixels that become one token.
        window_size: frames, rows and columns of tokens in an attention window.
        mlp_ratio: hidden channels of a feed-forward layer over its channels.
        num_classes: classes that are told apart.
    """

    frames: Positive = 32
    image_size: Annotated[tuple[Positive, Positive], BeforeValidator(as_pair)] = (224, 224)
    embed_dims: Positive = 96
    depths: tuple[Positive, ...] = (2, 2, 18, 2)
    num_heads: tuple[Positive, ...] = (3, 6, 12, 24)
    patch_size: tuple[Positive, Positive, Positive] = (2, 4, 4)
    window_size: tuple[Positive, Positive, Positive] = (8, 7, 7)
    mlp_ratio: Annotated[float, Field(gt=0)] = 4.0
    num_classes: Positive = 400

    @model_validator(mode="after")
    def _stages_agree(self) -> VideoSwinOptions:
        check_stages(self.embed_dims, self.depths, self.num_heads)
        return self


class VideoSwinFamily:
    """Builds :class:`harness.models.swin3d.VideoSwin` from :class:`VideoSwinOptions`."""

    name = "video_swin"
    ignored_checkpoint_prefixes = ()
    batch_axes = 2
    """Videos and their views: each view goes through the network by itself."""

    def parse_options(self, options: Mapping[str, Any]) -> VideoSwinOptions:
        """The validated options; raises ConfigError."""
        return parse_options(VideoSwinOptions, options, self.name)

    def build(self, options: VideoSwinOptions) -> VideoSwin:
        """The network in eval mode: (batch, views, 3, frames, height, width) -> (batch * views, classes), float32."""
        from harness.models.swin3d import VideoSwin

        return VideoSwin(
            (options.frames, *options.image_size),
            embed_dims=options.embed_dims,
            depths=options.depths,
            num_heads=options.num_heads,
            patch_size=options.patch_size,
            window_size=options.window_size,
            mlp_ratio=options.mlp_ratio,
            num_classes=options.num_classes,
        ).eval()

    def source_files(self) -> tuple[Path, ...]:
        """This module and those that hold the network's arithmetic and weights."""
        here = Path(__file__)
        names = ("folding", "geometry", "padding", "swin3d", "weights", "windows")
        return (here, *(here.with_name(f"{name}.py") for name in names))


FAMILY = VideoSwinFamily()
