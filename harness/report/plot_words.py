"""What charts say, in English and Chinese: sentences with places for names and numbers in braces.

The font that is shipped holds every character of the Chinese ones (``docs/chart_font.py`` makes it); one that is added
here must be added there by running that script again, which a test asserts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.method_words import BOUNDARIES, Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "throughput": "Throughput of {models}",
        "latency": "Latency of {models}",
        "ratios": "Throughput ratio {target} / {baseline} of {models}",
        "distribution": "Time of one batch, distribution, {models}",
        "parts": "Where the time of one sample goes, {models}",
        "trade": "Accuracy against throughput, {models}",
        "by_batch": "{what} by batch size",
        "at_batch": "{what} at batch size {batchsize}",
        "several": "{what} at several batch sizes",
        "samples_per_s": "samples/s",
        "median_ms": "ms, median of a batch",
        "ratio_unit": "{target} / {baseline}",
        "relative_unit": "time of one batch, % of the cell's median",
        "part_unit": "ms a sample, mean",
        "higher": "{unit} (higher is better)",
        "lower": "{unit} (lower is better)",
        "log": "{name}, log scale",
        "batchsize": "batch size",
        "batch": "batch size {batchsize}",
        "best": "best",
        "gap": "no figure",
        "models": "{count} models",
        "source": "{label} ({source})",
        "measured": "measured",
        "simulated": "simulated",
        "reference": "reference",
        "timed": "Timed: {boundaries}; {processes}{iterations} a cell. Bars: 95 % intervals over processes.",
        "by_backend": "{boundary} by {backends}",
        "processes": "{count} processes",
        "process": "{count} process",
        "iterations": " of {count} iterations",
        "iteration": " of {count} iteration",
        "one_process": " One process has no interval.",
        "hollow_simulated": "Hollow marks, simulated: from a stand-in of the device, not measured.",
        "dashed_simulated": "Dashed edges, simulated: from a stand-in of the device, not measured.",
        "hollow_reference": "Hollow marks, reference: published by somebody else, not measured here.",
        "untrained": "Random or untrained weights: the outputs mean nothing.",
        "other_unit": "{count} published numbers have no known unit and are not drawn.",
        "first": "The first {shown} of {count} series; the table has all.",
        "first_cells": "The first {shown} of {count} cells; the table has all.",
        "origin": "Sweep {sweeps}",
        "harness": "{origin}; harness {versions}",
        "published": "Published: {citations}",
        "no_font": "\\u...: {count} characters that no font here has; fonts-noto-cjk has Chinese ones.",
        "equal": "equal",
        "parts_h2d": "H2D",
        "parts_compute": "compute",
        "parts_d2h": "D2H",
        "parts_note": "H2D and D2H are the copies to and from the device; the bars add up to end to end.",
        "dots": "One dot an iteration, one lane a process; box: middle half, stroke: median. {kept}",
        "kept": "Of long series {count} dots a process are drawn, evenly picked by time.",
        "no_samples": "{count} cells have no raw times here.",
        "median": "median {median} ms, {low} to {high}",
        "ratio_note": "Ratios from unrounded throughputs; bars: 95 % intervals. Best: each at its best batch size.",
        "ratio_hollow": "Hatched lightly: a side is simulated or published, not measured here.",
        "trade_note": "The number beside a point is its batch size. Bars: 95 % intervals of the throughput.",
        "data": "{metric} on {dataset}, %",
        "published_line": "published {value}",
        "own_line": "own fp32 {value}",
        "between": "{first} to {last}",
        "and": " and ",
    },
    "zh": {
        "throughput": "{models} 吞吐率",
        "latency": "{models} 时延",
        "ratios": "{models} 吞吐率之比：{target} / {baseline}",
        "distribution": "{models} 单批耗时分布",
        "parts": "{models} 单个样本的耗时构成",
        "trade": "{models} 精度与吞吐率",
        "by_batch": "{what}（按 batchsize）",
        "at_batch": "{what}（batchsize {batchsize}）",
        "several": "{what}（多个 batchsize）",
        "samples_per_s": "样本/s",
        "median_ms": "ms，单批中位数",
        "ratio_unit": "{target} / {baseline}",
        "relative_unit": "单批耗时，占该 cell 中位数的百分比",
        "part_unit": "ms/样本，均值",
        "higher": "{unit}（越高越好）",
        "lower": "{unit}（越低越好）",
        "log": "{name}，对数坐标",
        "batchsize": "batchsize",
        "batch": "batchsize {batchsize}",
        "best": "best",
        "gap": "无数据",
        "models": "{count} 个模型",
        "source": "{label}（{source}）",
        "measured": "实测",
        "simulated": "模拟值",
        "reference": "参考值",
        "timed": "计时范围：{boundaries}；每个 cell {processes}{iterations}。误差棒：跨进程 95 % 置信区间。",
        "by_backend": "{boundary}（{backends}）",
        "processes": "{count} 个进程",
        "process": "{count} 个进程",
        "iterations": "，各 {count} 次迭代",
        "iteration": "，各 {count} 次迭代",
        "one_process": "只有一个进程时没有置信区间。",
        "hollow_simulated": "空心标记（模拟值）：由设备的模拟程序得到，并非实测。",
        "dashed_simulated": "虚线边框（模拟值）：由设备的模拟程序得到，并非实测。",
        "hollow_reference": "空心标记（参考值）：由他人发布，并非本机实测。",
        "untrained": "权重为随机值或未经训练：输出没有意义。",
        "other_unit": "{count} 个参考值的单位未知，未绘出。",
        "first": "仅绘出 {count} 个系列中的前 {shown} 个，其余见表格。",
        "first_cells": "仅绘出 {count} 个 cell 中的前 {shown} 个，其余见表格。",
        "origin": "sweep {sweeps}",
        "harness": "{origin}；harness {versions}",
        "published": "参考值来源：{citations}",
        "no_font": "\\u...：本机字体中缺少 {count} 个字符；可安装 fonts-noto-cjk。",
        "equal": "相等",
        "parts_h2d": "H2D",
        "parts_compute": "计算",
        "parts_d2h": "D2H",
        "parts_note": "H2D、D2H 为主机与设备之间的数据拷贝；各段之和即端到端耗时。",
        "dots": "每点为一次迭代，每行为一个进程；方框为中间 50 %，粗线为中位数。{kept}",
        "kept": "长序列按时间均匀取样，每个进程绘出 {count} 点。",
        "no_samples": "{count} 个 cell 在本机没有原始耗时数据。",
        "median": "中位数 {median} ms，{low} 至 {high}",
        "ratio_note": "由未舍入的吞吐率相除；误差棒：95 % 置信区间。best：各设备取各自最优的 batchsize。",
        "ratio_hollow": "浅色网纹：有一方为模拟值或参考值，并非本机实测。",
        "trade_note": "点旁数字为 batchsize；误差棒：吞吐率的 95 % 置信区间。",
        "data": "{dataset} 上的 {metric}，%",
        "published_line": "开源仓 {value}",
        "own_line": "自测 fp32 {value}",
        "between": "{first} 至 {last}",
        "and": "、",
    },
}
STATUSES: Mapping[Language, Mapping[str, str]] = {
    "en": {},
    "zh": {
        "ok": "正常", "failed": "失败", "oom": "内存不足", "timeout": "超时", "crashed": "崩溃", "cancelled": "已取消",
        "unsupported": "不支持", "skipped": "已跳过",
    },
}  # fmt: skip
"""How a cell ended; what is not here stands as it is."""
_OFFLINE: Mapping[Language, str] = {"en": "offline (samples / wall time)", "zh": "离线（样本数 ÷ 总耗时）"}


def said(language: Language, name: str, /, **parts: Any) -> str:
    """The words of that name, with their places filled. Braces in the parts are just characters."""
    return WORDS[language][name].format_map(parts)


def status_word(language: Language, status: str) -> str:
    """How a cell ended."""
    return STATUSES[language].get(status, status)


def boundary_words(language: Language, boundary: str) -> str:
    """What a boundary times."""
    return _OFFLINE[language] if boundary == "offline" else BOUNDARIES[language].get(boundary, boundary)


def ranged(language: Language, numbers: Sequence[int]) -> str:
    """``3``, or ``2 to 11`` where the numbers differ."""
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else said(language, "between", first=low, last=high)


def all_words(language: Language) -> str:
    """Every text that a chart has of its own in this language, in one: what a font must be able to show."""
    own = [*WORDS[language].values(), *STATUSES[language].values(), *BOUNDARIES[language].values(), _OFFLINE[language]]
    return "".join(own)
