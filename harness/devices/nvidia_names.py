"""Which soc_version an NVIDIA GPU has: from its product name in NVML to the name that ``conf/soc_version`` uses."""

from __future__ import annotations

import re

PRODUCTS = {
    "P4": "Tesla P4",
    "P100": "Tesla P100-PCIE-16GB",
    "V100": "Tesla V100-SXM2-16GB",
    "T4": "Tesla T4",
    "A2": "NVIDIA A2",
    "A10": "NVIDIA A10",
    "A10G": "NVIDIA A10G",
    "A16": "NVIDIA A16",
    "A30": "NVIDIA A30",
    "A40": "NVIDIA A40",
    "A100": "NVIDIA A100-SXM4-40GB",
    "A800": "NVIDIA A800-SXM4-80GB",
    "L4": "NVIDIA L4",
    "L20": "NVIDIA L20",
    "L40": "NVIDIA L40",
    "L40S": "NVIDIA L40S",
    "H20": "NVIDIA H20",
    "H100": "NVIDIA H100 80GB HBM3",
    "H200": "NVIDIA H200",
    "H800": "NVIDIA H800",
    "B200": "NVIDIA B200",
    "RTX3080": "NVIDIA GeForce RTX 3080",
    "RTX3090": "NVIDIA GeForce RTX 3090",
    "RTX4080": "NVIDIA GeForce RTX 4080",
    "RTX4090": "NVIDIA GeForce RTX 4090",
    "RTX5090": "NVIDIA GeForce RTX 5090",
    "RTXA6000": "NVIDIA RTX A6000",
    "RTX6000Ada": "NVIDIA RTX 6000 Ada Generation",
}
"""One product name of each chip that has a file in ``conf/soc_version``."""

_BRAND = re.compile(r"^(?:NVIDIA|Tesla|GeForce|Graphics Device)\s+", re.IGNORECASE)
_BOARD = re.compile(r"^(?:\d+(?:GB|G)|SXM\d*|PCIE?|HBM\w*|NVL|OAM|CNX|Generation|GPU)$", re.IGNORECASE)
"""Words for the board around a chip: its memory, form and connector."""


def soc_version(product: str) -> str:
    """The chip's name: brand and board left out, the rest joined; ``NVIDIA A100-SXM4-80GB`` is ``A100``.

    Suffixes that stand for another chip stay: ``RTX4080SUPER``, ``A10G``, ``RTX6000Ada``.
    """
    name = product.strip().partition(" MIG ")[0]
    while _BRAND.match(name):
        name = _BRAND.sub("", name, count=1)
    words = [word for word in re.split(r"[\s\-_/]+", name) if word]
    kept = [word for index, word in enumerate(words) if index == 0 or not _BOARD.match(word)]
    return re.sub(r"[^A-Za-z0-9]", "", "".join(kept)) or "GPU"
