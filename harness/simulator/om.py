"""The stand-ins' OM file: the four letters of a real one, a description as JSON, and the ONNX file that it came from.

``IMOD`` (an engine of TensorRT has other letters), the length of the description (8 bytes, little endian), the
description, the ONNX file. Equal conversions give equal bytes: nothing in it says when or where it was made.
``aclruntime`` reads it without any library.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAGIC = b"IMOD"


def write_om(path: Path, description: Mapping[str, Any], onnx: bytes, magic: bytes = MAGIC) -> None:
    """Write the file, readable by all and writable by its owner only, as ais_bench wants it."""
    text = json.dumps({**description, "simulated": True}, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(magic + struct.pack("<Q", len(text)) + text + onnx)
    path.chmod(0o644)


def read_description(path: Path, magic: bytes = MAGIC) -> dict[str, Any]:
    """The description in the file.

    Raises:
        ValueError: it is not the stand-ins' format.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != magic or len(head) < 12:
            raise ValueError(f"{path}: not a file of the stand-ins")
        found: dict[str, Any] = json.loads(file.read(struct.unpack("<Q", head[4:])[0]))
    return found


def read_onnx(path: Path) -> bytes:
    """The ONNX file inside a file whose description can be read."""
    content = path.read_bytes()
    return content[12 + struct.unpack("<Q", content[4:12])[0] :]
