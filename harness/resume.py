"""``python -m harness.resume``: see ``harness.commands.resume``."""

from __future__ import annotations

from harness.commands.resume import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
