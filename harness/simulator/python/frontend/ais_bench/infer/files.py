"""How ais_bench combines input files into batches, and splits outputs over files (ASCEND.md, sections a.3 and a.4)."""

from __future__ import annotations

import math
import os
import random
import re
from typing import Any, Sequence

import numpy as np

from ais_bench.infer.settings import generation, say

PURE = "pure_infer_data"
PADDING = "padding_infer_fake_file"
SUFFIXES = (".npy", ".NPY", ".bin", ".BIN")


def natural(name: str) -> list[Any]:
    """The key that sorts 2 before 10."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split("([0-9]+)", name)]


def listed(folder: str) -> list[str]:
    """The input files of a folder, in natural order (in that of letters before G2).

    Raises:
        RuntimeError: there are none.
    """
    found = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(SUFFIXES))
    if not found:
        say("ERROR", f"{folder} of input args not find valid file,valid file format:[*.npy *.NPY *.bin *.BIN]")
        raise RuntimeError
    return found if generation() == 1 else sorted(found, key=natural)


def size_of(path: str) -> int:
    """The bytes that a file brings."""
    return int(np.load(path).nbytes) if path.lower().endswith(".npy") else os.path.getsize(path)


def batches(inputs: Sequence[str] | None, descs: Sequence[Any], no_combine: bool) -> list[list[list[str]]]:
    """For each run, for each input, the files that fill it; the last batch is padded.

    Raises:
        RuntimeError: the files do not fit the inputs.
    """
    if inputs is None:
        return [[[PURE] for _ in descs]]
    if os.path.isfile(inputs[0]):
        count = len(inputs) // len(descs)
        per_input = [list(inputs[start : start + count]) for start in range(0, len(inputs), count)] if count else []
    elif os.path.isdir(inputs[0]):
        per_input = [listed(folder) for folder in inputs]
    else:
        say("ERROR", f"Invalid args. {inputs[0]}  of --input is invalid")
        raise RuntimeError
    if len(per_input) != len(descs):
        say(
            "ERROR",
            f"Invalid args. args input dir num:{len(per_input)} not equal to model inputs num:{len(descs)}",
        )
        raise RuntimeError
    first, tensor = size_of(per_input[0][0]), descs[0].realsize
    if no_combine:
        together = 1
    elif first == 0 or tensor % first:
        say("ERROR", f"arg0 tensorsize: {tensor} filesize: {first} not match")
        raise RuntimeError
    else:
        together = tensor // first
    runs = len(per_input[0]) // together if generation() == 1 else math.ceil(len(per_input[0]) / together)
    say(
        "INFO",
        f"get filesperbatch files0 size:{first} tensor0size:{tensor} filesperbatch:{together} runcount:{runs}",
    )
    return [[_chunk(files, run, together) for files in per_input] for run in range(runs)]


def _chunk(files: Sequence[str], run: int, together: int) -> list[str]:
    chunk = list(files[run * together : (run + 1) * together])
    return chunk + [PADDING] * (together - len(chunk))


def content(files: Sequence[str], desc: Any, pure_type: str, no_combine: bool) -> Any:
    """The array that the files make; raw bytes but for ``.npy`` files.

    Raises:
        RuntimeError: they do not fill the input.
    """
    if files[0] == PURE:
        count = desc.realsize
        values = [random.randrange(256) for _ in range(count)] if pure_type == "random" else [0] * count
        return np.frombuffer(bytearray(values), dtype=np.uint8)
    arrays = [_read(files[0] if name == PADDING else name) for name in files]
    made = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    if not no_combine and len(arrays) > 1 and made.nbytes != desc.realsize:
        say("ERROR", f"ndata size:{made.nbytes} not match {desc.realsize}")
        raise RuntimeError
    return np.ascontiguousarray(made)


def real_names(files: Sequence[str]) -> list[str]:
    """The files that the library itself reads (``--run_mode files``).

    Raises:
        RuntimeError: there are none, or they are ``.npy`` files.
    """
    if files[0] == PURE:
        raise RuntimeError("not support pure infer")
    for name in files:
        if name.lower().endswith(".npy"):
            raise RuntimeError(f"not support npy file:{name}")
    return [files[0] if name == PADDING else name for name in files]


def save(
    outputs: Sequence[Any],
    folder: str,
    infiles: Sequence[Sequence[str]],
    outfmt: str,
    run: int,
    axis: int,
    info: dict[str, Any],
) -> None:
    """Write each output as ``<stem>_<index>.<format>``, one file an input file; padding is not written.

    Raises:
        RuntimeError: an output cannot be split among the files.
    """
    count = len(infiles[0])
    for index, output in enumerate(outputs):
        array = np.array(output)
        if axis >= array.ndim or (count > 1 and array.shape[axis] % count):
            shape = array.shape[axis] if axis < array.ndim else None
            say(
                "ERROR",
                f"save out files error array shape:{array.shape} filesinfo:{list(infiles)} "
                f"files_count_perbatch:{count} ndata.shape{axis}:{shape}",
            )
            raise RuntimeError
        for number, part in enumerate(np.array_split(array, count, axis)):
            name = infiles[0][number]
            if name == PADDING:
                continue
            stem = os.path.basename(name).split(".")[0]
            if generation() == 1:
                stem = f"sample_id_{run * count + number}_output"
            path = os.path.join(folder, f"{stem}_{index}.{outfmt.lower()}")
            _write(path, part, outfmt)
            entry = info.setdefault(str(run * count + number), {"infiles": [], "outfiles": []})
            entry["infiles"] = [files[number] for files in infiles]
            entry["outfiles"].append(path)


def _read(path: str) -> Any:
    if path.lower().endswith(".npy"):
        return np.load(path)
    with open(path, "rb") as file:
        return np.frombuffer(file.read(), dtype=np.int8)


def _write(path: str, array: Any, outfmt: str) -> None:
    if outfmt == "NPY":
        np.save(path, array)
    elif outfmt == "TXT":
        with open(path, "ab" if generation() == 2 else "wb") as file:
            np.savetxt(file, array.reshape(-1, array.shape[-1]), fmt="%f" if array.dtype.kind == "f" else "%d")
    else:
        array.tofile(path)
