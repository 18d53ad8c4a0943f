"""The family ``upernet_swin``: UPerNet segmentation on a Swin Transformer (swin97 to swin100 and smaller ones)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from harness.models.options import Positive, as_pair, check_stages, parse_options

if TYPE_CHECKING:
    from harness.models.upernet import UPerNetSwin


@dataclass(config=ConfigDict(extra="forbid", frozen=True))
class UPerNetSwinOptions:
    """The network's shape, in the words of mmsegmentation's configurations; the defaults are swin98's.

    Attributes:
        image_size: input height and width in pixels; in the YAML one number means a square.
        embed_dims: channels of the first stage; each further stage has twice as many.
        depths, num_heads: blocks and attention heads of each stage.
        window_size: side of an attention window in tokens.
        mlp_ratio: hidden channels of a feed-forward layer over its channels.
        decode_channels: channels of the decode head.
        num_classes: classes that are told apart.
    """

    image_size: Annotated[tuple[Positive, Positive], BeforeValidator(as_pair)] = (512, 512)
    embed_dims: Positive = 96
    depths: tuple[Positive, ...] = (2, 2, 18, 2)
    num_heads: tuple[Positive, ...] = (3, 6, 12, 24)
    window_size: Annotated[int, Field(ge=2)] = 7
    mlp_ratio: Annotated[float, Field(gt=0)] = 4.0
    decode_channels: Positive = 512
    num_classes: Positive = 150

    @model_validator(mode="after")
    def _stages_agree(self) -> UPerNetSwinOptions:
        check_stages(self.embed_dims, self.depths, self.num_heads)
        return self


class UPerNetSwinFamily:
    """Builds :class:`harness.models.upernet.UPerNetSwin` from :class:`UPerNetSwinOptions`."""

    name = "upernet_swin"
    ignored_checkpoint_prefixes = ("auxiliary_head.",)

    def parse_options(self, options: Mapping[str, Any]) -> UPerNetSwinOptions:
        """The validated options; raises ConfigError."""
        return parse_options(UPerNetSwinOptions, options, self.name)

    def build(self, options: UPerNetSwinOptions) -> UPerNetSwin:
        """The network in eval mode: (batch, 3, height, width) -> (batch, classes, height, width) logits, float32."""
        from harness.models.upernet import UPerNetSwin

        return UPerNetSwin(
            options.image_size,
            embed_dims=options.embed_dims,
            depths=options.depths,
            num_heads=options.num_heads,
            window_size=options.window_size,
            mlp_ratio=options.mlp_ratio,
            decode_channels=options.decode_channels,
            num_classes=options.num_classes,
        ).eval()

    def source_files(self) -> tuple[Path, ...]:
        """This module and those that hold the network's arithmetic and weights."""
        here = Path(__file__)
        names = ("folding", "geometry", "padding", "resample", "swin", "upernet", "weights", "windows")
        return (here, *(here.with_name(f"{name}.py") for name in names))


FAMILY = UPerNetSwinFamily()
