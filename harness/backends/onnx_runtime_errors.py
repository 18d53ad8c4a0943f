"""What ONNX Runtime raises, as the project's own one-line errors.

Its exceptions share no base class but live in ``onnxruntime.capi``; the texts below are those of versions 1.18 to 1.31.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError, OutOfMemoryError, UnsupportedError

OUT_OF_MEMORY = re.compile(
    r"bad_alloc|bad_array_new_length|failed to allocate memory|cannot allocate memory", re.IGNORECASE
)
UNSUPPORTED = re.compile(
    r"NOT_IMPLEMENTED|no op registered for|is not a registered function/op|could not find an implementation"
    r"|official(?:ly)? released? onnx opset|under development and support for this is limited",
    re.IGNORECASE,
)
PREFIX = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")
CPP_PLACE = re.compile(r"/\S*onnxruntime\S*\.(?:cc|h):\d+ .*?\) (?=[A-Z*])")
LONGEST = 300


@contextmanager
def translated(model: Path) -> Iterator[None]:
    """Turn what ONNX Runtime raises about ``model`` into a HarnessError, UnsupportedError or OutOfMemoryError."""
    try:
        yield
    except MemoryError as error:
        raise _translation(model, str(error) or "bad_alloc", OutOfMemoryError) from error
    except Exception as error:
        if not _is_runtimes(error):
            raise
        raise translation(model, str(error)) from error


def translation(model: Path, text: str) -> HarnessError:
    """The error for a message of ONNX Runtime about ``model``."""
    if OUT_OF_MEMORY.search(text):
        return _translation(model, text, OutOfMemoryError)
    return _translation(model, text, UnsupportedError if UNSUPPORTED.search(text) else HarnessError)


def _translation(model: Path, text: str, kind: type[HarnessError]) -> HarnessError:
    """The one line: what ONNX Runtime said, and what to do about it."""
    said = " ".join(CPP_PLACE.sub("", PREFIX.sub("", text)).split())
    said = said if len(said) <= LONGEST else said[: LONGEST - 3] + "..."
    advice = {
        OutOfMemoryError: "ran out of memory; use a smaller batchsize or a machine with more memory",
        UnsupportedError: "cannot run it; change the model or export.opset, or use another backend",
        HarnessError: "refused it; check that the file is a whole ONNX model and that the inputs are the model's",
    }[kind]
    return kind(f"{model.name}: ONNX Runtime {advice} ({said})")


def _is_runtimes(error: Exception) -> bool:
    """Whether ONNX Runtime raised it: by its module or, for the checks of its Python layer, by the words."""
    if type(error).__module__.startswith("onnxruntime."):
        return True
    return isinstance(error, ValueError) and "missing from input feed" in str(error)
