"""``python -m harness.references``: see ``harness.commands.references``."""

from __future__ import annotations

from harness.commands.references import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
