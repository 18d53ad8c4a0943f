"""The parts of a precision that only ATC understands, for the backends that have to refuse them by name."""

from __future__ import annotations

from harness.config.schema import PrecisionSettings


def atc_only(precision: PrecisionSettings) -> str:
    """The flags of ATC that a precision carries, as ``name=value, ...``; empty where it carries none."""
    flags = {
        "op_precision_mode": precision.op_precision_mode,
        "precision_mode": precision.precision_mode,
        "precision_mode_v2": precision.precision_mode_v2,
    }
    return ", ".join(f"{name}={value}" for name, value in flags.items() if value is not None)
