"""A fixed part of a data set: the same items for the same seed, on any machine and with any version of numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from harness.datasets.protocol import Item
from harness.errors import ConfigError


def limited(items: Sequence[Item], limit: int | None, seed: int = 0) -> tuple[Item, ...]:
    """``limit`` of the items, or all when it is None, in their own order.

    Items are ranked by the SHA-256 of seed and id, so a smaller subset is part of every larger one. Raises
    ConfigError when ``limit`` is below 1.
    """
    if limit is None or limit >= len(items):
        return tuple(items)
    if limit < 1:
        raise ConfigError(f"dataset.limit={limit}: expected at least 1, or nothing for the whole data set")
    ranked = sorted(items, key=lambda item: hashlib.sha256(f"{seed}:{item.id}".encode()).digest())
    return tuple(sorted(ranked[:limit], key=lambda item: item.index))
