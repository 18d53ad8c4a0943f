"""What every section of the settings is made of: how strict it is, and the types of plain values. A leaf."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

SCHEMA = ConfigDict(extra="forbid", frozen=True)

PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
DType = Literal["float32", "float16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
