"""Runs an OM file in CANN's own Python for a harness that runs under another: needs Python 3.7, NumPy and ais_bench.

``python cann_worker.py MODEL DEVICE REQUESTS ANSWERS``: two file descriptors that carry one JSON document a line.
The first answer describes the model. The request ``{"data": FILE, "inputs": [...], "outputs": [...]}`` names a file
that both map, with the offset of each array; ``{"run": true}`` then infers the inputs in it and leaves the outputs
there. What ais_bench and CANN print goes to standard output. The worker ends when its requests do.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any, Iterable

import numpy as np

DOUBLE = {"double": "float64"}
"""Names of aclruntime's types that NumPy calls otherwise."""


def dtype_name(datatype: Any) -> str:
    """NumPy's name of a type as aclruntime prints it: ``dtype.float32``."""
    name = str(datatype).rpartition(".")[2]
    return DOUBLE.get(name, name)


def described(descs: Iterable[Any]) -> list[dict[str, Any]]:
    """Name, shape and dtype of each input or output."""
    return [
        {"name": each.name, "shape": [int(size) for size in each.shape], "dtype": dtype_name(each.datatype)}
        for each in descs
    ]


def mapped(path: str, descs: list[dict[str, Any]], offsets: list[int]) -> list[Any]:
    """Arrays over the shared file, one for each description."""
    return [
        np.memmap(path, dtype=desc["dtype"], mode="r+", offset=offset, shape=tuple(desc["shape"]))
        for desc, offset in zip(descs, offsets)
    ]


def serve(session: Any, requests: Any, answer: Any) -> None:
    """Answer requests until there are none."""
    inputs, outputs = described(session.get_inputs()), described(session.get_outputs())
    answer({"inputs": inputs, "outputs": outputs})
    feeds: list[Any] = []
    slots: list[Any] = []
    for line in requests:
        request = json.loads(line)
        if "data" in request:
            feeds = mapped(request["data"], inputs, request["inputs"])
            slots = mapped(request["data"], outputs, request["outputs"])
            answer({"ok": True})
            continue
        made = session.infer([np.asarray(feed) for feed in feeds], mode="static")
        if len(made) != len(slots):
            raise RuntimeError(f"the model gave {len(made)} outputs, expected {len(slots)}")
        for slot, array in zip(slots, made):
            slot[...] = np.asarray(array).reshape(slot.shape)
        answer({"ok": True})


def main(arguments: list[str]) -> int:
    """Open the model and serve; the last answer of a failure is ``{"error": WORDS}``."""
    model, device, request_fd, answer_fd = arguments
    with os.fdopen(int(answer_fd), "w") as answers, os.fdopen(int(request_fd)) as requests:

        def answer(document: dict[str, Any]) -> None:
            answers.write(json.dumps(document) + "\n")
            answers.flush()

        try:
            from ais_bench.infer.interface import InferSession

            session = InferSession(int(device), model)
            serve(session, requests, answer)
            session.free_resource()
            InferSession.finalize()
        except Exception as error:
            traceback.print_exc()
            sys.stdout.flush()
            answer({"error": f"{type(error).__name__}: {error}"})
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
