"""A cell gone on with elsewhere: what differed between its earlier and its later rounds, in words for its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.records.schema import Record

MIXED = "its rounds are not alike: "
"""How a note begins that says so."""
_FLEETING = frozenset({"kernel", "memory_total_bytes"})
"""What may change of a device between two starts of one machine."""


def mixed_rounds(
    before: Record | None, rounds: int, *, tools: Mapping[str, str], device: Mapping[str, Any], version: str
) -> tuple[str, ...]:
    """Notes on what changed after the rounds of ``before``, an earlier note included; none where nothing did.

    ``rounds``: how many there are now. ``version``: of the harness that measured the later ones.
    """
    if before is None or not before.repeats:
        return ()
    known = tuple(note for note in before.notes if note.startswith(MIXED))
    if rounds <= len(before.repeats):
        return known
    differing = [
        *_differing({"npu-harness": before.harness_version}, {"npu-harness": version}),
        *_differing(before.fingerprint.get("tools", {}), tools),
        *_differing(before.device, {key: value for key, value in device.items() if key not in _FLEETING}),
    ]
    if not differing:
        return known
    first = f"the first {len(before.repeats)} with" if len(before.repeats) > 1 else "the first with"
    return (*known, f"{MIXED}{first} {'; '.join(differing)} later")


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in new:
        if key in old and old[key] != new[key]:
            yield f"{key} {old[key]}, {new[key]}"
