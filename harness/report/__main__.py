"""``python -m harness.report``: see ``harness.commands.report``."""

from __future__ import annotations

from harness.commands.report import main

if __name__ == "__main__":
    raise SystemExit(main())
