"""``python -m harness.doctor``: see ``harness.commands.doctor``."""

from __future__ import annotations

from harness.commands.doctor import main

if __name__ == "__main__":
    raise SystemExit(main())
