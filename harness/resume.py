"""``python -m harness.resume``: see ``harness.commands.resume``."""

from __future__ import annotations

from harness.commands.resume import main

if __name__ == "__main__":
    raise SystemExit(main())
