"""Running a few lines in a fresh Python that imports from the same places: what did they load?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable


def loaded_by(code: str, suspects: Iterable[str]) -> list[str]:
    """Which of the modules are loaded once the code has run.

    Raises:
        AssertionError: the code failed; with what it said.
    """
    program = (
        f"{code}\nimport json, sys\nprint('loaded', json.dumps(sorted(set(sys.modules) & set({list(suspects)!r}))))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr or done.stdout)
    found: list[str] = json.loads(done.stdout.rpartition("loaded ")[2])
    return found


def one_line(error: BaseException) -> str:
    """The message of an error meant for the user.

    Raises:
        AssertionError: it is empty, has several lines, or is longer than a person reads.
    """
    message = str(error)
    if not message.strip() or "\n" in message or len(message) > 600:
        raise AssertionError(f"{type(error).__name__} must say what is wrong in one line, not: {message!r}")
    return message
