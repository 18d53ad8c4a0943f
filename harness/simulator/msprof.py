"""The stand-in for msprof: runs the application and leaves a ``PROF_*`` folder with an operator summary."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.backends.atc_flags import canonical


def main(arguments: Sequence[str]) -> int:
    """Run ``--application`` and write below ``--output``; returns the application's exit status."""
    flags = {canonical(name): value for name, _, value in (word.partition("=") for word in arguments)}
    if not flags.get("application"):
        print("[ERROR] Argument --application is required", file=sys.stderr)
        return 1
    stamp = time.strftime("%Y%m%d%H%M%S")
    folder = Path(flags.get("output") or ".") / f"PROF_000001_{stamp}_SIMULATEDSTANDINX" / "mindstudio_profiler_output"
    folder.mkdir(parents=True)
    print(f"[INFO] Start profiling, the result is in {folder.parent}", flush=True)
    status = subprocess.run(shlex.split(flags["application"]), check=False).returncode
    (folder / f"op_summary_{stamp}.csv").write_text("Device_id,Op Name,OP Type,Task Duration(us)\n", encoding="utf-8")
    (folder / f"msprof_{stamp}.json").write_text("[]\n", encoding="utf-8")
    print("[INFO] Process profiling data complete.", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
