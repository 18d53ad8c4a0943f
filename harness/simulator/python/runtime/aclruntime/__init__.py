"""A stand-in for Ascend's ``aclruntime`` 0.0.2, for machines without an NPU: computes on the CPU, tells seeded times.

The interface is that of ``ais_bench/backend`` 0.0.2 (ASCEND.md, section c); the genuine ais_bench runs on it unchanged.
Needs Python 3.7 and NumPy; ONNX Runtime here, or in the Python that ``HARNESS_SIMULATOR_PYTHON`` names.
"""

from aclruntime._session import InferenceSession, infer_options, model, session_options, sumary
from aclruntime._tensor import BaseTensor, MemorySummary, Tensor, dtype, tensor_desc

__version__ = "0.0.2"
__all__ = [
    "BaseTensor",
    "InferenceSession",
    "MemorySummary",
    "Tensor",
    "dtype",
    "infer_options",
    "model",
    "session_options",
    "sumary",
    "tensor_desc",
]
