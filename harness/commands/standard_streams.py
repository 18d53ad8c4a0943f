"""What a command's process does with its standard output: readers that leave early, terminals that lack characters."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable


def run_command(main: Callable[[], int]) -> int:
    """The exit status of a command.

    A character that the output's encoding lacks is printed as ``?``. A reader that has seen enough (``| head``) ends
    the command as it ends any other, with 141 (128 + SIGPIPE): never with the status of one that found nothing wrong.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
        return 128 + signal.SIGPIPE
    return status
