"""Settings that only Ascend's tools know: how ATC converts. A leaf.

What the models of the project need has a key of its own; every other flag of ATC goes through ``convert.extra_args``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from harness.config.values import SCHEMA


@dataclass(config=SCHEMA)
class ConvertSettings:
    """How ATC converts (``atc --help``; ASCEND.md, section d). None leaves a flag out, so that ATC's default holds.

    ``auto`` is what the model asks for (``model.convert``); where it says nothing, ``input_format`` is NCHW for inputs
    of four dimensions. ``none`` leaves the flag out. ``extra_args`` maps any other flag, without its dashes, to its
    value.
    """

    input_format: Literal["auto", "none", "NCHW", "NCDHW", "ND"] = "auto"
    log: Literal["auto", "none", "debug", "info", "warning", "error", "null"] = "auto"
    output_type: str | None = None
    op_select_implmode: str | None = None
    optypelist_for_implmode: str | None = None
    extra_args: Mapping[str, Any] = Field(default_factory=dict)
