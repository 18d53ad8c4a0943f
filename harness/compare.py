"""``python -m harness.compare A B``: see ``harness.commands.compare``."""

from __future__ import annotations

from harness.commands.compare import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
