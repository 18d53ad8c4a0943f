"""``python -m harness.rerun``: see ``harness.commands.rerun``."""

from __future__ import annotations

from harness.commands.rerun import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
