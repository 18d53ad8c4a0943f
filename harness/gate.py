"""``python -m harness.gate``: see ``harness.commands.gate``."""

from __future__ import annotations

from harness.commands.gate import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
