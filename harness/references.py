"""``python -m harness.references``: see ``harness.commands.references``."""

from __future__ import annotations

from harness.commands.references import main

if __name__ == "__main__":
    raise SystemExit(main())
