"""``python -m harness.store``: see ``harness.commands.store``."""

from __future__ import annotations

from harness.commands.standard_streams import run_command
from harness.commands.store import main

if __name__ == "__main__":
    raise SystemExit(run_command(main))
