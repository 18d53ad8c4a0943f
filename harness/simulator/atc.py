"""The stand-in for ATC: reads the flags, checks them and the graph as ATC does, and writes an OM file that can be run.

Run as ``atc --framework=5 --model=NET.onnx --output=NET --soc_version=Ascend310P3 ...``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.backends.atc_flags import EXCLUSIONS, FILES, KNOWN, MIXED_MODES, VALUES
from harness.simulator.atc_graph import converted
from harness.simulator.atc_report import START, SUCCESS, AtcError, failed, invalid, missing_library
from harness.simulator.om import write_om
from harness.simulator.options import options

PLATFORMS = re.compile(
    r"Ascend(310|310P[1357](Vir\d+(C\d)?)?|310B[1-4]|610|910|910A|910B|910ProA|910ProB|910PremiumA|910B[1-4](-1|C)?"
    r"|910_93\d\d)"
)
"""Names in the toolkit's ``platform_config`` (ASCEND.md, section d.2)."""
REQUIRED = ("model", "framework", "output", "soc_version")


def main(arguments: Sequence[str]) -> int:
    """Convert; returns the exit status."""
    if list(arguments) in (["--help"], ["-h"]):
        print("usage: atc <args>\n" + "\n".join(f"  --{flag}" for flag in sorted(KNOWN)))
        return 0
    fail = options().fail
    if fail == "driver_library_missing":
        return missing_library("libascend_hal.so")
    try:
        flags = read_flags(arguments)
    except ValueError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(START, flush=True)
    try:
        warnings = convert(flags)
    except AtcError as error:
        return failed(error)
    print(SUCCESS)
    for warning in warnings:
        print(warning)
    return 0


def read_flags(arguments: Sequence[str]) -> dict[str, str]:
    """The flags by name, as gflags reads ``--a=b``, ``--a b``, ``-a=b`` and dashes for underscores; the last counts.

    Raises:
        ValueError: an unknown flag, a flag without a value, or a word that is none.
    """
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            raise ValueError(f"unknown command line flag '{word}'")
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if name not in KNOWN:
            raise ValueError(f"unknown command line flag '{name}'")
        if not equals:
            if not rest:
                raise ValueError(f"flag '--{name}' is missing its argument")
            value = rest.pop(0)
        found[name] = value.strip().strip('"')
    return found


def convert(flags: Mapping[str, str]) -> list[str]:
    """Check the flags and write ``<output>.om``; returns the warnings.

    Raises:
        AtcError: with ATC's code.
    """
    check_flags(flags)
    description, onnx, warnings = converted(flags, options())
    target = Path(flags["output"] + ".om")
    if not target.parent.is_dir():
        raise AtcError("E13000", f"Path[{target.parent}] is invalid. Reason: No such file or directory")
    Path(flags.get("debug_dir", "."), "kernel_meta").mkdir(parents=True, exist_ok=True)
    Path("fusion_result.json").write_text("[]\n", encoding="utf-8")
    write_om(target, description, onnx)
    return warnings


def check_flags(flags: Mapping[str, str]) -> None:
    """Refuse what ATC refuses before it reads the model.

    Raises:
        AtcError: with ATC's code.
    """
    if "framework" not in flags:
        raise AtcError(
            "E10007",
            "[--framework] is required. The value must be [0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx)].",
        )
    for name in REQUIRED:
        if not flags.get(name):
            raise AtcError(
                "E10054",
                f"The requied parameter [--{name}] for ATC is empty. Another possible reason is that the value of some "
                'parameter is not enclosed by quotation marks ("").',
            )
    for name, value in flags.items():
        if not value:
            raise AtcError("E10004", f"Value for [--{name}] is empty.")
        choices = VALUES.get(name)
        if choices is not None and value not in choices:
            code = "E10006" if choices == ("0", "1") else "E10005" if choices == ("true", "false") else "E10001"
            raise invalid(name, value, f"The value must be selected from {{{','.join(choices)}}}.", code)
        if name in FILES and not Path(value).exists():
            raise invalid(name, value, "The file does not exist.")
    if flags["framework"] != "5":
        raise invalid("framework", flags["framework"], "The stand-in converts ONNX models only.")
    if not PLATFORMS.fullmatch(flags["soc_version"]):
        raise invalid("soc_version", flags["soc_version"], "The platform is not supported by this toolkit.")
    if "auto_tune_mode" in flags:
        raise invalid("auto_tune_mode", flags["auto_tune_mode"], "Use AOE instead.")
    _check_pairs(flags)


def _check_pairs(flags: Mapping[str, str]) -> None:
    for exclusion in EXCLUSIONS:
        both = [name for name in exclusion.flags if name in flags]
        if len(both) > 1:
            names = " ".join(f"[--{name}]" for name in both)
            raise AtcError(exclusion.code, f"Parameters {names} are mutually exclusive: only one can be specified.")
    mode = flags.get("precision_mode") or flags.get("precision_mode_v2")
    if "modify_mixlist" in flags and mode not in MIXED_MODES:
        raise invalid("modify_mixlist", flags["modify_mixlist"], "It needs a mixed precision mode.")
    if "dynamic_dims" in flags and flags.get("input_format", "ND") != "ND":
        raise invalid("input_format", flags["input_format"], "It must be ND with dynamic_dims.")
    if "optypelist_for_implmode" in flags and "op_select_implmode" not in flags:
        raise invalid("optypelist_for_implmode", flags["optypelist_for_implmode"], "It needs op_select_implmode.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
