"""Reads the stand-ins' OM file: ``IMOD``, eight bytes of length, a description as JSON, the ONNX file."""

from __future__ import annotations

import json
import struct
from typing import Any

MAGIC = b"IMOD"


def read_om(path: str) -> tuple[dict[str, Any], bytes]:
    """The description and the ONNX file.

    Raises:
        ValueError: the file is of another format or cut short.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != MAGIC or len(head) < 12:
            raise ValueError("not an OM file")
        text = file.read(struct.unpack("<Q", head[4:])[0])
        description = json.loads(text.decode())
        return description, file.read()
