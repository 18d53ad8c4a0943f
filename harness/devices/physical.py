"""The name of a physical device on this machine, the same for every user and process: what a lock on it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.devices import npu, registry

CPU = "cpu"


def physical_name(name: str, environment: Mapping[str, str] | None = None, device_id: int | None = None) -> str:
    """``cpu``, ``npu4-chip0``, ``GPU-5f3c...``: letters, digits, ``-``, ``_`` and ``.`` only.

    ``name`` is a soc_version; ``device_id`` tells several of one kind apart, None is the first. An NPU is known by its
    card and chip and a GPU by its UUID, which are those of the machine inside a container too; device ids are not.

    Raises:
        HarnessError: the device is not here, or its tool cannot say.
    """
    if name == CPU:
        return CPU
    if name.startswith("Ascend"):
        row = npu.chosen(name, environment, device_id).row
        return f"npu{row.npu_id}-chip{row.chip_id or 0}"
    facts = registry.describe(name, environment, device_id)
    known = facts.get("uuid") or facts.get("bus_id") or f"{name}-{device_id or 0}"
    return re.sub(r"[^A-Za-z0-9_.-]", "-", str(known))
