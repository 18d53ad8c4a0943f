"""Which formats there are: their names, the suffixes of their files, and what writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.report.formats.csv import comma_separated
from harness.report.formats.html import html
from harness.report.formats.json import as_json
from harness.report.formats.latex import latex
from harness.report.formats.markdown import markdown
from harness.report.table import Document


@dataclass(frozen=True)
class Format:
    """A format of text."""

    suffix: str
    write: Callable[[Document], str]


FORMATS: Mapping[str, Format] = {
    "markdown": Format(".md", markdown),
    "html": Format(".html", html),
    "csv": Format(".csv", comma_separated),
    "latex": Format(".tex", latex),
    "json": Format(".json", as_json),
}


def format_of(suffix: str) -> str | None:
    """The name of the format whose files end so, or None."""
    return next((name for name, each in FORMATS.items() if each.suffix == suffix.lower()), None)
