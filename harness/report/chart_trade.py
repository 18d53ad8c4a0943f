"""What the chart of accuracy against throughput shows, from the rows of one model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.records.references import Reference
from harness.records.schema import Estimate
from harness.report.digits import MISSING
from harness.report.figures import accuracy_text
from harness.report.method_words import Language
from harness.report.plot_captions import line, models_words, origin, source_notes, subtitle
from harness.report.plot_series import MOST_SERIES, batchsize, comparable, series_labels
from harness.report.plot_trade import Across, Cloud, Spot, TradeChart
from harness.report.plot_words import said
from harness.report.rows import Row


def trade_chart(rows: Sequence[Row], language: Language) -> TradeChart | None:
    """The chart over the metric and data set that most rows have; None where no row has accuracy and throughput."""
    evaluated = [row for row in rows if row.accuracy is not None]
    kinds = Counter((row.accuracy.headline, row.accuracy.dataset) for row in evaluated if row.accuracy)
    published = [row.reference for row in rows if row.reference is not None and row.reference.metrics]
    kinds += Counter((_headline(reference), reference.dataset or "") for reference in published)
    for (metric, dataset), _ in kinds.most_common():
        made = _chart(rows, metric, dataset, language)
        if made is not None:
            return made
    return None


def _chart(rows: Sequence[Row], metric: str, dataset: str, language: Language) -> TradeChart | None:
    shown: list[tuple[Row, Estimate, float]] = []
    for row in rows:
        accuracy, estimate = _accuracy(row, rows, metric, dataset), row.throughput
        if accuracy is not None and estimate is not None and 0 < estimate.mean < float("inf") and comparable(row):
            shown.append((row, estimate, accuracy))
    if not shown:
        return None
    own = [row for row, _, _ in shown]
    groups: dict[str, list[tuple[Row, Estimate, float]]] = {}
    for label, each in zip(series_labels(own, language), shown, strict=True):
        groups.setdefault(label, []).append(each)
    clouds = tuple(
        Cloud(
            label,
            group[0][0].source,
            tuple(
                Spot(str(batchsize(row) or MISSING), estimate, accuracy)
                for row, estimate, accuracy in sorted(group, key=lambda item: batchsize(item[0]) or 0)
            ),
        )
        for label, group in list(groups.items())[:MOST_SERIES]
    )
    data = said(language, "data", metric=metric, dataset=dataset or MISSING)
    notes = [said(language, "trade_note"), *source_notes(own, language), origin(own, language)]
    return TradeChart(
        title=line(said(language, "trade", models=models_words(own, language))),
        subtitle=line(subtitle(own)),
        unit=said(language, "samples_per_s"),
        accuracy_unit=said(language, "higher", unit=line(data)),
        clouds=clouds,
        across=tuple(_across([*own, *(row for row in rows if row.reference)], metric, dataset, language)),
        footnotes=tuple(line(note) for note in notes),
        language=language,
    )


def _headline(reference: Reference) -> str:
    """The metric that the source also gives of the model's origin, else its first."""
    return next((name for name in reference.metrics if name in reference.original), next(iter(reference.metrics)))


def _accuracy(row: Row, rows: Sequence[Row], metric: str, dataset: str) -> float | None:
    """The row's accuracy in per cent; that of a published throughput may stand in another row of its chip and batch."""
    if row.accuracy is not None and row.accuracy.dataset == dataset:
        share = row.accuracy.device.metrics.get(metric)
        return None if share is None else 100 * share
    if row.reference is None:
        return None
    for other in rows:
        ref = other.reference
        same = (other.model, other.soc_version, other.batchsize) == (row.model, row.soc_version, row.batchsize)
        if ref is not None and same and (ref.dataset or "") == dataset and metric in ref.metrics:
            return ref.metrics[metric]
    return None


def _across(rows: Sequence[Row], metric: str, dataset: str, language: Language) -> Iterator[Across]:
    """What was published of the model's origin, and the own float32 reference; each value once."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        found: list[tuple[str, float | None]] = []
        if row.accuracy is not None:
            published, own = row.accuracy.published, row.accuracy.reference
            found.append(("published_line", published.metrics.get(metric) if published else None))
            share = own.metrics.get(metric) if own and not row.accuracy.reference_is_device else None
            found.append(("own_line", None if share is None else 100 * share))
        elif row.reference is not None and (row.reference.dataset or "") == dataset:
            found.append(("published_line", row.reference.original.get(metric)))
        for name, value in found:
            words = "" if value is None else accuracy_text(value, "measured" if name == "own_line" else "reference")
            if value is not None and (name, words) not in seen:
                seen.add((name, words))
                yield Across(said(language, name, value=words), value)
