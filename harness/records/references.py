"""What a reference is: a number that somebody else published, with where it stands and what is not known of it.

References never are measurements: they live beside the records, appear in tables with the mark of their source, and
nothing here ever fills a gap that the publication leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from harness.records.schema import SCHEMA, Source

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

BASELINE = "baseline"
"""The chip of a column that a source calls its baseline (基准) without saying what it is."""


@dataclass(config=SCHEMA)
class Citation:
    """Where a number stands: who published it, in which file of theirs, lines (``298-304``), commit and its date."""

    source: str
    file: str | None = None
    lines: str | None = None
    commit: str | None = None
    date: str | None = None
    url: str | None = None

    @property
    def words(self) -> str:
        """One line for a note below a table."""
        lines = f", lines {self.lines}" if self.lines else ""
        commit = f", commit {self.commit[:10]}" if self.commit else ""
        date = f" ({self.date})" if self.date else ""
        where = f": {self.file}{lines}{commit}" if self.file else f"{lines}{commit}"
        return f"{self.source}{where}{date}"


@dataclass(config=SCHEMA)
class Reference:
    """One published number, or several of one model on one chip at one batch size.

    ``model`` is the name in ``conf/model`` where there is one. ``chip`` is the soc_version's name (``T4``,
    ``Ascend310P3``), its family where the source says no more (``Ascend310P``), ``baseline`` where it says nothing,
    None for an accuracy without a chip; ``chip_stated`` is how the source calls it. ``batchsize`` is None where
    the source gives none; ``best`` marks what the source calls its best batch size. ``throughput`` is in ``unit``; a
    ``unit`` of None is not known, and such a number is not comparable with any other. ``throughput_stated`` is the
    number as printed, with its digits. ``outcome`` is ``oom`` for a batch size that did not fit. ``metrics`` are
    accuracies in per cent, ``original`` those that the source gives of the model's origin; ``mode`` is how they were
    evaluated. ``conditions`` is what the source states, ``unknown`` names what it does not. ``notes`` are remarks,
    ``notes_zh`` the same in Chinese where there are any. ``stated`` holds all columns of an imported row by their
    names, unchanged.
    """

    model: str
    citation: Citation
    chip: str | None = None
    chip_stated: str | None = None
    batchsize: Annotated[int, Field(ge=1)] | None = None
    best: bool = False
    throughput: Positive | None = None
    throughput_stated: str | None = None
    unit: str | None = None
    outcome: Literal["ok", "oom"] = "ok"
    metrics: Mapping[str, Finite] = Field(default_factory=dict)
    original: Mapping[str, Finite] = Field(default_factory=dict)
    dataset: str | None = None
    mode: str | None = None
    precision: str | None = None
    boundary: str | None = None
    conditions: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notes_zh: tuple[str, ...] = ()
    stated: Mapping[str, str] = Field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcome != "ok" and self.throughput is not None:
            raise ValueError(f"no throughput with outcome {self.outcome}")

    @property
    def source(self) -> Source:
        """Always ``reference``, as a record says ``measured`` or ``simulated``."""
        return "reference"


def renamed(
    references: Iterable[Reference], *, models: Mapping[str, str], chips: Mapping[str, str]
) -> tuple[Reference, ...]:
    """References under other names of models, and of chips by name or as stated (``310P`` is ``Ascend310P3``)."""
    return tuple(
        replace(
            each,
            model=models.get(each.model, each.model),
            chip=chips.get(each.chip or "", chips.get(each.chip_stated or "", each.chip or "")) or None,
        )
        for each in references
    )


def is_chip(reference: Reference, soc_version: str) -> bool:
    """Whether a reference speaks of this soc_version: the same name, or the family that the source names alone.

    ``Ascend310P`` speaks of ``Ascend310P3``; ``Ascend310`` of neither that nor ``Ascend310B1``, which are other chips.
    """
    return reference.chip is not None and chip_means(reference.chip, soc_version)


def chip_means(chip: str, soc_version: str) -> bool:
    """Whether a chip's name, or its family's, stands for a soc_version."""
    return chip == soc_version or (
        chip in FAMILIES and soc_version.startswith(chip) and soc_version[len(chip) :].isdigit()
    )


FAMILIES = frozenset({"Ascend310P", "Ascend310B"})
"""What sources name instead of the soc_version, which a digit would complete."""
