"""The method card: one paragraph that says how a table's figures were measured, to be pasted under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from harness.records.schema import Record
from harness.report.words import device_words, listed

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def method_card(records: Sequence[Record], language: Language = "en") -> str:
    """The paragraph on the records that have figures, without line breaks; empty where none has."""
    measured = [record for record in records if record.repeats]
    if not measured:
        return ""
    facts = _facts(measured)
    return (_english if language == "en" else _chinese)(facts)


def method_markdown(records: Sequence[Record]) -> str:
    """The card in all languages, as Markdown; empty where nothing was measured."""
    cards = [method_card(records, language) for language in LANGUAGES]
    return "\n\n".join(cards) + "\n" if cards[0] else ""


def _facts(records: Sequence[Record]) -> dict[str, Any]:
    """What the paragraph states, each as a text that is the same in both languages."""
    repeats = [repeat for record in records for repeat in record.repeats]
    profiles = [_mapping(record.settings.get("measure")) for record in records]

    days = [repeat.started[:10] for repeat in repeats]
    affinities = {tuple(_mapping(each.conditions.get("before")).get("affinity") or ()) for each in repeats}
    return {
        "devices": listed(list(dict.fromkeys(device_words(record) for record in records))),
        "tools": ", ".join(_tools(records)),
        "boundaries": {repeat.boundary for repeat in repeats},
        "processes": _range(len(record.repeats) for record in records),
        "interleaved": all(record.interleaved for record in records),
        "iterations": _range(repeat.iterations for repeat in repeats),
        "warmup": _range(repeat.warmup_iterations for repeat in repeats),
        "settled": sum(repeat.steady is True for repeat in repeats),
        "unsettled": sum(repeat.steady is False for repeat in repeats),
        "count": len(repeats),
        "seed": _range(record.settings.get("seed", 0) for record in records),
        "policy": listed(sorted({str(profile.get("idle_policy", "off")) for profile in profiles})),
        "disturbed": sum(bool(repeat.findings) for repeat in repeats),
        "cores": _range(len(each) for each in affinities if each),
        "sampled": sum(repeat.telemetry is not None for repeat in repeats),
        "left_out": sum(repeat.telemetry.left_out for repeat in repeats if repeat.telemetry),
        "days": " - ".join(dict.fromkeys([min(days), max(days)])),
        "version": listed(list(dict.fromkeys(_version(record) for record in records))),
        "sources": {record.source for record in records},
    }


def _english(facts: Mapping[str, Any]) -> str:
    timed = {"compute": "device compute", "end_to_end": "end to end (H2D + compute + D2H)"}
    parts = [
        (
            f"Measured on {facts['devices']} with {facts['tools'] or 'its own runtime'}, {facts['days']}, npu-harness"
            f" {facts['version']}."
        ),
        (
            f"Timed: {listed([timed.get(each, each) for each in sorted(facts['boundaries'])])}; throughput is 1000 x batch"
            " size / mean time of a batch in ms, latency the median."
        ),
        f"Each cell was measured in {facts['processes']} fresh processes"
        + (", one a round, in rotated order" if facts["interleaved"] else ", one after the other")
        + f"; each timed {facts['iterations']} iterations after {facts['warmup']} of warm-up.",
        (
            "± is half of the 95 % t-interval over processes (stable: within 3 %, noisy: within 10 %); comparisons are"
            " paired by round on the logarithm of the throughput ratio."
        ),
        (
            f"Inputs are seeded random (seed {facts['seed']}), never zeros; garbage collection and logging are off while"
            f" timing; {facts['cores'] or 'all'} cores were open to the process."
        ),
        (
            f"Idle check before each process: {facts['policy']}; {facts['disturbed']} of {facts['count']} processes have a"
            " finding in their record."
        ),
    ]
    if facts["settled"] or facts["unsettled"]:
        parts.append(f"Seen to be steady before timing: {facts['settled']} of {facts['count']} processes.")
    if facts["sampled"]:
        parts.append(
            f"Telemetry was sampled by one more process in {facts['sampled']} of {facts['count']};"
            f" {facts['left_out']} iterations were left out because the device throttled."
        )
    if "simulated" in facts["sources"]:
        parts.append("Some figures are simulated by stand-ins of the device, not measured.")
    return " ".join(parts)


def _chinese(facts: Mapping[str, Any]) -> str:
    facts = {
        key: value.replace(" to ", " 至 ").replace(" and ", "、") if isinstance(value, str) else value
        for key, value in facts.items()
    }
    timed = {"compute": "设备计算", "end_to_end": "端到端（H2D + 计算 + D2H）"}
    parts = [
        (
            f"测试设备：{facts['devices']}；软件：{facts['tools'] or '设备自带运行时'}；日期：{facts['days']}；npu-harness"
            f" {facts['version']}。"
        ),
        (
            f"计时范围：{'、'.join(timed.get(each, each) for each in sorted(facts['boundaries']))}；吞吐率 = 1000 × batch size ÷"
            " 单批平均耗时（ms），时延取中位数。"
        ),
        f"每个单元用 {facts['processes']} 个全新进程测量"
        + ("，每轮一个，轮间轮换顺序" if facts["interleaved"] else "，依次进行")
        + f"；每个进程预热 {facts['warmup']} 次后计时 {facts['iterations']} 次。",
        "± 为跨进程 95 % t 置信区间的一半（3 % 以内为 stable，10 % 以内为 noisy）；对比按轮次配对，取吞吐率之比的对数。",
        f"输入为带种子的随机数（seed {facts['seed']}），不用全零；计时期间关闭垃圾回收与日志；进程可用核数：{facts['cores'] or '全部'}。",
        f"每个进程开始前的空闲检查策略：{facts['policy']}；{facts['count']} 个进程中有 {facts['disturbed']} 个在记录中留有提示。",
    ]
    if facts["settled"] or facts["unsettled"]:
        parts.append(f"计时前已确认达到稳态：{facts['count']} 个进程中的 {facts['settled']} 个。")
    if facts["sampled"]:
        parts.append(
            f"{facts['count']} 个进程中的 {facts['sampled']} 个由独立进程采样遥测数据；因设备降频而剔除 {facts['left_out']} 次迭代。"
        )
    if "simulated" in facts["sources"]:
        parts.append("部分数值由设备替身模拟得到，并非实测。")
    return "".join(parts)


def _tools(records: Sequence[Record]) -> list[str]:
    """The runtimes' versions as the fingerprints have them: ``onnxruntime 1.31.1``; options of a runtime are left out."""
    found: dict[str, None] = {}
    for record in records:
        for name, value in _mapping(record.fingerprint.get("tools")).items():
            if str(value)[:1].isdigit() and "." in str(value):
                found[f"{name} {value}"] = None
    return list(found)


def _version(record: Record) -> str:
    git = _mapping(_mapping(record.environment.get("harness")).get("git"))
    commit = str(git.get("commit") or "")[:8]
    return record.harness_version + (f" ({commit}{'+' if git.get('dirty') else ''})" if commit else "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _range(values: Iterable[float]) -> str:
    known = sorted(set(values))
    if not known:
        return ""
    return f"{known[0]:g}" if len(known) == 1 else f"{known[0]:g} to {known[-1]:g}"
