"""``python -m harness.publish``: see ``harness.commands.publish``."""

from __future__ import annotations

from harness.commands.publish import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
