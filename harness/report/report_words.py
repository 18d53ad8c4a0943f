"""The words of a report in English and Chinese. Names in braces are filled in; both languages have the same keys."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.report.plot_words import said
from harness.report.table import Language

PHRASES: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Benchmark report",
        "performance": "Performance of {model}",
        "accuracy": "Accuracy of {model}",
        "batchsize": "batchsize",
        "device": "{device}",
        "ratio": "{target}/{baseline}",
        "end_to_end": "{device} end to end",
        "ratio_end_to_end": "{target}/{baseline} end to end",
        "joules": "{device} J/sample",
        "best": "best",
        "earlier": "{size} (earlier)",
        "also": "{size} (also published)",
        "times": "{value}x",
        "times_interval": "{value}x ({low} to {high})",
        "published": "published",
        "mark_simulated": "* simulated by a stand-in of the device, not measured.",
        "mark_reference": "^ reference: published by somebody else, not measured here.",
        "leads": "On the {device}, {model} is fastest at a batch size of {size}: {value}.",
        "oom": "No figures for {device} at a batch size of {sizes}: it did not fit into memory.",
        "oom_more": "No figures for {device} at a batch size of {sizes} or more: it did not fit into memory.",
        "out_of_memory": "out of memory",
        "ended": "{device}, batch size {size}: {outcome}{why}.",
        "ended_since": "{device}, batch size {size}: measured again since ({when}), it ended as {outcome}{why}; the "
        "figures are those of before.",
        "twice": "{device}, batch size {size}, was measured {times} times: the newest ({newest}) is used for "
        "the ratio; earlier: {earlier}.",
        "published_twice": "{device}, batch size {size}, is published with {times} values; the first is used for "
        "the ratio.",
        "more": "{number} more",
        "machine": "{started} on {host}, sweep {sweep}",
        "differing_cells": "Between the measurements of {device}, batch size {size}, differ: {differing}.",
        "compute": "Throughput is 1000 x batch size / mean device compute time, copies left out.",
        "compute_end_to_end": "Throughput is 1000 x batch size / mean device compute time, copies left out; end to end "
        "counts them.",
        "intervals": "± is half of the 95 % t-interval over processes.",
        "best_rule": "best: each device at its own best batch size.",
        "paired": "Ratios are paired by round, with their 95 % interval.",
        "unpaired": "Ratios of what was measured apart have Welch's 95 % interval; drift between the two is in them.",
        "one_sided": "The interval of a ratio to a published number is that of the measured side alone.",
        "no_difference": "~ no difference is shown: the interval holds 1{floor}.",
        "floor": ", or the difference is below the device's noise floor of {percent} %",
        "differing": "{target}/{baseline}, batch size {sizes}: differ in {differing}.",
        "unknown": "For a comparison, published numbers do not state, or not in full: {parts}.",
        "unit_unknown": "{device}: the source does not state the unit of its throughput; it is divided by nothing.",
        "unit_alike": "{device}: the source does not state the unit of its throughput; it is divided by numbers of the "
        "same source only.",
        "conditions": "{device}: the source states: {words}.",
        "open": "{device}: the source does not state: {words}.",
        "remark": "{device}, remark: {remark}.",
        "more_remarks": "{device}: {number} more remarks; python -m harness.references format=json has all.",
        "absent": "{device}: nothing is known of {model} on it, no record and no reference{ratio}.",
        "absent_ratio": "; there is no ratio",
        "units_differ": "{device} counts {unit}, which is divided by nothing else.",
        "cited": "{device}: {citation}.",
        "tools": "Tools of {device}: {tools}.",
        "joules_note": "J/sample is the energy of the device in the timed window over its samples, idle power "
        "included.",
        "acceptance_met": "Acceptance rule (best {target} at least 1.6 x best {baseline}): met, {ratio}.",
        "acceptance_missed": "Acceptance rule (best {target} at least 1.6 x best {baseline}): not met, {ratio}.",
        "acceptance_open": "Acceptance rule (best {target} at least 1.6 x best {baseline}): not decided, the interval "
        "of {ratio} holds 1.6.",
        "acceptance_none": "Acceptance rule (best {target} at least 1.6 x best {baseline}): cannot be checked, there "
        "is no ratio.",
        "model": "Model",
        "metric": "{metric}({device})",
        "metric_own": "{metric}(own fp32)",
        "metric_original": "{metric}(published)",
        "chip": "Device",
        "each_device": "device",
        "batches_agree": "{device}: the batch sizes {sizes} agree in {metric} within 0.01 points{against}.",
        "batches_differ": "{device}: the batch sizes {sizes} do not agree in {metric}: they differ by up to {apart} "
        "points{against}.",
        "one_batch": "{device}: {metric} is {value} %{against}.",
        "above": ", {points} points above what is published",
        "below": ", {points} points below what is published",
        "equal": ", what is published",
        "data": "{device}: {items} {unit} of {dataset}, {mode}.",
        "data_reference": "{device}: {dataset}{mode}.",
        "own_note": "own fp32: the same weights in float32 with ONNX Runtime, on the same data.",
        "original_note": "published: {source}{mode}.",
        "mode": ", {mode}",
        "untrained": "Random and untrained weights: their accuracy says nothing about the network.",
        "missing_files": "raw samples are missing here and in {number} records in all; their figures are shown",
        "problems": "Left out or damaged",
        "parts": "model_sha256=model file; inputs=shape and type of the inputs; batchsize=batch size; "
        "precision=precision; boundary=what was timed; tools=versions and flags of the tools; data=kind of data; "
        "backend=runtime; source=source",
        "samples/s": "samples/s",
        "join": ", ",
        "and": " and ",
        "separator": "; ",
        "clause": ", ",
        "within": " ({part})",
    },
    "zh": {
        "title": "基准测试报告",
        "performance": "{model} 性能对比",
        "accuracy": "{model} 精度对比",
        "batchsize": "batchsize",
        "device": "{device}性能",
        "ratio": "{target}/{baseline}",
        "end_to_end": "{device}端到端性能",
        "ratio_end_to_end": "{target}/{baseline}（端到端）",
        "joules": "{device}能耗（J/样本）",
        "best": "best",
        "earlier": "{size}（较早）",
        "also": "{size}（另有参考值）",
        "times": "{value}倍",
        "times_interval": "{value}倍（{low}～{high}）",
        "published": "参考值",
        "mark_simulated": "* 模拟值：由设备的模拟程序得到，并非实测。",
        "mark_reference": "^ 参考值：由他人发布，并非本机实测。",
        "leads": "在 {device} 设备上，当 batchsize 为 {size} 时模型性能最优，达 {value}。",
        "oom": "注：{device} 在 batchsize 为 {sizes} 时因内存不足导致推理失败，无法获取性能数据。",
        "oom_more": "注：{device} 在 batchsize 为 {sizes} 或更高时，因内存不足导致推理失败，无法获取性能数据。",
        "out_of_memory": "内存不足",
        "ended": "{device}，batchsize 为 {size}：{outcome}{why}。",
        "ended_since": "{device}，batchsize 为 {size}：之后再次测量（{when}），结果为 {outcome}{why}；"
        "表中数据为此前所测。",
        "twice": "{device}，batchsize 为 {size}，共测量 {times} 次：比值采用最新一次（{newest}）；较早的为 {earlier}。",
        "published_twice": "{device}，batchsize 为 {size}，有 {times} 个参考值；比值采用第一个。",
        "more": "另有 {number} 次",
        "machine": "{started}，主机 {host}，sweep {sweep}",
        "differing_cells": "{device}，batchsize 为 {size}，各次测量之间的差异：{differing}。",
        "compute": "吞吐率 = 1000 × batchsize ÷ 设备计算平均耗时（ms），不含数据拷贝。",
        "compute_end_to_end": "吞吐率 = 1000 × batchsize ÷ 设备计算平均耗时（ms），不含数据拷贝；端到端性能包含拷贝。",
        "intervals": "± 为跨进程 95 % t 置信区间的一半。",
        "best_rule": "best：各设备取各自最优的 batchsize。",
        "paired": "比值按轮次配对，并给出 95 % 置信区间。",
        "unpaired": "分开测量的数据，其比值给出 Welch 95 % 置信区间；两次测量之间的漂移包含在内。",
        "one_sided": "与参考值之比的置信区间仅来自实测一侧。",
        "no_difference": "~ 未显示出差异：置信区间包含 1{floor}。",
        "floor": "，或差异低于设备的噪声下限 {percent} %",
        "differing": "{target}/{baseline}，batchsize 为 {sizes}：测试条件不同（{differing}）。",
        "unknown": "就可比性而言，参考值未说明或未完整说明：{parts}。",
        "unit_unknown": "{device}：来源未说明吞吐率的单位，因此不计算比值。",
        "unit_alike": "{device}：来源未说明吞吐率的单位，仅与同一来源的数据计算比值。",
        "conditions": "{device}：来源说明的条件：{words}。",
        "open": "{device}：来源未说明：{words}。",
        "remark": "{device}，备注：{remark}。",
        "more_remarks": "{device}：另有 {number} 条说明，见 python -m harness.references format=json。",
        "absent": "{device}：没有 {model} 在该设备上的任何数据，既无记录也无参考值{ratio}。",
        "absent_ratio": "，因此没有比值",
        "units_differ": "{device} 的单位为 {unit}，不与其他单位的数据计算比值。",
        "cited": "{device}：{citation}。",
        "tools": "{device} 的测试软件：{tools}。",
        "joules_note": "能耗为计时窗口内设备的总能量除以样本数，包含空闲功耗。",
        "acceptance_met": "验收标准（{target} 最优性能不低于 {baseline} 最优性能的 1.6 倍）：达标，{ratio}。",
        "acceptance_missed": "验收标准（{target} 最优性能不低于 {baseline} 最优性能的 1.6 倍）：未达标，{ratio}。",
        "acceptance_open": "验收标准（{target} 最优性能不低于 {baseline} 最优性能的 1.6 倍）：无法判定，{ratio} 的"
        "置信区间包含 1.6。",
        "acceptance_none": "验收标准（{target} 最优性能不低于 {baseline} 最优性能的 1.6 倍）：无法检查，没有比值。",
        "model": "Model",
        "metric": "{metric}({device})",
        "metric_own": "{metric}(自测 fp32)",
        "metric_original": "{metric}(开源仓)",
        "chip": "芯片型号",
        "each_device": "设备",
        "batches_agree": "{device}：batchsize 为 {sizes} 的 {metric} 没有差别（0.01 个百分点以内）{against}。",
        "batches_differ": "{device}：batchsize 为 {sizes} 的 {metric} 最多相差 {apart} 个百分点{against}。",
        "one_batch": "{device}：{metric} 为 {value}%{against}。",
        "above": "，比开源仓的精度高出 {points}%",
        "below": "，比开源仓的精度低 {points}%",
        "equal": "，与开源仓的精度相同",
        "data": "{device}：{dataset} 的 {items} 个样本（{unit}），{mode}。",
        "data_reference": "{device}：{dataset}{mode}。",
        "own_note": "自测 fp32：相同权重、相同数据，用 ONNX Runtime 以 float32 推理。",
        "original_note": "开源仓：{source}{mode}。",
        "mode": "，{mode}",
        "untrained": "权重为随机值或未经训练：其精度不能说明网络的好坏。",
        "missing_files": "缺少原始样本（共 {number} 条记录如此）；其数据照常给出",
        "problems": "未采用或已损坏的数据",
        "parts": "model_sha256=模型文件; inputs=输入的形状与类型; batchsize=batchsize; precision=精度模式;"
        " boundary=计时范围; tools=工具的版本与参数; data=数据种类; backend=后端; source=来源",
        "samples/s": "样本/s",
        "join": "、",
        "and": " 和 ",
        "separator": "；",
        "clause": "，",
        "within": " {part}",
    },
}


OPEN: Mapping[str, str] = {
    "precision": "精度模式",
    "version of TensorRT": "TensorRT 版本",
    "flags of trtexec": "trtexec 参数",
    "repeats": "重复次数",
    "spread": "离散程度",
    "clock": "频率",
    "unit": "单位",
    "unit of the throughput": "吞吐率的单位",
    "boundary": "计时范围",
    "batchsize": "batchsize",
    "chip": "芯片型号",
}
"""What sources do not state, in Chinese; what is not here stands as it is."""


def phrase(language: Language, key: str, **values: object) -> str:
    """The words under a key with the values filled in, none of which is taken for a name in braces."""
    return PHRASES[language][key].format(**values)


def part_name(language: Language, part: str) -> str:
    """A part of a fingerprint in words; one that has none as it is."""
    names = dict(pair.strip().split("=") for pair in PHRASES[language]["parts"].split(";"))
    return names.get(part, part)


def difference_words(language: Language, part: str) -> str:
    """A difference between fingerprints, such as ``precision: fp32, fp16``, with the part's name in words."""
    head, colon, rest = part.partition(":")
    name, dot, inner = head.partition(".")
    if name == "source":
        rest = phrase(language, "join").join(said(language, source.strip()) for source in rest.split(","))
        rest = f" {rest}" if rest else ""
    within = phrase(language, "within", part=inner) if dot else ""
    if language == "zh" and colon:
        colon, rest = "：", rest.lstrip()
    return f"{part_name(language, name)}{within}{colon}{rest}"


def enumerated(language: Language, values: object) -> str:
    """``1 and 4`` or ``1, 4 and 8``, as the language does it."""
    words = [str(value) for value in values]  # type: ignore[attr-defined]
    join, last = PHRASES[language]["join"], PHRASES[language]["and"]
    return last.join(filter(None, [join.join(words[:-1]), *words[-1:]]))


def cited_words(language: Language, words: str) -> str:
    """The words of a citation (:attr:`harness.records.references.Citation.words`) as the language says lines."""
    if language == "en":
        return words
    return re.sub(r", lines ([\d-]+)", r"，第 \1 行", words).replace(", commit ", "，commit ")
