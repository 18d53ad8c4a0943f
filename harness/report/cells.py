"""The table of a sweep's cells, from their records only: for the terminal, and as Markdown for a file or a tracker.

Below it stand the notes: why a cell has no figures; what was timed, how often, on what; what is not a measurement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.records.schema import Outcome, Record, Weights
from harness.report.comparison_table import slow_notes
from harness.report.digits import MISSING, figure, significant
from harness.report.findings import AUDIT_MARK, audit_mark, finding_notes
from harness.report.grid import Grid
from harness.report.words import BOUNDARIES, MARKS, counted, device_words, setting, source_notes
from harness.timing.boundaries import SMALLER_OUTPUT, with_smaller_output

COLUMNS = ("cell", "batch", "device", "precision", "outcome", "samples/s", "median ms", "verdict", "peak GB", "weights")
END_TO_END = "end to end/s"
SPREAD = "spread %"
MAX_BATCH = "max batch"
TAILS = ("p90", "p99", "p999")
_NUMBERS = frozenset(
    {"batch", "samples/s", "median ms", "peak GB", END_TO_END, SPREAD, MAX_BATCH, *(f"{name} ms" for name in TAILS)}
)
_LEAST_NEEDED = (
    SPREAD, *(f"{name} ms" for name in reversed(TAILS)), "weights", "verdict", "peak GB", "precision", "device",
    "median ms", END_TO_END, "samples/s", "batch",
)  # fmt: skip
"""The columns that a narrow terminal goes without, in this order."""
_OVERRIDES_IN_COLUMNS = ("model=", "batchsize=", "soc_version=", "precision=")
_STYLES = {"ok": "green", "skipped": "dim", "cancelled": "yellow"}


def cells_table(records: Sequence[Record]) -> Grid:
    """The table with its notes, for a terminal of any width and as Markdown."""
    columns = _columns(records)
    return Grid(
        columns=columns,
        rows=_rows(records),
        notes=_notes(records),
        numbers=_NUMBERS,
        least_needed=[column for column in _LEAST_NEEDED if column in columns],
        styles={"outcome": [_STYLES.get(record.outcome.status, "red") for record in records]},
    )


def _columns(records: Sequence[Record]) -> tuple[str, ...]:
    """The columns, with those that only some sweeps have: end to end beside compute, percentiles that are earned."""
    summaries = [record.summary for record in records if record.summary is not None]
    before = {
        "median ms": [END_TO_END] if any(_copies(record) for record in records) else [],
        "peak GB": [MAX_BATCH] if any(record.max_batch for record in records) else [],
        "verdict": [
            *(f"{name} ms" for name in TAILS if any(name in each.percentiles for each in summaries)),
            *([SPREAD] if any(each.spread_within is not None for each in summaries) else []),
        ],
    }
    return tuple(part for column in COLUMNS for part in (*before.get(column, []), column))


def _copies(record: Record) -> bool:
    """Whether copies to and from the device are known, and no part of what was timed."""
    return any({"h2d", "d2h"} & repeat.means_ms.keys() for repeat in record.repeats)


def cells_markdown(records: Sequence[Record]) -> str:
    """The table as GitHub's Markdown, the notes as a list below it; ends with a line feed."""
    return cells_table(records).markdown()


def _rows(records: Sequence[Record]) -> list[dict[str, str]]:
    numbers = _note_numbers(records)
    return [
        {
            "cell": label,
            "batch": setting(record, "batchsize"),
            "device": setting(record, "soc_version", "name"),
            "precision": setting(record, "precision", "name"),
            "outcome": record.outcome.status + (f" [{number}]" if (number := numbers.get(index)) else ""),
            "verdict": _verdict(record),
            "peak GB": _peak_gb(record),
            MAX_BATCH: _max_batch(record),
            "weights": _weights(record.weights),
            **_figures(record),
        }
        for index, (record, label) in enumerate(zip(records, _labels(records), strict=True))
    ]


def _figures(record: Record) -> dict[str, str]:
    """Throughput and latency with the mark of what is not a measurement."""
    tails = [f"{name} ms" for name in TAILS]
    if record.summary is None:
        return dict.fromkeys(["samples/s", "median ms", END_TO_END, SPREAD, *tails], MISSING)
    mark = MARKS[record.source]
    total = record.summary.throughputs.get("end_to_end")
    return {
        SPREAD: _spread(record),
        END_TO_END: figure(total) + mark if total is not None else MISSING,
        **{f"{name} ms": _tail(record, name) for name in TAILS},
        "samples/s": figure(record.summary.throughput) + mark + audit_mark(record),
        "median ms": figure(record.summary.latency_ms) + mark,
    }


def _tail(record: Record, name: str) -> str:
    """A percentile with its upper bound: ``61 (≤63)``; a dash where too few iterations were timed."""
    tail = record.summary.percentiles.get(name) if record.summary else None
    if tail is None:
        return MISSING
    return f"{significant(tail.value_ms, 3)} (≤{significant(tail.upper_ms, 3)}){MARKS[record.source]}"


def _spread(record: Record) -> str:
    """Between processes and within them, in per cent: ``0.8 / 3.1``."""
    summary = record.summary
    shares = (summary.spread_between, summary.spread_within) if summary else ()
    return " / ".join(MISSING if each is None else significant(100 * each, 2) for each in shares) or MISSING


def _verdict(record: Record) -> str:
    if record.summary is None:
        return MISSING
    return ", ".join(filter(None, [record.summary.verdict, record.summary.bound]))


def _labels(records: Sequence[Record]) -> list[str]:
    """The model's name; where the other columns do not tell two cells apart, with the overrides that do."""
    keys = [
        (setting(r, "model", "name"), setting(r, "batchsize"), setting(r, "soc_version", "name"), _precision(r))
        for r in records
    ]
    alike = Counter(keys)
    common = set.intersection(*(set(record.overrides) for record in records)) if records else set()
    labels = []
    for record, key in zip(records, keys, strict=True):
        own = [o for o in record.overrides if o not in common and not o.startswith(_OVERRIDES_IN_COLUMNS)]
        labels.append(" ".join([key[0], *own]) if alike[key] > 1 else key[0])
    return labels


def _precision(record: Record) -> str:
    return setting(record, "precision", "name")


def _peak_gb(record: Record) -> str:
    """The largest peak of any process of the cell, in 10^9 bytes."""
    peaks = [step.peak_memory_bytes or 0 for step in record.steps]
    peaks += [repeat.peak_memory_bytes or 0 for repeat in record.repeats]
    return f"{max(peaks) / 1e9:.2f}" if any(peaks) else MISSING


def _max_batch(record: Record) -> str:
    """The largest batch that runs: ``24``, ``≥1024`` where no more was asked for, a dash where none does."""
    found = record.max_batch
    if found is None or found.batchsize is None:
        return MISSING
    return f"≥{found.batchsize}" if found.limit == "cap" else str(found.batchsize)


def _weights(weights: Weights | None) -> str:
    if weights is None:
        return MISSING
    if weights.kind == "random" or not weights.trained:
        return "random" if weights.kind == "random" else "untrained"
    return "file" if weights.kind == "file" else "trained"


def _note_numbers(records: Sequence[Record]) -> dict[int, int]:
    """By the record's place, the number of the note that says more about its outcome."""
    explained = [index for index, record in enumerate(records) if record.outcome.reason or record.outcome.message]
    return {index: number for number, index in enumerate(explained, start=1)}


_SHOWN = ("target_halfwidth", "its rounds are not alike", "an earlier record")
"""How those notes of a record begin that stand below the table."""


def _notes(records: Sequence[Record]) -> list[str]:
    notes = [f"[{number}] {_why(records[index])}" for index, number in _note_numbers(records).items()]
    notes += [*_timed(records), *_end_to_end(records), *slow_notes(records), *finding_notes(records)]
    if any(record.summary is not None and record.summary.verdict == "unstable" for record in records):
        longer = "full" if "standard" in {setting(record, "measure", "name") for record in records} else "standard"
        notes.append(
            "An interval wider than 10 % of its value is nothing to publish: measure when nothing else runs, or longer "
            f"(measure={longer})."
        )
    if any(record.weights is not None and not record.weights.trained for record in records):
        notes.append("Random and untrained weights: the outputs, and any accuracy, mean nothing.")
    idle = {setting(record, "model", "name"): _idle_rules(record) for record in records}
    notes += [f"{model}: graph rules that never fired: {', '.join(rules)}." for model, rules in idle.items() if rules]
    notes += [f"{r.name}: {note}." for r in records for note in r.notes if note.startswith(_SHOWN)]
    if any(audit_mark(record) for record in records):
        notes.append(f"{AUDIT_MARK} failed its audit: outputs or times were not those of an ordinary run.")
    notes += [f"{record.name}: a rerun of {record.rerun_of.words}." for record in records if record.rerun_of]
    notes += [_searched(record) for record in records if record.max_batch]
    notes += source_notes(records)
    if any(not record.interleaved and record.repeats for record in records):
        notes.append(
            "The cells were measured one after the other, not in rounds: drift of the machine is in the figures."
        )
    return notes


def _end_to_end(records: Sequence[Record]) -> list[str]:
    """What copies take beside the compute that was timed, and what a smaller output would be worth where they bound."""
    notes = []
    for record in records:
        if record.summary is None or not _copies(record):
            continue
        batchsize = int(record.settings.get("batchsize", 1))
        means = [repeat.means_ms for repeat in record.repeats]
        mean = {name: sum(each.get(name, 0.0) for each in means) / len(means) for name in means[0]}
        text = f"{record.name}: H2D {mean.get('h2d', 0.0):.3g} ms, D2H {mean.get('d2h', 0.0):.3g} ms a batch"
        smaller = with_smaller_output(mean, batchsize)
        if record.summary.bound == "transfer-bound" and smaller is not None:
            text += (
                f"; transfer-bound: with an output {SMALLER_OUTPUT} times smaller end to end would be "
                f"{significant(smaller, 3)} samples/s{MARKS[record.source]}"
            )
        notes.append(f"{text}.")
    if notes:
        notes.append(f"{END_TO_END}: samples/s of the caller, H2D + compute + D2H.")
    return notes


def _searched(record: Record) -> str:
    """How the search for the largest batch ended, and what was tried."""
    found = record.max_batch
    if found is None:
        return ""
    tried = ", ".join(f"{each.batchsize} {each.outcome.status}" for each in found.tries)
    why = "no larger one was asked for" if found.limit == "cap" else f"one more ends {found.limit}"
    if found.batchsize is None:
        why = f"the smallest ends {found.limit}"
    return f"{record.name}: {MAX_BATCH} {found.batchsize or 'none'} ({why}), one process a try: {tried}."


def _idle_rules(record: Record) -> list[str]:
    """The graph rules that were asked for and found nothing to change."""
    fired = (record.graph or {}).get("rules")
    return [str(name) for name, count in fired.items() if not count] if isinstance(fired, Mapping) else []


def _why(record: Record) -> str:
    """Where, why, the words, and what to do."""
    outcome: Outcome = record.outcome
    where = f"{record.name}: {outcome.status}" + (f" in {outcome.stage}" if outcome.stage else "")
    text = where + (f" ({outcome.reason})" if outcome.reason else "")
    text += "".join(f": {words}" for words in (outcome.message, outcome.hint) if words)
    if outcome.status != "ok" and record.repeats:
        text += f"; its figures are those of {counted([len(record.repeats)], 'process', 'processes')} before"
    return text


def _timed(records: Sequence[Record]) -> list[str]:
    """What was timed, how often and on what: one note for each boundary and device."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.summary is not None:
            groups.setdefault((record.summary.boundary, device_words(record)), []).append(record)
    notes = []
    for (boundary, device), group in groups.items():
        processes = counted([record.summary.throughput.n for record in group if record.summary], "process", "processes")
        each = [repeat.iterations for record in group for repeat in record.repeats]
        iterations = f" of {counted(each, 'timed iteration', 'timed iterations')}" if each else ""
        notes.append(f"Timed: {BOUNDARIES.get(boundary, boundary)} on {device}; {processes}{iterations} a cell.")
    if notes:
        notes.append(
            "± is half of the 95 % interval over processes; samples/s from the mean, ms the median of a batch."
        )
        if any(record.summary and record.summary.spread_within is not None for record in records):
            notes.append(f"{SPREAD}: standard deviation over the mean, between processes / of an iteration within one.")
        notes.append("peak GB (10^9 bytes): the largest process that ran for the cell, whatever its stage.")
    return notes
