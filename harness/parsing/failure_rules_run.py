"""How failures of the model and of the run look in a log; each with outcome, reason code and hint.

The order matters: ``load model from file failed`` is printed for a wrong chip, a corrupt file and a full memory
alike, so the groups of ``failure_rules`` come first and the generic rules of ``LAST`` at the end.
"""

from __future__ import annotations

from harness.parsing.failure_rules import rule

_PLOG = "read the plog files below ASCEND_PROCESS_LOG_PATH (default $HOME/ascend/log) for the operator and its code"

MODEL = (
    rule(
        "unsupported",
        "soc_version_mismatch",
        "model",
        r"CODE=507008\b|SoC version[^\n]{0,300}(?:mismatch|not match)",
        "convert the model again for the chip that is present: soc_version=Ascend<name in npu-smi info>",
    ),
    rule(
        "unsupported",
        "soc_version_invalid",
        "model",
        r"E10001\)?:[^\n]{0,300}soc_version|soc_version[^\n]{0,300}(?:is invalid|not support)",
        "give --soc_version=Ascend<name in npu-smi info>, such as Ascend310P3",
    ),
    rule(
        "unsupported",
        "operator_unsupported",
        "operator",
        r"\b(?:EZ300[23]|E19010|EZ9010|EZ0501|E10501|E1005[56])\)?:|No parser is registered for Op"
        r"|No supported Ops kernel|IR for Op \[|No importer registered for op|UNSUPPORTED_NODE",
        "the operator named is not in this toolkit for this chip: export with a lower opset (11 for CANN 5.1), "
        "rewrite the node, or update the toolkit; check that soc_version names the exact chip",
    ),
    rule(
        "failed",
        "operator_compile_failed",
        "operator",
        r"\bE40021\)?:|Failed to compile Op",
        _PLOG,
    ),
    rule(
        "failed",
        "engine_build_failed",
        "operator",
        r"Could not find any implementation for node|Engine could not be created from network",
        "give TensorRT more workspace (--memPoolSize=workspace:<MiB>), another precision, or rewrite the node named",
    ),
    rule(
        "failed",
        "onnx_invalid",
        "model",
        r"\b(?:E1600[1-5]|E10041)\)?:|Failed to parse onnx file|Failed to load the model from"
        r"|ONNX[^\n]{0,300}(?:is invalid|parse failed)",
        "check the ONNX file with onnx.checker; E16005 wants exactly one opset domain",
    ),
    rule(
        "failed",
        "input_name_unknown",
        "usage",
        r"\b(?:E10016|E11017)\)?:|Cannot find input tensor with name",
        "take the names from the graph's inputs and outputs",
    ),
    rule(
        "failed",
        "calibration_input_mismatch",
        "input",
        r"input image size\s*\[\d+\] is not equal to model input size",
        "the calibration data do not have the model's input size and type",
    ),
    rule(
        "failed",
        "convert_argument",
        "usage",
        r"\b(?:E100(?:0[1-9]|[1-4][0-9]|5[0-4])|E10410|E130(?:0\d|1[0-5]))\)?:",
        "correct the argument that the message names",
    ),
    rule(
        "failed",
        "engine_incompatible",
        "model",
        r"Engine deserialization failed|magicTag|Serialization assertion|incompatible serialization version",
        "build the engine again with this TensorRT on this GPU",
    ),
)

RUN = (
    rule(
        "timeout",
        "device_timeout",
        "execution",
        r"CODE=(?:507014|507017|507034|507046|107020)\b|AI ?Core (?:operator )?(?:execution )?time(?:d )?out",
        "an operator ran longer than the device allows (55 s on 310): use a smaller batchsize, or find what hangs",
    ),
    rule(
        "failed",
        "aicore_exception",
        "execution",
        r"aicore error|CODE=(?:507015|507018|507035|507053)\b|AI Core exception|exception_cb ",
        "an operator read or wrote out of range: check input data and shapes, then " + _PLOG,
    ),
    rule(
        "failed",
        "input_size_mismatch",
        "input",
        r"tensorsize: ?\d+ filesize: ?\d+ not match|in size: ?\d+ needsize: ?\d+ not match|Static dimension mismatch",
        "write the input with the model's shape and type: its bytes must equal the tensor's",
    ),
    rule(
        "failed",
        "output_batch_axis",
        "input/output split",
        r"save out files error",
        "name the batched axis of the output with --output_batchsize_axis",
    ),
    rule(
        "failed",
        "dynamic_shape_not_set",
        "usage",
        r"dymbatch, dymdims or dymshape not set|CODE=145013\b|dynamic dimensions? (?:required|but no shapes)",
        "give the shape: --dymBatch, --dymHW, --dymDims or --dymShape",
    ),
    rule(
        "failed",
        "path_refused",
        "usage",
        r"contains illegal char|permission should not be over|of --\w+ is invalid|is not a valid path"
        r"|\[ERROR\] Invalid args",
        "ais_bench takes absolute paths of A-Z a-z 0-9 _ - / . only, not writable by group or others, and no links",
    ),
    rule(
        "failed",
        "usage_error",
        "usage",
        r"unrecognized arguments|the following arguments are required|invalid choice:|expected one argument"
        r"|unknown command line flag|Unknown option:|error: argument ",
        "correct the option that the message names; options change between versions",
    ),
    rule(
        "failed",
        "model_rejected",
        "model",
        r"load model from file failed|LoadModelFromFile\(",
        "the OM file is not for this chip or is damaged (or, with --profiler, its path is relative): convert it again "
        "with the soc_version of `npu-smi info` and give an absolute path",
    ),
    rule(
        "failed",
        "device_worker_failed",
        "execution",
        r"subprocess run failed error_callback|multidevice run end qsize:\d+ result:[1-9]",
        "a device of the multi-device run failed: its lines above say why",
    ),
    rule(
        "failed",
        "execution_failed",
        "execution",
        r"execute model failed|acl execute failed|Execute Infer failed",
        _PLOG,
    ),
    rule(
        "failed",
        "no_results",
        "execution",
        r"get_list_info failed",
        "nothing was measured: check that inputs exist and that loop is at least 1",
    ),
    rule("failed", "inner_error", "execution", r"\bE[A-Z1]\w999\)?: ?[^\n]{0,300}Inner Error", _PLOG),
)

LAST = (
    rule("failed", "cann_error", "execution", r"\bE(?:[A-Z][0-9]{3,4}|[1-9][0-9]{4})\)?: ?[^\n]+", _PLOG),
    rule("failed", "convert_failed", "model", r"ATC run failed", _PLOG),
    rule("failed", "trtexec_failed", "model", r"&&&& FAILED", "the first line marked [E] says why"),
    rule(
        "failed",
        "acl_error",
        "execution",
        r"RuntimeError: ?\[-?\d+\]\s*\[[^\]\n]*\]",
        "the number is ais_bench's own; " + _PLOG,
    ),
    rule(
        "failed",
        "python_exception",
        "execution",
        r"^\w*(?:Error|Exception)\b: ?[^\n]{0,300}",
        "see the traceback in the log",
    ),
    rule("failed", "error_reported", "execution", r"\[(?:ERROR|E)\] ?[^\n]+", "see the log"),
)
