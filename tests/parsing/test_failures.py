"""Each way to fail that is known of the tools: its outcome, its reason code, the tool's words and a hint."""

from __future__ import annotations

import pytest

from harness.parsing.failure_rules import DEVICE, ENVIRONMENT, MEMORY
from harness.parsing.failure_rules_run import LAST, MODEL, RUN
from harness.parsing.failures import classify
from tests.parsing.transcripts import ATC_FAILED, MULTI_DEVICE, OOM_LOAD, OOM_OUTPUT, TRT10, ais_bench_run

FAILED = "ATC start working now, please wait for a moment.\nATC run failed, Please check the detail log\n"
CASES = [
    # memory
    (OOM_LOAD, "oom", "device_out_of_memory"),
    (OOM_OUTPUT, "oom", "device_out_of_memory"),
    ("RuntimeError: [207001][Error code unknown] \n", "oom", "device_out_of_memory"),
    ("acl execute failed, ret=245000\n", "oom", "device_out_of_memory"),
    ("[E] [TRT] (25) - Cuda Error in allocate: 2 (out of memory)\n", "oom", "device_out_of_memory"),
    (
        "[E] Error[1]: [defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)\n",
        "oom",
        "device_out_of_memory",
    ),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n", "oom", "device_out_of_memory"),
    ("RuntimeError: NPU out of memory. Tried to allocate 1.17 GiB\n", "oom", "device_out_of_memory"),
    ("terminate called after throwing an instance of 'std::bad_alloc'\n", "oom", "host_out_of_memory"),
    ("ImportError: libgomp.so.1: cannot allocate memory in static TLS block\n", "failed", "static_tls_exhausted"),
    # environment
    ("OSError: 131072 requested and 80896 written\n", "failed", "disk_full"),
    ("OSError: [Errno 28] No space left on device: 'sum/out_0.bin'\n", "failed", "disk_full"),
    ("atc.bin: error while loading shared libraries: libascend_hal.so: cannot open\n", "failed", "driver_missing"),
    ("ImportError: libascendcl.so: cannot open shared object file: No such file\n", "failed", "toolkit_not_sourced"),
    ("bash: atc: command not found\n", "failed", "toolkit_not_sourced"),
    ("sh: 1: atc: not found\n", "failed", "toolkit_not_sourced"),
    ("/usr/bin/python3: No module named ais_bench\n", "failed", "ais_bench_missing"),
    ("ModuleNotFoundError: No module named 'aclruntime'\n", "failed", "ais_bench_missing"),
    ("bash: trtexec: command not found\n", "failed", "tool_missing"),
    (
        "ImportError: /lib64/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by a.so)\n",
        "failed",
        "libstdcxx_too_old",
    ),
    (
        "atc.bin: error while loading shared libraries: libpython3.7m.so.1.0: cannot open\n",
        "failed",
        "shared_library_missing",
    ),
    (FAILED + "E40000: Failed to import te.platform.log_util.\n", "failed", "python_environment"),
    (
        FAILED + "EC0010: [PID: 1] 2025-07-08-10:25:28.680.962 Failed to import Python module [x].\n",
        "failed",
        "python_environment",
    ),
    # device
    ("dcmi model initialized failed, because the device is used. ret is -8020\n", "failed", "device_busy"),
    ("RuntimeError: error code is 507899\nResource_Busy(EL0005): The resources are busy.\n", "failed", "device_busy"),
    ("dcmi module initialize failed. ret is -8005\n", "failed", "driver_error"),
    ("[ERROR] acl open device 0 failed\nSetDevice failed.ret=507033\n", "failed", "driver_error"),
    ("[ERROR] acl open device 9 failed\nRuntimeError: [107001][Error code unknown] \n", "failed", "device_not_found"),
    ("There is no NPU card on this server.\n", "failed", "device_not_found"),
    ("This device does not support querying power.\n", "unsupported", "query_unsupported"),
    # model
    (
        FAILED + "E10001: Value [Ascend311] for parameter [--soc_version] is invalid.\n",
        "unsupported",
        "soc_version_invalid",
    ),
    ("[ERROR] load model from file failed, ret=507008\n", "unsupported", "soc_version_mismatch"),
    (
        FAILED + "E19010: No parser is registered for Op [a, optype [ai.onnx::23::Div]].\n",
        "unsupported",
        "operator_unsupported",
    ),
    (
        FAILED + "EZ3003: No supported Ops kernel and engine are found for [a], optype [T].\n",
        "unsupported",
        "operator_unsupported",
    ),
    (
        FAILED + "EZ3002: Optype [T] of Ops kernel [AIcoreEngine] is unsupported.\n",
        "unsupported",
        "operator_unsupported",
    ),
    (FAILED + "E40021: Failed to compile Op [a].\n", "failed", "operator_compile_failed"),
    (
        FAILED + "E16005: The model has [2] [--domain version] fields, but only one is allowed\n",
        "failed",
        "onnx_invalid",
    ),
    (ATC_FAILED, "failed", "input_name_unknown"),
    (FAILED + "E10009: the arguments are mutually exclusive\n", "failed", "convert_argument"),
    (FAILED + "E10054: The requied parameter [--model] for ATC is empty.\n", "failed", "convert_argument"),
    (
        "[ERROR] AMCT(1,atc.bin)[a.cpp:1]input image size[1] is not equal to model input size[2]\n" + FAILED,
        "failed",
        "calibration_input_mismatch",
    ),
    (FAILED + "E19025: Input tensor is invalid. Reason:\n", "failed", "cann_error"),
    (FAILED, "failed", "convert_failed"),
    # run
    (
        "E19999: Inner Error!\n[ERROR] load model from file failed, model file is a.om\nRuntimeError: [1][x] \n",
        "failed",
        "model_rejected",
    ),
    ("[ERROR] arg0 tensorsize: 196608 filesize: 602112 not match\n", "failed", "input_size_mismatch"),
    ("[ERROR] Check i:0 name:x in size:4 needsize:8 not match\n", "failed", "input_size_mismatch"),
    (
        "EZ9999: Inner Error!\nEZ9999  there is an aicore error, core id is 0, error code = 0x800000\n",
        "failed",
        "aicore_exception",
    ),
    ("[ERROR] acl execute failed, ret=507014\n", "timeout", "device_timeout"),
    (
        "[ERROR] execute model failed, modelId is 1\nacl execute failed:1\nRuntimeError: [-1][ACL: general failure] \n",
        "failed",
        "execution_failed",
    ),
    ("RuntimeError: summary.get_list_info failed: inner error\n", "failed", "no_results"),
    ("[ERROR] save out files error array shape:(1, 2)\n", "failed", "output_batch_axis"),
    (
        "RuntimeError: dynamic batch om model detected, but dymbatch, dymdims or dymshape not set!\n",
        "failed",
        "dynamic_shape_not_set",
    ),
    ("[ERROR] Invalid args. ./1.bin of --input is invalid\n", "failed", "path_refused"),
    ("__main__.py: error: unrecognized arguments: --lop 3\n", "failed", "usage_error"),
    ("[E] Unknown option: --workspace 2048\n&&&& FAILED TensorRT.trtexec # trtexec\n", "failed", "usage_error"),
    (
        "[E] Error[10]: Could not find any implementation for node {x}.\n&&&& FAILED TensorRT.trtexec\n",
        "failed",
        "engine_build_failed",
    ),
    ("[E] Engine deserialization failed\n&&&& FAILED TensorRT.trtexec\n", "failed", "engine_incompatible"),
    ("[E] something new\n&&&& FAILED TensorRT.trtexec\n", "failed", "trtexec_failed"),
    (MULTI_DEVICE.replace("result:0", "result:1"), "failed", "device_worker_failed"),
    ("RuntimeError: [1004][Invalid parameter] \n", "failed", "acl_error"),
    ("Traceback (most recent call last):\nKeyError: 'x'\n", "failed", "python_exception"),
    ("E19999: Inner Error!\n        Unknown error occurred.\n", "failed", "inner_error"),
]


@pytest.mark.parametrize(
    ("text", "outcome", "reason"), CASES, ids=[f"{index}-{case[2]}" for index, case in enumerate(CASES)]
)
@pytest.mark.parametrize("exit_status", [1, 255, None])
def test_known_failure(text: str, outcome: str, reason: str, exit_status: int | None) -> None:
    failure = classify(text, exit_status)
    assert failure is not None
    assert (failure.outcome, failure.reason) == (outcome, reason)
    assert failure.message
    assert failure.message in " ".join(text.split("\n"))
    assert failure.hint
    assert "\n" not in failure.message + failure.hint


@pytest.mark.parametrize(
    ("exit_status", "outcome", "reason"),
    [
        (-9, "crashed", "killed"),
        (137, "crashed", "killed"),
        (-11, "crashed", "segmentation_fault"),
        (139, "crashed", "segmentation_fault"),
        (-6, "crashed", "aborted"),
        (-15, "crashed", "terminated"),
        (-64, "crashed", "signal"),
        (124, "timeout", "time_limit"),
        (127, "failed", "tool_missing"),
        (126, "failed", "tool_not_executable"),
        (255, "failed", "exit_status"),
        (3, "failed", "exit_status"),
    ],
)
def test_exit_status_alone(exit_status: int, outcome: str, reason: str) -> None:
    failure = classify("working...\nstill working\n", exit_status)
    assert failure is not None
    assert (failure.outcome, failure.reason) == (outcome, reason)
    assert "still working" in failure.message
    assert classify("", exit_status) is not None


@pytest.mark.parametrize("exit_status", [0, None])
@pytest.mark.parametrize(
    "text",
    [
        ais_bench_run([1.0]),
        MULTI_DEVICE,
        TRT10,
        "ModuleNotFoundError: No module named 'x'\nATC run success, welcome to the next use.\n",
        "[INFO] run_count:3 success_count:3 avg_throughput:246.7\n",
        "[WARNING] aclruntime version:0.0.1 is lower please update\n[INFO] unload model success, model Id is 1\n",
        "",
        "207001 files of 245000 bytes\n",
    ],
)
def test_success_is_no_failure(text: str, exit_status: int | None) -> None:
    assert classify(text, exit_status) is None


def test_status_zero_proves_nothing() -> None:
    assert classify(OOM_LOAD, 0) is not None  # msprof's wrapper returns 0 whatever happened
    ranges = "[ERROR] load model from file failed\n[INFO] run_count:3 success_count:2 avg_throughput:2.0\n"
    assert classify(ranges, 0) is not None


def test_a_crash_after_success_is_a_crash() -> None:
    failure = classify(ais_bench_run([1.0]), -11)
    assert failure is not None
    assert failure.outcome == "crashed"


def test_memory_is_named_even_if_the_process_was_killed_after() -> None:
    failure = classify(OOM_OUTPUT, -6)
    assert failure is not None
    assert failure.outcome == "oom"


def test_very_long_logs_are_searched_at_both_ends() -> None:
    filler = "[INFO] working\n" * 100_000
    for text in (OOM_LOAD + filler, filler + OOM_LOAD):
        failure = classify(text, 1)
        assert failure is not None
        assert failure.outcome == "oom"


def test_very_long_lines_are_shortened_to_the_words() -> None:
    failure = classify("x" * 5000 + " acl open device 0 failed " + "y" * 5000, 1)
    assert failure is not None
    assert "acl open device 0 failed" in failure.message
    assert len(failure.message) < 500


def test_reasons_are_unique_codes_with_hints() -> None:
    rules = (*MEMORY, *ENVIRONMENT, *DEVICE, *MODEL, *RUN, *LAST)
    reasons = [rule.reason for rule in rules]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.isidentifier() and reason.islower() for reason in reasons)
    assert {rule.outcome for rule in rules} <= {"oom", "failed", "unsupported", "timeout", "crashed"}
    assert all("\n" not in rule.hint and len(rule.hint) > 5 for rule in rules)
