"""``python -m harness.bundle``: see ``harness.commands.bundle``."""

from __future__ import annotations

from harness.commands.bundle import main

if __name__ == "__main__":
    raise SystemExit(main())
