"""The accuracies of one model, from records and from what others published: per cent by metric, in one shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.report.accuracy import BATCHES_AGREE
from harness.report.performance import EARLIER_SHOWN
from harness.report.rows import Row
from harness.report.series import Key, key_of


@dataclass(frozen=True)
class Entry:
    """The accuracy of one row: ``metrics`` on the device, ``own`` of the float32 reference, ``original`` published.

    All in per cent. ``headline`` names the metric that stands for it; ``alike`` is equal for what may be compared.
    """

    row: Row
    key: Key
    batchsize: int
    headline: str
    metrics: Mapping[str, float]
    own: Mapping[str, float]
    original: Mapping[str, float]
    dataset: str | None
    mode: str | None
    original_source: str | None = None
    original_mode: str | None = None
    alike: tuple[object, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """Entries of one series over the same data: their batch sizes, and how far the headline differs, in points.

    ``above`` is the first entry's headline minus the published one, where that is known.
    """

    key: Key
    metric: str
    batchsizes: tuple[int, ...]
    value: float
    source_row: Row
    apart: float
    above: float | None = field(default=None)

    @property
    def agrees(self) -> bool:
        """Whether the batch sizes give the same accuracy."""
        return self.apart <= 100 * BATCHES_AGREE


def entries(rows: Sequence[Row]) -> tuple[Entry, ...]:
    """The entries of one model's rows by series and batch size, the newest of one cell first."""
    found = []
    for row in rows:
        if row.soc_version is None or row.batchsize is None:
            continue
        key = key_of(row, rows)
        entry = _published(row, key) if row.reference is not None else _evaluated(row, key)
        if entry is not None:
            found.append(entry)
    found = _few_of_each(found)
    order = list(dict.fromkeys(entry.key for entry in sorted(found, key=lambda each: each.key.soc_version)))
    return tuple(sorted(found, key=lambda entry: (order.index(entry.key), entry.batchsize)))


def _few_of_each(found: Sequence[Entry]) -> list[Entry]:
    """Newest first, and of what was evaluated again and again the newest few."""
    counts: Counter[tuple[Key, int]] = Counter()
    kept = []
    for entry in sorted(found, key=lambda each: each.row.started, reverse=True):
        counts[entry.key, entry.batchsize] += 1
        if counts[entry.key, entry.batchsize] <= 1 + EARLIER_SHOWN:
            kept.append(entry)
    return kept


def metric_names(found: Sequence[Entry]) -> tuple[str, ...]:
    """The metrics of the table: those that somebody published of the model's origin, else what stands for it."""
    original = dict.fromkeys(name for entry in found for name in entry.original if name in entry.metrics)
    if original:
        return tuple(original)
    stated = dict.fromkeys(name for entry in found if entry.row.reference for name in entry.metrics)
    return tuple(stated) or tuple(dict.fromkeys(entry.headline for entry in found))


def agreements(found: Sequence[Entry]) -> tuple[Agreement, ...]:
    """What the batch sizes of each series say together, for those evaluated on the same data in the same way."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in found:
        if entry.headline in entry.metrics:
            groups.setdefault((entry.key, entry.headline, *entry.alike), []).append(entry)
    return tuple(_agreement(group) for group in groups.values())


def _agreement(group: Sequence[Entry]) -> Agreement:
    first = group[0]
    name = first.headline
    newest: dict[int, float] = {}
    for entry in group:
        newest.setdefault(entry.batchsize, entry.metrics[name])
    original = first.original.get(name)
    return Agreement(
        key=first.key,
        metric=name,
        batchsizes=tuple(sorted(newest)),
        value=first.metrics[name],
        source_row=first.row,
        apart=max(newest.values()) - min(newest.values()),
        above=None if original is None else first.metrics[name] - original,
    )


def _evaluated(row: Row, key: Key) -> Entry | None:
    accuracy = row.accuracy
    if accuracy is None or row.batchsize is None:
        return None
    published = accuracy.published
    return Entry(
        row=row,
        key=key,
        batchsize=row.batchsize,
        headline=accuracy.headline,
        metrics=_percent(accuracy.device.metrics),
        own=_percent(accuracy.reference.metrics) if accuracy.reference else {},
        original=published.metrics if published else {},
        dataset=accuracy.dataset,
        mode=accuracy.mode,
        original_source=published.source if published else None,
        original_mode=published.mode if published else None,
        alike=(
            row.weights.sha256 if row.weights else None,
            accuracy.dataset,
            accuracy.data_sha256,
            accuracy.how,
            accuracy.device.items,
        ),
    )


def _published(row: Row, key: Key) -> Entry | None:
    reference = row.reference
    if reference is None or not reference.metrics or row.batchsize is None:
        return None
    both = [name for name in reference.metrics if name in reference.original]
    return Entry(
        row=row,
        key=key,
        batchsize=row.batchsize,
        headline=(both or list(reference.metrics))[0],
        metrics=reference.metrics,
        own={},
        original=reference.original,
        dataset=reference.dataset,
        mode=reference.mode,
        original_source=reference.citation.words if reference.original else None,
        alike=(reference.dataset, reference.mode, reference.citation.source),
    )


def _percent(shares: Mapping[str, float]) -> Mapping[str, float]:
    return {name: 100 * share for name, share in shares.items()}
