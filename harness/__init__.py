"""Measure deep-learning models on accelerators so that the numbers can be published and believed."""

from __future__ import annotations

__version__ = "0.1.0"
