"""The sentences of the method card in English and Chinese; the names in braces are those of ``method.facts``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]

SENTENCES: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "where": "Measured on {devices} with {tools}, {days}, npu-harness {version}.",
        "timed": "Timed: {boundaries}; throughput is 1000 x batch size / mean ms of a batch, latency the median.",
        "rounds": "Each cell was measured in {processes} fresh processes, one a round, in rotated order;",
        "no_rounds": "Each cell was measured in {processes} fresh processes, one after the other;",
        "iterations": "each timed {iterations} iterations after {warmup} of warm-up.",
        "intervals": "± is half of the 95 % t-interval over processes (stable: within 3 %, noisy: within 10 %);",
        "comparison": "comparisons are paired by round on the logarithm of the throughput ratio.",
        "inputs": "Inputs are seeded random (seed {seed}), never zeros;",
        "quiet": "garbage collection and logging are off while timing; {cores} cores were open to the process.",
        "idle": "Idle check before each process: {policy}; {disturbed} of {count} processes have a finding.",
        "steady": "Seen to be steady before timing: {settled} of {count} processes.",
        "telemetry": "One more process sampled telemetry in {sampled} of {count};",
        "left_out": "{left_out} iterations were left out because the device throttled.",
        "simulated": "Some figures are simulated by stand-ins of the device, not measured.",
    },
    "zh": {
        "where": "测试设备：{devices}；软件：{tools}；日期：{days}；npu-harness {version}。",
        "timed": "计时范围：{boundaries}；吞吐率 = 1000 × batchsize ÷ 单批平均耗时（ms），时延取中位数。",
        "rounds": "每个 cell 用 {processes} 个全新进程测量，每轮一个，轮间轮换顺序；",
        "no_rounds": "每个 cell 用 {processes} 个全新进程测量，依次进行；",
        "iterations": "每个进程预热 {warmup} 次后计时 {iterations} 次。",
        "intervals": "± 为跨进程 95 % t 置信区间的一半（3 % 以内为 stable，10 % 以内为 noisy）；",
        "comparison": "对比按轮次配对，取吞吐率之比的对数。",
        "inputs": "输入为带种子的随机数（seed {seed}），不用全零；",
        "quiet": "计时期间关闭垃圾回收与日志；进程可用核数：{cores}。",
        "idle": "每个进程开始前检查设备是否空闲（策略：{policy}）；{count} 个进程中有 {disturbed} 个留有提示。",
        "steady": "计时前已确认达到稳态的进程：{settled}/{count}。",
        "telemetry": "由独立进程采样遥测数据的进程：{sampled}/{count}；",
        "left_out": "因设备降频而剔除 {left_out} 次迭代。",
        "simulated": "部分数值由设备的模拟程序得到，并非实测。",
    },
}
BOUNDARIES: Mapping[Language, Mapping[str, str]] = {
    "en": {"compute": "device compute", "end_to_end": "end to end (H2D + compute + D2H)"},
    "zh": {"compute": "设备计算", "end_to_end": "端到端（H2D + 计算 + D2H）"},
}
JOINS: Mapping[Language, tuple[str, str, str]] = {"en": (" ", " to ", " and "), "zh": ("", " 至 ", "、")}
"""What stands between sentences, between the ends of a range, and before the last of a list."""
