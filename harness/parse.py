"""``python -m harness.parse``: see ``harness.commands.parse``."""

from __future__ import annotations

from harness.commands.parse import main

if __name__ == "__main__":
    raise SystemExit(main())
