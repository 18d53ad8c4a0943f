"""Golden files: what a report looked like when somebody last read it and found it good.

``HARNESS_WRITE_GOLDEN=1 python -m pytest tests/report -k golden`` writes all of them anew after a wanted change; read
the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).with_name("golden")


def assert_golden(text: str, name: str) -> None:
    """The text is that of the file."""
    path = FOLDER / name
    if os.environ.get("HARNESS_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), name
