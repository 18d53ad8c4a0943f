"""``python -m harness.report``: see ``harness.commands.report``."""

from __future__ import annotations

from harness.commands.report import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
