"""``python -m harness.gate``: see ``harness.commands.gate``."""

from __future__ import annotations

from harness.commands.gate import main

if __name__ == "__main__":
    raise SystemExit(main())
