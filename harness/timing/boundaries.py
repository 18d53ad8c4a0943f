"""What bounds a cell: its compute, its copies, or its host; from the means of one batch by boundary. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

ENQUEUE_SHARE = 0.8
"""A host that needs more than this share of the compute time to start the work holds it up (trtexec's warning)."""
SMALLER_OUTPUT = 16
"""How much less a segmentation network has to copy that leaves its last resize, by 4 each way, to the host."""

Bound = Literal["transfer-bound", "host-bound"]


def with_end_to_end(means_ms: Mapping[str, float]) -> dict[str, float]:
    """The means with ``end_to_end`` added (H2D + compute + D2H) where copies are known and it is not there."""
    found = dict(means_ms)
    if "compute" in found and "end_to_end" not in found and ("h2d" in found or "d2h" in found):
        found["end_to_end"] = found.get("h2d", 0.0) + found["compute"] + found.get("d2h", 0.0)
    return found


def bound(means_ms: Mapping[str, float]) -> Bound | None:
    """``transfer-bound`` where a copy takes as long as the compute, ``host-bound`` where starting the work nearly does.

    These are trtexec's rules (PEERS.md R5). None where neither holds, or nothing is known of copies and host.
    """
    compute = means_ms.get("compute")
    if compute is None:
        return None
    if max(means_ms.get("h2d", 0.0), means_ms.get("d2h", 0.0)) >= compute:
        return "transfer-bound"
    return "host-bound" if means_ms.get("enqueue", 0.0) > ENQUEUE_SHARE * compute else None


def with_smaller_output(means_ms: Mapping[str, float], batchsize: int, factor: float = SMALLER_OUTPUT) -> float | None:
    """End-to-end samples/s if the output were ``factor`` times smaller; None where its copy is not known."""
    total, d2h = means_ms.get("end_to_end"), means_ms.get("d2h")
    if total is None or d2h is None:
        return None
    return 1000 * batchsize / (total - d2h * (1 - 1 / factor))
