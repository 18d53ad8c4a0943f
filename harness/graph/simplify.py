"""Simplifying an ONNX file by onnxsim: shapes inferred, constants folded, no-ops removed."""

from __future__ import annotations

from pathlib import Path

import onnx

from harness.errors import HarnessError
from harness.graph.constants import share_constants


def simplify_onnx(source: Path, target: Path) -> None:
    """Write the simplified form of ``source`` to ``target``; inputs and outputs keep their names and shapes.

    onnxsim's own check by random inputs is left out: the parity stage compares the outputs of both files.

    Raises:
        HarnessError: onnxsim cannot read or simplify the file.
    """
    import onnxsim

    try:
        simplified, _ = onnxsim.simplify(onnx.load(str(source)), check_n=0)
    except Exception as error:  # onnxsim raises whatever its C++ core or onnx does
        reason = str(error).strip().splitlines()
        raise HarnessError(
            f"{source}: onnxsim cannot simplify it ({reason[0] if reason else type(error).__name__}); "
            "skip the stage with export.simplify=false"
        ) from error
    onnx.save(share_constants(simplified), str(target))
