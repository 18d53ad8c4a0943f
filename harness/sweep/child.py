"""The child: one process, one stage. ``python -m harness.sweep.child REQUEST RESULT PARENT_PID``.

It protects the machine from itself first, then runs the stage and writes the result file as the last thing it does.
An exit without that file is a crash, whatever the exit status says.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import cast

from harness.errors import HarnessError
from harness.files import FREE_SPACE, NO_ROOM, write_atomically
from harness.records.schema import Outcome, Status
from harness.sweep.guard import peak_memory_bytes, protect


def main(argv: list[str]) -> int:
    """Run the request of ``argv[0]``, write its result to ``argv[1]``; returns the exit status."""
    request_path, result_path, parent = argv
    protect(None, int(parent))  # the parent has set the memory limit already

    from harness.records.sealing import VARIABLE, from_text, opened
    from harness.stages.execute import execute
    from harness.stages.request import REQUEST, RESULT, Result

    content = json.loads(Path(request_path).read_bytes())
    request = REQUEST.validate_json(json.dumps(opened(content, from_text(os.environ.pop(VARIABLE, None)))))
    try:
        result = execute(request)
    except Exception as error:
        traceback.print_exc()
        result = Result(outcome=_outcome(error, request.stage))
    final = Result(
        outcome=result.outcome, artifacts=result.artifacts, info=result.info, peak_memory_bytes=peak_memory_bytes()
    )
    write_atomically(Path(result_path), RESULT.dump_json(final))
    return 0 if final.outcome.status == "ok" else 1


def _outcome(error: Exception, stage: str) -> Outcome:
    """The outcome that an exception amounts to; the full traceback is in the log."""
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        return Outcome(status="oom", stage=stage, reason="host_out_of_memory", message=words)
    if isinstance(error, HarnessError):
        status = cast("Status", error.status)
        return Outcome(status=status, stage=stage, reason=error.reason, message=words, hint=error.hint)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        place = error.filename2 or error.filename  # the second one is what was copied to
        where = f" while writing {place}" if place else ""
        return Outcome(status="failed", stage=stage, reason="disk_full", message=f"{words}{where}", hint=FREE_SPACE)
    return Outcome(status="failed", stage=stage, reason="exception", message=f"{type(error).__name__}: {words}"[:500])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
