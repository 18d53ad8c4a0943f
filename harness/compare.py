"""``python -m harness.compare A B``: see ``harness.commands.compare``."""

from __future__ import annotations

from harness.commands.compare import main

if __name__ == "__main__":
    raise SystemExit(main())
