"""One HTML page for a whole report: it needs no network, no other file, and JavaScript only to sort and filter.

Everything that comes from a record is escaped, by the template (autoescape) or by ``harness.report.formats.html``; the
page's own script is named by its hash in a content security policy, so that no other could run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.report.charts import draw_charts
from harness.report.document import Content
from harness.report.formats.html import table_html
from harness.report.method import method_card
from harness.report.method_words import Language
from harness.report.page_cells import cells_table
from harness.report.page_facts import MOST_FAILURES, environments, failed_rows, failures, newest, read_records
from harness.report.page_words import page_word
from harness.report.plot_words import status_word
from harness.report.rows import Row
from harness.report.table import Document, Table
from harness.report.words import plain

TEMPLATES = Path(__file__).with_name("templates")
DEFAULT_UI = "http://127.0.0.1:5000"
"""Where ``mlflow ui`` listens unless told otherwise."""
MOST_CHARTED = 8
"""Models whose charts stand on the page: a chart takes about 100 kB."""
_IDS = re.compile(rb'(\bid="|href="#|url\(#)')
_PROLOGUE = re.compile(rb"^.*?(?=<svg\b)|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """A chart on the page: its title and its SVG as a part of HTML."""

    caption: str
    svg: str


def page(made: Document, found: Sequence[Content], *, when: str, version: str, ui: str = DEFAULT_UI) -> str:
    """The page of a report, which ends with a line feed; ``when`` is its time, ``ui`` the address of MLflow's pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    language = made.language
    rows = [row for content in found for row in content.rows]
    read = list(read_records(newest(rows)))
    cells, same = cells_table(rows, language, ui)
    known = environments(read, language)
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    def word(name: str, **parts: object) -> str:
        return page_word(language, name, **parts)

    def table(shown: Table) -> Markup:
        return Markup(table_html(shown))  # noqa: S704 -- made of escaped texts

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=lambda value: value if isinstance(value, Markup) else _line(value),
    )  # fmt: skip
    failed = failed_rows(rows)
    text = environment.get_template("page.html").render(
        language="zh-CN" if language == "zh" else "en",
        document=made,
        word=word,
        table=table,
        status=lambda status: status_word(language, status),
        summary=_summary(rows, language),
        made_line=word("made", when=when, version=version),
        figures=[replace(each, svg=Markup(each.svg)) for each in _figures(found, language)],  # noqa: S704 -- drawn here
        charts_cut=word("charts_cut", shown=MOST_CHARTED, count=len(found)) if len(found) > MOST_CHARTED else "",
        method=method_card([record for _, record in read], language),
        method_cut=word("method_cut", shown=len(read), count=_records(rows)) if len(read) < _records(rows) else "",
        cells=cells,
        same=same,
        links=word("links", address=ui) if any(cell.link for row in cells.rows for cell in row) else "",
        failures=[(each, Markup.escape(each.log)) for each in failures(rows)],
        failures_cut=word("failures_cut", shown=MOST_FAILURES, count=len(failed))
        if len(failed) > MOST_FAILURES
        else "",
        environments=known,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 -- our own file
        script=Markup(script),  # noqa: S704 -- our own file
        digest=digest,
    )
    return text.rstrip() + "\n"


def inline_svg(svg: bytes, prefix: str, caption: str) -> str:
    """An SVG file as a part of a page: without prologue, its ids apart from those of other charts, and with a name."""
    from markupsafe import escape

    body = _IDS.sub(rb"\g<1>" + prefix.encode() + b"-", _PROLOGUE.sub(b"", svg))
    named = f'<svg role="img" aria-label="{escape(plain(caption))}" '
    return body.decode("utf-8").replace("<svg ", named, 1)


def _figures(found: Sequence[Content], language: Language) -> list[Figure]:
    drawn = enumerate(draw_charts(found[:MOST_CHARTED], language, ("svg",)), 1)
    return [Figure(each.caption, inline_svg(each.files["svg"], f"c{n}", each.caption)) for n, each in drawn]


def _summary(rows: Sequence[Row], language: Language) -> str:
    own = [row for row in rows if row.reference is None]
    outcomes = Counter(status_word(language, row.outcome.status) for row in own)
    return page_word(
        language,
        "summary",
        cells=len(own),
        models=len({row.model for row in rows}),
        sweeps=len({row.sweep_id for row in own}),
        outcomes=", ".join(f"{count} {word}" for word, count in outcomes.most_common()) or "-",
        references=len(rows) - len(own),
    )


def _records(rows: Sequence[Row]) -> int:
    return sum(row.reference is None for row in rows)


def _line(value: Any) -> Any:
    """Texts without control characters; the rest as it is."""
    return plain(value) if isinstance(value, str) else value
