"""The command line of ais_bench: its flags, their values, and what excludes what (ASCEND.md, section a.2)."""

from __future__ import annotations

import argparse
import os
import re
from typing import Any, Callable, Sequence

from ais_bench.infer.paths import AIPP_BYTES, JSON_BYTES, MODEL_BYTES, check_path, check_readable
from ais_bench.infer.settings import generation, say

_DIMS = re.compile(r"^[_A-Za-z0-9,;:/.~\-]+$")


def _boolean(text: str) -> bool:
    if text.lower() in ("yes", "true", "t", "y", "1"):
        return True
    if text.lower() in ("no", "false", "f", "n", "0"):
        return False
    raise argparse.ArgumentTypeError("Boolean value expected true, 1, false, 0 with case insensitive.")


def _integer(least: int, words: str) -> Callable[[str], int]:
    def check(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is an invalid {words} int value")
        return value

    return check


def _devices(text: str) -> Any:
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        values = [-1]
    if any(not 0 <= value <= 255 for value in values):
        raise argparse.ArgumentTypeError(f"device:{text} is invalid. valid value range is [0, 255]")
    return values if "," in text else values[0]


def _strict(check: Callable[[str], None]) -> Callable[[str], str]:
    """A path, checked from G5 on; earlier versions took any."""

    def wrapped(text: str) -> str:
        if generation() >= 5:
            try:
                check(text)
            except ValueError as error:
                raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return wrapped


def _model(text: str) -> None:
    check_readable(text, "model", ".om", MODEL_BYTES)


def _inputs(text: str) -> None:
    for part in text.split(","):
        check_readable(part, "input")


def _output(text: str) -> None:
    check_path(text, "output")
    if os.path.exists(text):
        check_readable(text, "output")


def _output_name(text: str) -> str:
    if os.path.isabs(text) or ".." in text.split("/"):
        raise argparse.ArgumentTypeError(f"output_dirname {text} should be a relative name")
    return _strict(lambda value: check_path(value, "output_dirname"))(text)


def _dims(text: str) -> str:
    if not _DIMS.match(text) and not os.path.isfile(text):
        raise argparse.ArgumentTypeError(f'dym string "{text}" is not a legal string')
    return text


def parser() -> argparse.ArgumentParser:
    """The flags, as of the generation that is wanted."""
    found = argparse.ArgumentParser(prog="ais_bench")
    add = found.add_argument
    model_flags = ["--model", "-m"] + (["--om"] if generation() <= 3 else [])
    add(*model_flags, dest="model", required=True, type=_strict(_model))
    add("--input", "-i", type=_strict(_inputs))
    add("--output", "-o", type=_strict(_output))
    add("--output_dirname", type=_output_name)
    add("--outfmt", default="BIN", choices=["NPY", "BIN", "TXT"])
    add("--loop", "-l", "-r", type=_integer(1, "positive"), default=1)
    add("--debug", type=_boolean, default=False)
    add("--device", "-d", type=_devices, default=0)
    add("--dymBatch", type=_integer(0, "nonnegative"), default=0)
    add("--dymHW", type=_dims)
    add("--dymDims", type=_dims)
    add("--dymShape", type=_dims)
    add("--dymShape_range", type=_dims)
    add("--outputSize", type=_dims)
    add("--auto_set_dymshape_mode", type=_boolean, default=False)
    add("--auto_set_dymdims_mode", type=_boolean, default=False)
    add("--batchsize", type=_integer(1, "positive"), default=1 if generation() <= 3 else None)
    add("--pure_data_type", default="zero", choices=["zero", "random"])
    add("--profiler", type=_boolean, default=False)
    add("--dump", type=_boolean, default=False)
    add("--acl_json_path", type=_strict(lambda text: check_readable(text, "acl_json", ".json", JSON_BYTES)))
    add("--output_batchsize_axis", type=_integer(0, "nonnegative"), default=0)
    add("--run_mode", default="array", choices=["array", "files", "tensor", "full"])
    add("--display_all_summary", type=_boolean, default=False)
    add("--warmup_count", type=_integer(0, "nonnegative"), default=1)
    if generation() >= 5:
        add("--dump_npy", type=_boolean, default=False)
        add("--aipp_config", type=_strict(lambda text: check_readable(text, "aipp_config", ".config", AIPP_BYTES)))
        add("--energy_consumption", type=_boolean, default=False)
        add("--npu_id", type=_integer(0, "nonnegative"), default=0)
        add("--backend", choices=["trtexec"])
        add("--perf", type=_boolean, default=False)
        add("--pipeline", type=_boolean, default=False)
        add("--threads", type=_integer(1, "positive"), default=1)
        add("--profiler_rename", type=_boolean, default=True)
        add("--divide_input", type=_boolean, default=False)
    return found


def read(words: Sequence[str]) -> argparse.Namespace:
    """The arguments, with what contradicts each other refused.

    Raises:
        SystemExit: status 2, as argparse ends.
        RuntimeError: for combinations, as the genuine one raises them.
    """
    given = parser().parse_args(list(words))
    if given.profiler and given.dump:
        say("ERROR", "parameter --profiler cannot be true at the same time as parameter --dump, please check them!")
        raise RuntimeError("error bad parameters --profiler and --dump")
    if (given.profiler or given.dump) and given.output is None:
        say("ERROR", "when dump or profiler, miss output path, please check them!")
        raise RuntimeError("miss output parameter!")
    if given.output is None and given.output_dirname is not None:
        say("ERROR", "parameter --output_dirname cann't be used alone. Please use it together with --output!")
        raise RuntimeError("error bad parameters --output_dirname")
    chosen = [name for name in ("dymBatch", "dymHW", "dymDims", "dymShape") if getattr(given, name)]
    if len(chosen) > 1:
        raise RuntimeError("error bad parameters: only one of --{} can be given".format(", --".join(chosen)))
    if given.profiler and given.input is not None and given.warmup_count:
        say("INFO", "profiler mode with input change warmup_count to 0")
        given.warmup_count = 0
    if getattr(given, "threads", 1) > 1 and not given.pipeline:
        say("INFO", "need to set --pipeline when setting threads number to be more than one.")
        given.threads = 1
    given.no_combine = given.auto_set_dymshape_mode or given.auto_set_dymdims_mode
    return given


def inputs(given: argparse.Namespace) -> list[str] | None:
    """The files or folders of ``--input``; None for pure inference."""
    return None if given.input is None else str(given.input).split(",")
