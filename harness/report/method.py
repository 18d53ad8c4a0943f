"""The method card: one paragraph that says how a table's figures were measured, to be pasted under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from harness.records.schema import Record
from harness.report.method_words import BOUNDARIES, JOINS, SENTENCES, Language
from harness.report.words import device_words, stated_tools


def method_card(records: Sequence[Record], language: Language = "en") -> str:
    """The paragraph on the records that have figures, without line breaks; empty where none has."""
    measured = [record for record in records if record.repeats]
    if not measured:
        return ""
    known = facts(measured, language)
    words = SENTENCES[language]
    return JOINS[language][0].join(words[name].format_map(known) for name in _chosen(known))


def method_markdown(records: Sequence[Record]) -> str:
    """The card in all languages, as Markdown; empty where nothing was measured."""
    cards = [method_card(records, language) for language in get_args(Language)]
    return "\n\n".join(cards) + "\n" if cards[0] else ""


def facts(records: Sequence[Record], language: Language) -> dict[str, Any]:
    """What the sentences state of records that were measured; numbers, and texts in the language."""
    _, to, last = JOINS[language]
    repeats = [repeat for record in records for repeat in record.repeats]
    profiles = [_mapping(record.settings.get("measure")) for record in records]
    cores = {len(_mapping(each.conditions.get("before")).get("affinity") or ()) for each in repeats} - {0}
    days = [repeat.started[:10] for repeat in repeats]
    told = [repeat.telemetry for repeat in repeats if repeat.telemetry is not None]
    return {
        "devices": last.join(dict.fromkeys(device_words(record) for record in records)),
        "tools": ", ".join(dict.fromkeys(filter(None, (stated_tools(record.fingerprint) for record in records))))
        or "-",
        "days": to.join(dict.fromkeys([min(days), max(days)])),
        "version": last.join(dict.fromkeys(_version(record) for record in records)),
        "boundaries": last.join(BOUNDARIES[language].get(each, each) for each in sorted({r.boundary for r in repeats})),
        "processes": _range((len(record.repeats) for record in records), to),
        "interleaved": all(record.interleaved for record in records),
        "iterations": _range((repeat.iterations for repeat in repeats), to),
        "warmup": _range((repeat.warmup_iterations for repeat in repeats), to),
        "seed": _range((record.settings.get("seed", 0) for record in records), to),
        "cores": _range(cores, to) or "-",
        "policy": last.join(sorted({str(profile.get("idle_policy", "off")) for profile in profiles})),
        "disturbed": sum(bool(repeat.findings) for repeat in repeats),
        "count": len(repeats),
        "settled": sum(repeat.steady is True for repeat in repeats),
        "looked": any(repeat.steady is not None for repeat in repeats),
        "sampled": len(told),
        "left_out": sum(each.left_out for each in told),
        "simulated": any(record.source == "simulated" for record in records),
    }


def _chosen(known: Mapping[str, Any]) -> Iterator[str]:
    """The names of the sentences that apply, in their order."""
    yield from ("where", "timed", "rounds" if known["interleaved"] else "no_rounds", "iterations", "intervals")
    yield from ("comparison", "inputs", "quiet", "idle")
    if known["looked"]:
        yield "steady"
    if known["sampled"]:
        yield from ("telemetry", "left_out")
    if known["simulated"]:
        yield "simulated"


def _version(record: Record) -> str:
    git = _mapping(_mapping(record.environment.get("harness")).get("git"))
    commit = str(git.get("commit") or "")[:8]
    return record.harness_version + (f" ({commit}{'+' if git.get('dirty') else ''})" if commit else "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _range(values: Iterable[float], to: str) -> str:
    known = sorted(set(values))
    if not known:
        return ""
    return f"{known[0]:g}" if len(known) == 1 else f"{known[0]:g}{to}{known[-1]:g}"
