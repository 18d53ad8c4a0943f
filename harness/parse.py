"""``python -m harness.parse``: see ``harness.commands.parse``."""

from __future__ import annotations

from harness.commands.parse import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
