"""What torch raises, as the project's own one-line errors. The texts are those of torch 2.4 to 2.13."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import HarnessError, OutOfMemoryError, UnsupportedError

DEVICE_MEMORY = re.compile(r"CUDA (?:error: )?out of memory|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation")
HOST_MEMORY = re.compile(r"DefaultCPUAllocator: (?:can't allocate|not enough) memory|bad_alloc|Cannot allocate memory")
UNSUPPORTED = re.compile(
    r"not implemented for '|is not implemented for|not compiled with CUDA|no kernel image is available"
    r"|Found no NVIDIA driver|driver .* is too old",
    re.IGNORECASE,
)
COMPILER = re.compile(r"torch\._(?:dynamo|inductor)\.|InvalidCxxCompiler|BackendCompilerFailed|triton", re.IGNORECASE)
LONGEST = 300


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what torch raises while it runs ``what`` into an OutOfMemoryError, UnsupportedError or HarnessError."""
    try:
        yield
    except HarnessError:
        raise
    except MemoryError as error:
        raise translation(what, "bad_alloc", "MemoryError") from error
    except RuntimeError as error:  # torch.OutOfMemoryError and NotImplementedError are kinds of it
        raise translation(what, str(error), f"{type(error).__module__}.{type(error).__name__}") from error


def translation(what: str, text: str, kind: str) -> HarnessError:
    """The error for a message of torch, raised as ``kind`` (module and name)."""
    said = " ".join(text.split())
    said = said if len(said) <= LONGEST else said[: LONGEST - 3] + "..."
    if DEVICE_MEMORY.search(text) or kind.endswith("OutOfMemoryError"):
        words = f"{what}: the GPU ran out of memory; use a smaller batchsize or precision=fp16 ({said})"
        return OutOfMemoryError(words, reason="device_out_of_memory")
    if HOST_MEMORY.search(text):
        return OutOfMemoryError(
            f"{what}: torch ran out of the host's memory; use a smaller batchsize or a machine with more ({said})"
        )
    if COMPILER.search(kind) or COMPILER.search(text):
        words = f"{what}: torch.compile failed; it needs a C++ compiler on the CPU and Triton on a GPU ({said})"
        return UnsupportedError(words, reason="compile", hint="leave backend.options.compile=true out")
    if UNSUPPORTED.search(text):
        return UnsupportedError(f"{what}: torch cannot do this here ({said}); use precision=fp32 or another backend")
    return HarnessError(f"{what}: torch refused it ({said})", reason="torch")
