"""The flags of ATC for ONNX models: which there are, their values, which take files, and which exclude each other.

Source: ASCEND.md, section d.2 (``atc --help`` of CANN 5 to 8; GE's ``api/atc/main_impl``). What is refused here, ATC
would refuse too, after minutes or with a number only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.config.nearest import nearest, suggestion
from harness.errors import ConfigError

OWN = ("model", "output", "framework", "soc_version", "mode", "weight", "om", "json", "check_report", "help")
"""What the harness says itself or what makes no OM."""
TYPED = {
    "input_format": "convert.input_format",
    "log": "convert.log",
    "output_type": "convert.output_type",
    "op_select_implmode": "convert.op_select_implmode",
    "optypelist_for_implmode": "convert.optypelist_for_implmode",
    "precision_mode": "precision.precision_mode",
    "precision_mode_v2": "precision.precision_mode_v2",
    "op_precision_mode": "precision.op_precision_mode",
}
"""Flags that have a key of their own in the configuration."""

FILES = frozenset(
    {
        "op_precision_mode",
        "insert_op_conf",
        "keep_dtype",
        "customize_dtypes",
        "fusion_switch_file",
        "modify_mixlist",
        "compression_optimize_conf",
        "compress_weight_conf",
        "op_debug_config",
        "op_name_map",
        "op_bank_path",
        "mdl_bank_path",
        "singleop",
    }
)
"""Flags whose value is a file or a folder: its content decides the OM, so it is hashed."""

_IMPLMODES = (
    "high_precision",
    "high_performance",
    "high_precision_for_all",
    "high_performance_for_all",
)
_SWITCH = ("0", "1")
VALUES: Mapping[str, tuple[str, ...]] = {
    "mode": ("0", "1", "3", "5", "6", "30"),
    "framework": ("0", "1", "3", "5"),
    "input_format": ("NCHW", "NCDHW", "ND"),
    "log": ("debug", "info", "warning", "error", "null"),
    "precision_mode": (
        "force_fp16",
        "force_fp32",
        "cube_fp16in_fp32out",
        "allow_mix_precision",
        "allow_mix_precision_fp16",
        "allow_mix_precision_bf16",
        "allow_fp32_to_fp16",
        "allow_fp32_to_bf16",
        "must_keep_origin_dtype",
    ),
    "precision_mode_v2": (
        "fp16",
        "origin",
        "cube_fp16in_fp32out",
        "mixed_float16",
        "mixed_bfloat16",
        "cube_hif8",
        "mixed_hif8",
    ),
    "op_select_implmode": _IMPLMODES,
    "buffer_optimize": ("l2_optimize", "l1_optimize", "off_optimize"),
    "op_compiler_cache_mode": ("disable", "enable", "force"),
    "op_debug_level": ("0", "1", "2", "3", "4"),
    "oo_level": ("O1", "O3"),
    "enable_small_channel": _SWITCH,
    "disable_reuse_memory": _SWITCH,
    "external_weight": _SWITCH,
    "deterministic": _SWITCH,
    "sparsity": _SWITCH,
    "virtual_type": _SWITCH,
    "save_original_model": ("true", "false"),
    "enable_single_stream": ("true", "false"),
    "enable_compress_weight": ("true", "false"),
    "status_check": _SWITCH,
}
"""The values that a flag takes, where they are few."""

FREE = (
    "input_shape",
    "input_shape_range",
    "dynamic_batch_size",
    "dynamic_image_size",
    "dynamic_dims",
    "out_nodes",
    "output_type",
    "input_fp16_nodes",
    "is_input_adjust_hw_layout",
    "is_output_adjust_hw_layout",
    "optypelist_for_implmode",
    "op_compiler_cache_dir",
    "debug_dir",
    "auto_tune_mode",
    "enable_scope_fusion_passes",
    "dump_mode",
    "display_model_info",
    "aicore_num",
    "core_type",
    "host_env_os",
    "host_env_cpu",
    "atomic_clean_policy",
    "shape_generalized_build_mode",
    "ac_parallel_enable",
    "tiling_schedule_optimize",
    "quant_dumpable",
    "is_weight_clip",
    "deterministic_level",
    "oo_constant_folding",
    "oo_dead_code_elimination",
    "cluster_config",
    "enable_graph_parallel",
    "graph_parallel_option_path",
    "model_relation_config",
    "distributed_cluster_build",
    "export_compile_stat",
    "device",
)
KNOWN = frozenset({*OWN, *VALUES, *FILES, *FREE, *TYPED})

ALIASES = {"out_node": "out_nodes", "op_precision": "op_precision_mode"}
"""Spellings that published commands use; dashes for underscores are understood too."""

MIXED_MODES = frozenset(
    {
        "allow_mix_precision",
        "allow_mix_precision_fp16",
        "allow_mix_precision_bf16",
        "mixed_float16",
        "mixed_bfloat16",
        "mixed_hif8",
    }
)
"""The modes with which ``modify_mixlist`` means something."""


@dataclass(frozen=True)
class Exclusion:
    """Flags of which at most one may be given, and the code with which ATC says so."""

    flags: tuple[str, ...]
    code: str


EXCLUSIONS = (
    Exclusion(("dynamic_batch_size", "dynamic_image_size", "dynamic_dims"), "E10009"),
    Exclusion(("input_shape_range", "dynamic_batch_size"), "E10009"),
    Exclusion(("input_shape_range", "dynamic_image_size"), "E10009"),
    Exclusion(("input_shape_range", "dynamic_dims"), "E10009"),
    Exclusion(("precision_mode", "precision_mode_v2"), "E10047"),
    Exclusion(("dynamic_dims", "insert_op_conf"), "E10001"),
)


def canonical(flag: str) -> str:
    """The flag as ATC spells it: underscores, no leading dashes, full name."""
    name = flag.strip().lstrip("-").replace("-", "_")
    return ALIASES.get(name, name)


def checked(flags: Mapping[str, str], key: str = "convert.extra_args") -> dict[str, str]:
    """The flags under their canonical names; ``key`` is what a refusal names.

    Raises:
        ConfigError: a flag is unknown, has a value that ATC does not take, is given twice, or excludes another one.
    """
    found: dict[str, str] = {}
    for given, value in flags.items():
        name = canonical(given)
        if name not in KNOWN:
            near = nearest(name, KNOWN)
            meant = f"did you mean {near}?" if near else "`atc --help` lists what there is"
            raise ConfigError(f"{key}.{given}: atc has no such flag; {meant}")
        if name in found:
            raise ConfigError(f"{key}.{given}: --{name} is given twice; give it once")
        choices = VALUES.get(name)
        if choices is not None and value not in choices:
            where = TYPED.get(name, f"{key}.{given}")
            raise ConfigError(f"{where}={value}: {suggestion(value, list(choices), 'values of atc')}")
        found[name] = value
    for exclusion in EXCLUSIONS:
        both = [flag for flag in exclusion.flags if flag in found]
        if len(both) > 1:
            names = " and ".join(f"--{flag}" for flag in both)
            raise ConfigError(f"{key}: {names} exclude each other ({exclusion.code}); give one of them")
    mode = found.get("precision_mode") or found.get("precision_mode_v2")
    if "modify_mixlist" in found and mode not in MIXED_MODES:
        raise ConfigError(f"{key}.modify_mixlist: only with a mixed precision mode, not {mode or 'the default'}")
    if "optypelist_for_implmode" in found and "op_select_implmode" not in found:
        raise ConfigError(
            "convert.optypelist_for_implmode: the list needs a mode; give convert.op_select_implmode=high_performance"
        )
    return found


def shape_text(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The value of ``--input_shape``: ``input:1,3,512,512;mask:1,512``."""
    return ";".join(f"{name}:{','.join(map(str, shape))}" for name, shape in shapes.items())


def parse_shapes(text: str) -> dict[str, tuple[str, ...]]:
    """Dimensions by input of a value of ``--input_shape``; a name may hold colons (``onnx::Reshape_0:1,12``).

    Raises:
        ValueError: a part has no name, no dimensions, or a dimension that is no number and no range (``1~8``).
    """
    shapes: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, colon, dims = part.rpartition(":")
        sizes = tuple(size.strip() for size in dims.strip("[] ").split(",")) if dims.strip() else ()
        if not colon or not name or not all(re.fullmatch(r"-?\d+(~-?\d+)?", size) for size in sizes):
            raise ValueError(part)
        shapes[name] = sizes
    if not shapes:
        raise ValueError(text)
    return shapes
