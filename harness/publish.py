"""``python -m harness.publish``: see ``harness.commands.publish``."""

from __future__ import annotations

from harness.commands.publish import main

if __name__ == "__main__":
    raise SystemExit(main())
