"""``python -m harness.rerun``: see ``harness.commands.rerun``."""

from __future__ import annotations

from harness.commands.rerun import main

if __name__ == "__main__":
    raise SystemExit(main())
