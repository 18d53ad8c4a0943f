"""``python -m harness.bundle``: see ``harness.commands.bundle``."""

from __future__ import annotations

from harness.commands.bundle import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
