"""Computes for a stand-in whose Python has no ONNX Runtime: ``python -m harness.simulator.compute NET.onnx OUT...``.

The protocol is that of ``aclruntime._compute``: messages behind their length (8 bytes, little endian) on standard
input and output, arrays as ``.npz``.
"""

from __future__ import annotations

import io
import os
import struct
import sys
from collections.abc import Sequence
from typing import BinaryIO


def main(arguments: Sequence[str]) -> int:
    """Answer requests until standard input ends."""
    import numpy as np
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    session = onnxruntime.InferenceSession(arguments[0], providers=["CPUExecutionProvider"])
    _send(answers, b"ready")
    while (request := _receive(sys.stdin.buffer)) is not None:
        try:
            with np.load(io.BytesIO(request)) as given:
                feeds = {bytes.fromhex(name[1:]).decode(): given[name] for name in given.files}
            buffer = io.BytesIO()
            np.savez(buffer, **{str(index): made for index, made in enumerate(session.run(arguments[1:], feeds))})
            _send(answers, buffer.getvalue())
        except Exception as error:
            _send(answers, f"{type(error).__name__}: {error}".encode())
    return 0


def _send(stream: BinaryIO, content: bytes) -> None:
    stream.write(struct.pack("<Q", len(content)))
    stream.write(content)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes | None:
    head = stream.read(8)
    return stream.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
