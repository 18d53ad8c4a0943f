"""Small manifests for the tests of the sweep."""

from __future__ import annotations

from harness.config.model import InputSettings, ModelSettings
from harness.config.schema import (
    BackendSettings,
    ExportSettings,
    LimitSettings,
    MeasureSettings,
    ParitySettings,
    PrecisionSettings,
    Settings,
    SocSettings,
    TrackingSettings,
)
from harness.records.schema import Outcome
from harness.sweep.manifest import Cell, Manifest


def settings(batchsize: int = 1, rounds: int = 3, parity: bool = True) -> Settings:
    """One valid cell's settings; nothing in them is run."""
    return Settings(
        model=ModelSettings(
            name="swin98",
            kind="upernet_swin",
            task="segmentation",
            inputs=(InputSettings(name="input", shape=(batchsize, 3, 512, 512)),),
        ),
        batchsize=batchsize,
        soc_version=SocSettings(name="cpu", default_backend="onnxruntime"),
        backend=BackendSettings(name="onnxruntime", kind="onnxruntime", default_precision="fp32"),
        precision=PrecisionSettings(name="fp32", dtype="float32"),
        measure=MeasureSettings(
            name="smoke",
            rounds=rounds,
            warmup_iterations=1,
            warmup_s=0,
            min_iterations=2,
            min_time_s=0,
            budget_s=30,
        ),
        tracking=TrackingSettings(),
        export=ExportSettings(),
        parity=ParitySettings(enabled=parity),
        limits=LimitSettings(),
    )


def cell(
    index: int,
    name: str,
    batchsize: int = 1,
    rounds: int = 3,
    parity: bool = True,
    decided: Outcome | None = None,
) -> Cell:
    """A cell with that name."""
    return Cell(index, name, (f"batchsize={batchsize}",), settings(batchsize, rounds, parity), decided)


def manifest(*cells: Cell) -> Manifest:
    """A sweep of those cells."""
    return Manifest("sweep", "2026-01-01T00:00:00+00:00", ("harness",), cells)
