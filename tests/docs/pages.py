"""What a README says: its commands, the files that it shows, its links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:python -m harness[ .]|make |pip |mlflow )[^`]+)`")
_FILE = re.compile(r"`([\w./-]+)`[:\uff1a]\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#]+)\)")


def commands(language: str) -> list[str]:
    """Every command of the page in its order, once: the lines of its ``bash`` blocks without their comments, and those
    that stand in a sentence."""
    text = READMES[language].read_text(encoding="utf-8")
    said: list[str] = []
    for kind, body in _BLOCK.findall(text):
        if kind == "bash":
            said += [re.sub(r"\s+# .*$", "", line).strip() for line in body.splitlines()]
    said += _INLINE.findall(_BLOCK.sub("", text))
    return list(dict.fromkeys(line for line in said if line))


def files(language: str) -> dict[str, str]:
    """Path and content of every file that the page shows whole; comments, which are in its language, left out."""
    found = _FILE.findall(READMES[language].read_text(encoding="utf-8"))
    return {path: re.sub(r" *#.*$", "", content, flags=re.MULTILINE).strip() + "\n" for path, content in found}


def links(language: str) -> list[str]:
    """The page's links and images that are files of the project."""
    found = _LINK.findall(READMES[language].read_text(encoding="utf-8"))
    return [target for target in found if "://" not in target]


def headings(language: str) -> list[int]:
    """The levels of the page's headings, in order."""
    text = _BLOCK.sub("", READMES[language].read_text(encoding="utf-8"))
    return [len(marks) for marks in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]
