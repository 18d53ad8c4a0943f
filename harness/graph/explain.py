"""Why ONNX Runtime does not take a user's file: the operator or the node, and what would help, in one line.

The texts are those of ONNX Runtime 1.18 to 1.31.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.backends.onnx_runtime_errors import translation
from harness.errors import HarnessError, UnsupportedError

OPERATOR = re.compile(
    r"No Op registered for (\S+)|(\S+?)\(-?\d+\) is not a registered function/op"
    r"|[Cc]ould not find an implementation for (\w+)"
)
NODE = re.compile(
    r"running (\w+) node\. Name:'([^']*)' Status Message: (.*)|Node \(([^)]*)\) Op \((\w+)\) (.*)", re.DOTALL
)
PLACE = re.compile(r"/\S*onnxruntime\S*\.(?:cc|h):\d+ .*?\) (?=[A-Za-z*])")
OPSET = re.compile(r"opset (\d+) is under development|unsupported model IR version: (\d+)", re.IGNORECASE)
LONGEST = 240

IN_THE_WAY = "the graph may hold a size of its export, such as its batch, as a constant: use that, or export it open"
OUT_OF_TABLE = "an integer input points outside a table: bound it as in 'model.inputs=[{name: ids, low: 0, high: 100}]'"


def explained(file: str, batchsize: int, text: str) -> HarnessError:
    """The error for what ONNX Runtime said about a user's ``file``.

    Returns:
        UnsupportedError for a missing operator or opset, with the operator named; OutOfMemoryError; else HarnessError
        with the reason ``not_runnable`` and the node where it stopped.
    """
    error = translation(Path(file), text)
    if operator := OPERATOR.search(text):
        name = next(group for group in operator.groups() if group)
        return UnsupportedError(f"{file}: ONNX Runtime has no operator {name}; use a backend that has, or replace it")
    if opset := OPSET.search(text):
        version = f"opset {opset[1]}" if opset[1] else f"IR version {opset[2]}"
        return UnsupportedError(f"{file}: {version} is newer than this ONNX Runtime; update it, or export an older one")
    if type(error) is not HarnessError:
        return error
    where, said = _node(text)
    words = f"{file} at batchsize={batchsize}: ONNX Runtime stopped{where} ({said})"
    if re.search(r"indices? element out of|out of data bounds|index .{0,40}out of (?:bounds|range)", text):
        return HarnessError(words, reason="not_runnable", hint=OUT_OF_TABLE)
    return HarnessError(words, reason="not_runnable", hint=IN_THE_WAY if where else None)


def _node(text: str) -> tuple[str, str]:
    """`` in the Reshape node 'name'`` and the reason; an empty place where ONNX Runtime names none."""
    found = NODE.search(text)
    if found is None:
        return "", _short(text)
    kind, name, reason = (found[1], found[2], found[3]) if found[1] else (found[5], found[4], found[6])
    return f" in the {kind} node{f' {name}' if name else ''}", _short(reason)


def _short(text: str) -> str:
    words = " ".join(PLACE.sub("", re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)).split())
    return words if len(words) <= LONGEST else words[: LONGEST - 3] + "..."
