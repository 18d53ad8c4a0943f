"""The inputs and outputs of an engine, as trtexec names them in its log and writes them to files.

Formats: ``samples/common/sampleInference.cpp`` (``setUpInference``, ``dumpRawBindingToFiles``) and
``sampleReporting.cpp`` (``exportJSONOutput``) of TensorRT 7 to 11.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from harness.parsing.text import not_understood

_BINDING = re.compile(
    r"\b(?:Created (?P<old>input|output) binding for (?P<name>[^\n]+?) with dimensions (?P<dims>[0-9x]*)[ \t]*$"
    r"|(?P<new>Input|Output) binding for (?P<name2>[^\n]+?) with dimensions (?P<dims2>[0-9x]*)[ \t]+is created)",
    re.MULTILINE,
)
_FILE = re.compile(
    r"Writing file for (input|output) binding ([^\n]+?) \(with datatype (\w+) and dimensions ([0-9.]*)\) to ([^\n]+?)"
    r"[ \t]*$",
    re.MULTILINE,
)
DTYPES = {
    "float": "float32",
    "half": "float16",
    "int8": "int8",
    "uint8": "uint8",
    "int32": "int32",
    "int64": "int64",
    "bool": "bool",
}
"""NumPy's names of TensorRT's types, by how ``operator<<`` of ``DataType`` writes them, in small letters."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One input or output; ``dtype`` and ``file`` are None where the log does not say them."""

    name: str
    is_input: bool
    shape: tuple[int, ...]
    dtype: str | None = None
    file: str | None = None


def parse_bindings(text: str) -> tuple[Binding, ...]:
    """The bindings in the engine's order, which is that of the network; none where the log ends before them."""
    files = {found[2]: found for found in _FILE.finditer(text)}
    bindings: dict[str, Binding] = {}
    for found in _BINDING.finditer(text):
        name = found["name"] or found["name2"]
        written = files.get(name)
        dims = found["dims"] if found["dims"] is not None else found["dims2"]
        bindings.setdefault(
            name,
            Binding(
                name,
                (found["old"] or found["new"]).lower() == "input",
                tuple(int(size) for size in (dims or "").split("x") if size),
                DTYPES.get(written[3].lower()) if written else None,
                written[5] if written else None,
            ),
        )
    return tuple(bindings.values())


def parse_outputs(text: str) -> dict[str, tuple[tuple[int, ...], list[float]]]:
    """Shape and values by name in an ``--exportOutput`` file; values have six digits.

    Raises:
        ParseError: the text is not such a file.
    """
    expected = "the JSON list that --exportOutput writes"
    try:
        loaded: Any = json.loads(text)
        return {
            str(each["name"]): (
                tuple(int(size) for size in str(each["dimensions"]).split("x") if size),
                [float(value) for value in each["values"]],
            )
            for each in loaded
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        raise not_understood("trtexec --exportOutput", text, expected) from None
