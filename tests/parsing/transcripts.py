"""Logs composed after the tools' format strings, with numbers that the tests know, in layouts that no sample has."""

# ruff: noqa: E501, W291  (the tools' lines are as wide as they are)

from __future__ import annotations

from collections.abc import Sequence


def stat_line(name: str, times: Sequence[float]) -> str:
    """A timing line as ais_bench's summary.py prints it from raw times."""
    ordered = sorted(times)
    mean = sum(times) / len(times)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return (
        f"[INFO] {name} (ms): min = {ordered[0]}, max = {ordered[-1]}, mean = {mean}, median = {median}, "
        f"percentile(99%) = {ordered[-1]}"
    )


def throughput_line(batchsize: float, times: Sequence[float], generation: str) -> str:
    """The throughput line in the wording of G1, G2 (to G3) or G4 (to G6)."""
    mean = sum(times) / len(times)
    value = 1000 * batchsize / mean
    if generation == "G1":
        return f"[INFO] throughput (1000*batchsize/NPU_compute_time): {value}"
    name = "batchsize.mean" if generation == "G4" else "batchsize"
    return f"[INFO] throughput 1000*{name}({batchsize})/NPU_compute_time.mean({mean}): {value}"


def ais_bench_run(times: Sequence[float], batchsize: float = 1, generation: str = "G4", device: int = 0) -> str:
    """One whole run of ais_bench, with the progress bar on the line of the summary's heading."""
    lines = [
        "[INFO] acl init success",
        f"[INFO] open device {device} success",
        "[INFO] load model model_bs.om success",
        "[INFO] create model description success",
        "[INFO] warm up 1 done",
        f"\rloop inference exec: ({len(times)}/{len(times)})",
        (
            "Inference array Processing:   0%|          | 0/1 [00:00<?, ?it/s]\r"
            "Inference array Processing: 100%|██████████| 1/1 [00:01<00:00,  1.35s/it]"
            "[INFO] -----------------Performance Summary------------------"
        ),
        stat_line("H2D_latency", [0.75, 0.8125]),
        stat_line("NPU_compute_time", times),
        stat_line("D2H_latency", [1.5, 1.3]),
        throughput_line(batchsize, times, generation),
        "[INFO] ------------------------------------------------------",
        "[INFO] unload model success, model Id is 1",
        "[INFO] end to destroy context",
        f"[INFO] end to reset device is {device}",
        "[INFO] end to finalize acl",
    ]
    return "\n".join(lines) + "\n"


#: Two devices: their blocks interleave without a device's name, then the parent's lines; G5's wording.
MULTI_DEVICE = """\
[INFO] multidevice:[1, 2] run begin
[INFO] load model resnet50_bs1.om success
[INFO] load model resnet50_bs1.om success
[INFO] -----------------Performance Summary------------------
[INFO] -----------------Performance Summary------------------
[INFO] NPU_compute_time (ms): min = 3.25, max = 3.9, mean = 3.625, median = 3.7, percentile(99%) = 3.89
[INFO] NPU_compute_time (ms): min = 3.125, max = 4.2, mean = 4.0, median = 4.1, percentile(99%) = 4.19
[INFO] throughput 1000*batchsize.mean(1)/NPU_compute_time.mean(4.0): 250.0
[INFO] throughput 1000*batchsize.mean(1)/NPU_compute_time.mean(3.625): 275.86206896551727
[INFO] unload model success, model Id is 1
[INFO] unload model success, model Id is 1
[INFO] multidevice run end qsize:4 result:0
[INFO] i:1 device_2 throughput:250.0                 start_time:1676875630.8043878 end_time:1676875630.8326817
i:0 device_1 throughput:275.86206896551727 start_time:1676875630.804429 end_time:1676875630.8303885
[INFO] summary throughput:525.8620689655172
"""

#: Two dies a card, power of the second not reported, a plain border between them; process table with a blank name.
NPU_A3 = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 25.3.rc1                 Version: 25.3.rc1                                             |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip  Phy-ID              | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     Ascend910           | OK            | 166.9       38                0    / 0             |
| 0     0                   | 0000:9D:00.0  | 12          0    / 0          46536/ 65536         |
+------------------------------------------------------------------------------------------------+
| 0     Ascend910           | Warning       | -           37                0    / 0             |
| 1     1                   | 0000:9F:00.0  | 0           0    / 0          3196 / 65536         |
+===========================+===============+====================================================+
+---------------------------+---------------+----------------------------------------------------+
| NPU     Chip              | Process id    | Process name       | Process memory(MB)    | Process id in container |
+===========================+===============+====================================================+
| 0       0                 | 1333928       |                    | 37709                 | NA                      |
| 0       0                 | 485946        | pytest             | 5175                  | 101                     |
+===========================+===============+====================================================+
| No running processes found in NPU 1                                                            |
+===========================+===============+====================================================+
"""

#: Atlas 300I Duo: two chips under one NPU id that is no device id, power not reported.
NPU_DUO = """\
+--------------------------------------------------------------------------------------------------------+
| npu-smi 25.2.0                                   Version: 25.2.0                                       |
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 4       310P3                 | OK              | NA           45                0     / 0             |
| 0       2                     | 0000:01:00.0    | 0            1529 / 44280                            |
+-------------------------------+-----------------+------------------------------------------------------+
| 4       310P3                 | OK              | NA           43                0     / 0             |
| 1       3                     | NA              | 7            NA / 43693                              |
+===============================+=================+======================================================+
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |
+===============================+=================+======================================================+
| 4       1                     | 77              | python3                  | 812                       |
+===============================+=================+======================================================+
"""

#: 950: a cell each for id and name, the second row's first cells blank.
NPU_950 = """\
| npu-smi 26.0.rc1    Version: 26.0.rc1 |
| NPU ID | Name             | Health        | Power(W)    Temp(C)           Hugepages-Usage(page) |
|        |                  | Bus-Id        | NPU Util(%) Memory-Usage(MB)  HBM-Usage(MB)         |
+========+==================+===============+=====================================================+
| 3      | Ascend950PR      | Alarm         | 195.7       56                0    / 0              |
|        |                  | NA            | 20          0    / 0          2048 / 131072         |
+========+==================+===============+=====================================================+
| NPU ID                    | Process id    | Process name             | Process memory(MB)       |
| 3                         | 1001          | python                   | 256                      |
"""

#: `npu-smi info -t usages -i 1`: the line Chip ID ends each chip.
NPU_USAGES = """\
\tNPU ID                         : 1
\tChip Count                     : 2

\tDDR Capacity(MB)               : 44280
\tDDR Usage Rate(%)              : 3
\tAicore Usage Rate(%)           : 41
\tCtrlcpu Usage Rate(%)          : 2
\tChip ID                        : 0

\tDDR Capacity(MB)               : 43693
\tDDR Usage Rate(%)              : 5
\tAicore Usage Rate(%)           : 0
\tCtrlcpu Usage Rate(%)          : 3
\tChip ID                        : 1

"""

#: `npu-smi info -t common -i 2`: Chip ID begins each chip, the MCU follows with a temperature and power of its own.
NPU_COMMON = """\
\tNPU ID                         : 2
\tChip Count                     : 1

\tChip ID                        : 0
\tMemory Usage Rate(%)           : 4
\tAicore Usage Rate(%)           : 0
\tAicore Freq(MHZ)               : 1080
\tAicore curFreq(MHZ)            : 960
\tTemperature(C)                 : 43

\tChip Name                      : mcu
\tTemperature(C)                 : 41
\tNPU Real-time Power(W)         : 13.4
"""

NPU_BOARD = """\
\tNPU ID                         : 0
\tProduct Name                   : IT21HMDC
\tModel                          : NA
\tSoftware Version               : 25.5.1
\tFirmware Version               : 7.8.0.6.201
\tBoard ID                       : 0x60
\tPCIe Bus Info                  : 0000:C1:00.0
\tSlot ID                        : 0
\tChip Count                     : 1
"""

#: The mapping of an A3 machine, whose titles include the physical id.
NPU_MAP = """\
\tNPU ID                         Chip ID                        Chip Logic ID                  Chip Phy-ID           Chip Name
\t0                              0                              0                              4                     Ascend 910
\t0                              1                              1                              5                     Ascend 910
\t0                              2                              -                              -                     Mcu
"""

TRT7 = """\
&&&& RUNNING TensorRT.trtexec # ./trtexec --onnx=resnext50.onnx --fp16 --shapes=image:1x3x224x224 --threads
[07/18/2021-15:30:00] [I] Average on 10 runs - GPU latency: 0.86 ms - Host latency: 0.91 ms (end to end 1.6 ms, enqueue 0.4 ms)
[07/18/2021-15:30:00] [I] Host Latency
[07/18/2021-15:30:00] [I] min: 0.84 ms (end to end 0.88 ms)
[07/18/2021-15:30:00] [I] max: 4.1 ms (end to end 5.1 ms)
[07/18/2021-15:30:00] [I] mean: 0.92 ms (end to end 1.63 ms)
[07/18/2021-15:30:00] [I] median: 0.91 ms (end to end 1.61 ms)
[07/18/2021-15:30:00] [I] percentile: 1.02 ms at 99% (end to end 1.9 ms at 99%)
[07/18/2021-15:30:00] [I] throughput: 0 qps
[07/18/2021-15:30:00] [I] walltime: 3.00461 s
[07/18/2021-15:30:00] [I] Enqueue Time
[07/18/2021-15:30:00] [I] min: 0.31 ms
[07/18/2021-15:30:00] [I] max: 2.2 ms
[07/18/2021-15:30:00] [I] median: 0.39 ms
[07/18/2021-15:30:00] [I] GPU Compute
[07/18/2021-15:30:00] [I] min: 0.796875 ms
[07/18/2021-15:30:00] [I] max: 3.98999 ms
[07/18/2021-15:30:00] [I] mean: 0.859765 ms
[07/18/2021-15:30:00] [I] median: 0.853516 ms
[07/18/2021-15:30:00] [I] percentile: 0.987305 ms at 99%
[07/18/2021-15:30:00] [I] total compute time: 2.98597 s
&&&& PASSED TensorRT.trtexec # ./trtexec --onnx=resnext50.onnx --fp16 --shapes=image:1x3x224x224 --threads
"""

TRT10 = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v100300] [b17] # trtexec --onnx=m.onnx --fp16 '--shapes=onnx::Reshape_0:1x3'
[09/25/2026-10:00:00] [I] === Build Options ===
[09/25/2026-10:00:00] [I] Precision: FP32+FP16
[09/25/2026-10:00:00] [I] === Inference Options ===
[09/25/2026-10:00:00] [I] Batch: Explicit
[09/25/2026-10:00:00] [I] Inference Streams: 1
[09/25/2026-10:00:00] [I] Data transfers: Disabled
[09/25/2026-10:00:00] [I] Spin-wait: Enabled
[09/25/2026-10:00:00] [I] CUDA Graph: Enabled
[09/25/2026-10:00:00] [I] === Device Information ===
[09/25/2026-10:00:00] [I] Selected Device: Tesla T4
[09/25/2026-10:00:00] [I] Compute Capability: 7.5
[09/25/2026-10:00:00] [W] [TRT] Requested amount of GPU memory (2147483648 bytes) could not be allocated. There may not be \
enough free memory for allocation to succeed.
[09/25/2026-10:00:40] [I] Timing trace has 5000 queries over 3.02 s
[09/25/2026-10:00:40] [I] === Performance summary ===
[09/25/2026-10:00:40] [I] Throughput: 2.54521e+03 qps
[09/25/2026-10:00:40] [I] Latency: min = 0.36 ms, max = 0.52 ms, mean = 0.37 ms, median = 0.37 ms, percentile(90%) = 0.4 ms, \
percentile(95%) = 0.41 ms, percentile(99%) = 0.42 ms
[09/25/2026-10:00:40] [I] Enqueue Time: min = 0.01 ms, max = 0.05 ms, mean = 0.02 ms, median = 0.01 ms, percentile(99%) = 0.02 ms
[09/25/2026-10:00:40] [I] H2D Latency: min = 0 ms, max = 0 ms, mean = 0 ms, median = 0 ms, percentile(99%) = 0 ms
[09/25/2026-10:00:40] [I] GPU Compute Time: min = 0.36 ms, max = 0.52 ms, mean = 0.37 ms, median = 0.37 ms, percentile(90%) = \
0.4 ms, percentile(95%) = 0.41 ms, percentile(99%) = 0.42 ms
[09/25/2026-10:00:40] [I] D2H Latency: min = 0 ms, max = 0 ms, mean = 0 ms, median = 0 ms, percentile(99%) = 0 ms
[09/25/2026-10:00:40] [I] Total Host Walltime: 3.02 s
[09/25/2026-10:00:40] [I] Total GPU Compute Time: 1.85 s
[09/25/2026-10:00:40] [W] * GPU compute time is unstable, with coefficient of variance = 2.97%.
[09/25/2026-10:00:40] [I]
&&&& PASSED TensorRT.trtexec [TensorRT v100300] [b17] # trtexec --onnx=m.onnx --fp16 '--shapes=onnx::Reshape_0:1x3'
"""

ATC_FAILED = """\
ATC start working now, please wait for a moment.
....
ATC run failed, Please check the detail log, Try 'atc --help' for more information
E10016: [PID: 10490] 2025-03-18-09:02:18.501.341 Opname [input1] specified in [--input_shape] is not found in the model.
        Solution: Check the parameter.
        TraceBack (most recent call last):
"""

#: What a batch too large looks like when output memory is allocated: no line break before the second tag.
OOM_OUTPUT = """\
[INFO] acl init success
[INFO] open device 0 success
[INFO] load model swin98_bs16.om success
[INFO] create model description success
[207001][Error code unknown] Malloc ptrData failed.[ERROR] MemoryHelper::MxbsMalloc failed.i:0 name:output size:2516582400 ret:2
[ERROR] create outmemory data failed:2
Traceback (most recent call last):
  File "infer.py", line 10, in <module>
RuntimeError: [2][ACL: memory allocation fail] 
"""

OOM_LOAD = """\
[INFO] open device 0 success
EL0004: [PID: 28794] 2025-08-26-03:58:55.257.127 Failed to allocate memory.
[ERROR] load model from file failed, model file is swin98_bs16.om
[WARN] Check failed:processModel->LoadModelFromFile(modelPath), ret:1
RuntimeError: [1][ACL: invalid parameter] 
"""
