"""``python -m harness.doctor``: see ``harness.commands.doctor``."""

from __future__ import annotations

from harness.commands.doctor import main
from harness.commands.standard_streams import run_command

if __name__ == "__main__":
    raise SystemExit(run_command(main))
