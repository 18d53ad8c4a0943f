"""The accuracy table of a sweep: what was published, this project's own float32 reference, the device, the difference.

Published values were measured in another mode as often as not, so what counts is the device against the own reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.records.schema import Accuracy, Record
from harness.report.digits import MISSING
from harness.report.grid import Grid
from harness.report.words import MARKS, counted, device_words, listed, setting, source_notes

COLUMNS = ("cell", "batch", "device", "precision", "data", "metric", "published", "own fp32", "on device", "change")
_NUMBERS = frozenset({"batch", "published", "own fp32", "on device", "change"})
_LEAST_NEEDED = ("precision", "data", "device", "published")
BATCHES_AGREE = 1e-4
"""How far the headline metric (0 to 1) may differ between batch sizes that are said to agree."""
NAMED = 20
"""How many left-out items a note names."""

Row = tuple[Record, Accuracy]


def accuracy_table(records: Sequence[Record]) -> Grid | None:
    """The table of the records that have an accuracy; None where none has."""
    known = [(record, record.accuracy) for record in records if record.accuracy is not None]
    if not known:
        return None
    notes = [*_meaning(known), *_agreement(known), *_left_out(known)]
    if any(record.weights is not None and not record.weights.trained for record, _ in known):
        notes.append("Random and untrained weights: their accuracy says nothing about the network.")
    notes += source_notes([record for record, _ in known])
    return Grid(
        columns=COLUMNS,
        rows=[_row(record, accuracy) for record, accuracy in known],
        notes=notes,
        numbers=_NUMBERS,
        least_needed=_LEAST_NEEDED,
    )


def _row(record: Record, accuracy: Accuracy) -> dict[str, str]:
    name, reference, published = accuracy.headline, accuracy.reference, accuracy.published
    own = _percent(reference.metrics.get(name)) if reference else None
    said = published.metrics.get(name) if published else None
    measured = _percent(accuracy.device.metrics.get(name)) or MISSING
    return {
        "cell": setting(record, "model", "name"),
        "batch": setting(record, "batchsize"),
        "device": setting(record, "soc_version", "name"),
        "precision": setting(record, "precision", "name"),
        "data": f"{accuracy.dataset}, {accuracy.device.items} {accuracy.unit}",
        "metric": f"{name} %",
        "published": f"{said:.2f} ({published.mode})" if published and said is not None else MISSING,
        "own fp32": f"{own} ({accuracy.mode})" if own else MISSING,
        "on device": f"{measured}{MARKS[record.source]} ({accuracy.mode})",
        "change": _change(accuracy),
    }


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f}"


def _change(accuracy: Accuracy) -> str:
    """Device minus own reference in points, from unrounded values."""
    if accuracy.reference_is_device:
        return "is own fp32"
    device = accuracy.device.metrics.get(accuracy.headline)
    own = accuracy.reference.metrics.get(accuracy.headline) if accuracy.reference else None
    return MISSING if device is None or own is None else f"{100 * (device - own):+.2f}"


def _meaning(known: Sequence[Row]) -> Iterable[str]:
    """What the columns are: one note for each way of evaluating, one for the references, one for what was published."""
    yield from dict.fromkeys(_how(record, accuracy) for record, accuracy in known)
    if any(accuracy.reference for _, accuracy in known):
        yield (
            "own fp32: the same weights in float32 with ONNX Runtime, on the same data in the same mode; change: on "
            "device minus own fp32, in points."
        )
    for accuracy in {accuracy.dataset: accuracy for _, accuracy in known if accuracy.published}.values():
        if accuracy.published and accuracy.published.mode != accuracy.mode:
            yield (
                f"published: by {accuracy.published.source}, in {accuracy.published.mode} mode; {accuracy.mode} mode "
                "alone moves it, so it is no measure of the device."
            )


def _how(record: Record, accuracy: Accuracy) -> str:
    part = f", a fixed subset (dataset.limit={accuracy.limit})" if accuracy.limit else ""
    files = ", through files" if accuracy.method == "files" else ""
    device = accuracy.device
    return (
        f"Accuracy over {device.items} {accuracy.unit} ({device.samples} samples) of {accuracy.dataset}, "
        f"{accuracy.split}{part}; {accuracy.mode}: {accuracy.how}{files}; on {device_words(record)}."
    )


def _agreement(known: Sequence[Row]) -> Iterable[str]:
    """Whether the batch sizes of a model on a device agree, wherever there are several of them."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for record, accuracy in known:
        device = accuracy.device
        names = tuple(setting(record, group, "name") for group in ("model", "soc_version", "backend", "precision"))
        weights = record.weights.sha256 if record.weights else None
        alike = (*names, weights, accuracy.dataset, accuracy.data_sha256, accuracy.how, device.items)
        groups.setdefault(alike, []).append((record, accuracy))
    for group in groups.values():
        values = {
            accuracy.device.batchsize: accuracy.device.metrics[accuracy.headline]
            for _, accuracy in group
            if accuracy.headline in accuracy.device.metrics
        }
        if len(values) < 2:
            continue
        record, accuracy = group[0]
        apart = max(values.values()) - min(values.values())
        verdict = "agree within 1e-4" if apart <= BATCHES_AGREE else "do NOT agree within 1e-4"
        yield (
            f"{setting(record, 'model', 'name')} on {setting(record, 'soc_version', 'name')}: batch sizes "
            f"{listed(sorted(values))} {verdict} ({accuracy.headline} differs by {apart:.1e})."
        )


def _left_out(known: Sequence[Row]) -> Iterable[str]:
    for accuracy in {(each.dataset, each.bad): each for _, each in known if each.bad}.values():
        named = "; ".join(f"{each.item}: {each.reason}" for each in accuracy.bad[:NAMED])
        more = f"; and {len(accuracy.bad) - NAMED} more, in tables/left_out.csv" if len(accuracy.bad) > NAMED else ""
        number = counted([len(accuracy.bad)], accuracy.unit.removesuffix("s"), accuracy.unit)
        yield f"{number} of {accuracy.dataset} could not be used and left out: {named}{more}."
