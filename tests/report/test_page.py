"""The page of a report: complete in itself, harmless whatever records hold, and alive in a real browser."""

from __future__ import annotations

import functools
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest

from harness.records.found import Run
from harness.records.io import write_record
from harness.records.schema import Outcome, Step
from harness.report import page_facts
from harness.report.document import contents, document
from harness.report.method_words import Language
from harness.report.page import inline_svg, page
from harness.report.page_cells import MOST_CELLS, cells_table
from harness.report.page_words import PAGE_WORDS
from harness.report.reading import record_row
from harness.report.rows import Problem, Row
from harness.report.table import Cell
from tests.report.documents import NPU, npu_records
from tests.report.folders import failed, measured

HOSTILE = "<script>alert(1)</script>"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def rows(folder: Path) -> list[Row]:
    """Cells of a stand-in of a 310P and of a CPU, one out of memory with a log, one with markup for a name."""
    found = []
    oom = failed(32, **NPU, environment={"hostname": HOSTILE})
    oom = replace(
        oom,
        outcome=Outcome("oom", "measure", "device_out_of_memory", f"EL0004 {HOSTILE}", "use a smaller batchsize"),
        steps=(Step("measure", Outcome("oom"), log="logs/measure-01.log"),),
    )
    cpu = [measured(size, per_s, environment={"hostname": "laptop"}) for size, per_s in ((1, 0.41), (4, 12.0))]
    hostile = measured(2, 3.0, model=HOSTILE, overrides=(f"a={HOSTILE}",))
    for number, record in enumerate([*npu_records(), oom, *cpu, hostile]):
        place = folder / str(number)
        write_record(record, place)
        found.append(record_row(record, str(place), place))
    logs = folder / "4" / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "measure-01.log").write_text(f"\x1b[31mEL0004\x1b[0m </pre>{HOSTILE}\npassword=hunter2\n", encoding="utf-8")
    return [replace(row, run=Run("sqlite:///x", "1", f"run{n}")) for n, row in enumerate(found)]


@functools.cache
def made(folder: Path, language: Language) -> str:
    found = contents(rows(folder))
    whole = document(found, language, problems=[Problem(f"<b>{HOSTILE}", "damaged record, not JSON")])
    return page(whole, found, when="2026-01-03 00:00 UTC", version="0.1.0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


class Parts(HTMLParser):
    """Collects what could load or run something, all ids, and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "data"} and not (value or "").startswith(("#", "data:")):
                self.addresses.append(f"{tag} {value}")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.ids.append(value or "")
        if tag not in {"meta", "input", "br", "hr", "link", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", get_args(Language))
def test_the_page_needs_nothing_else_and_runs_nothing_of_a_record(folder: Path, language: Language) -> None:
    text = made(folder, language)
    parts = Parts()
    parts.feed(text)
    assert parts.open == []
    assert parts.scripts == 1, "its own"
    assert parts.handlers == []
    assert parts.addresses, "links to runs"
    assert all(each.startswith("a http://127.0.0.1:5000/#/experiments/1/runs/run") for each in parts.addresses)
    assert len(parts.ids) == len(set(parts.ids))
    assert HOSTILE not in text
    assert html.escape(HOSTILE) in text
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in text
    for name in ("charts", "method", "cells", "failures", "environments", "problems"):
        assert f"<h2>{PAGE_WORDS[language][name]}</h2>" in text
    assert "EL0004" in text
    assert "device_out_of_memory" in text


def test_both_languages_have_the_same_words() -> None:
    assert PAGE_WORDS["en"].keys() == PAGE_WORDS["zh"].keys()
    for name, words in PAGE_WORDS["en"].items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", PAGE_WORDS["zh"][name])), name


def test_ids_of_charts_stay_apart() -> None:
    svg = b'<?xml version="1.0"?>\n<svg x="1"><!-- <b> --><g id="a"/><use href="#a" clip-path="url(#a)"/></svg>'
    assert inline_svg(svg, "c1", 'a "title"') == (
        '<svg role="img" aria-label="a &#34;title&#34;" x="1">'
        '<g id="c1-a"/><use href="#c1-a" clip-path="url(#c1-a)"/></svg>'
    )


def test_what_differs_between_environments_stands_apart(folder: Path) -> None:
    read = list(page_facts.read_records(rows_again(folder)))
    known = page_facts.environments(read, "en")
    assert known is not None
    names = {row[0].text: [cell.text for cell in row[1:]] for row in known.differing.rows}
    assert {"laptop", "npu-box"} <= set(names["hostname"])
    assert {"Ascend310P3", "cpu"} == set(names["device.name"])


def rows_again(folder: Path) -> list[Row]:
    return [
        replace(record_row(record, "x"), folder=folder / str(number))
        for number, record in enumerate([*npu_records(), *[measured(1, 1.0)] * 3])
    ]


def test_of_very_many_cells_the_newest_are_shown_and_the_page_says_so() -> None:
    one = record_row(measured(1, 1.0), "x")
    many = [
        replace(one, name=str(n), started=f"2026-01-01T00:{n // 60:02}:{n % 60:02}") for n in range(MOST_CELLS + 200)
    ]
    table, same = cells_table(many, "en", "http://x")
    assert len(table.rows) == MOST_CELLS
    assert f"The newest {MOST_CELLS} of {MOST_CELLS + 200} cells" in table.notes[0]
    started = [column.key for column in table.columns].index("started")
    assert table.rows[0][started] == Cell("2026-01-01 00:19:59")
    assert started + 1 not in same
    assert 1 in same, "the model is the same in all"


PROBE = """
const done = {};
const left = () => document.querySelectorAll("#cells tbody tr:not([hidden])");
const texts = (n) => Array.from(left(), (r) => r.cells[n].textContent);
const heads = Array.from(document.querySelectorAll("#cells th"), (h) => h.textContent);
const place = heads.indexOf("samples/s");
const press = () => document.querySelectorAll("#cells th button")[place].click();
press(); done.up = texts(place);
press(); done.down = texts(place);
const box = document.querySelector(".controls input[type=search]");
box.value = "LAPTOP cpu"; box.dispatchEvent(new Event("input"));
done.filtered = texts(heads.indexOf("host")); done.count = document.querySelector(".controls output").textContent;
box.value = ""; box.dispatchEvent(new Event("input"));
const shown = () => Array.from(document.querySelectorAll("#cells th")).filter((h) => h.offsetParent !== null).length;
done.before = shown(); document.querySelector("#cells-differing").click(); done.after = shown();
document.body.innerHTML = ""; document.body.textContent = "PROBED" + JSON.stringify(done) + "END";
"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_a_browser_opens_sorts_filters_and_prints_the_page(folder: Path, tmp_path: Path) -> None:
    text = made(folder, "en")
    whole, probed, paper = tmp_path / "page.html", tmp_path / "probe.html", tmp_path / "page.pdf"
    whole.write_text(text, encoding="utf-8")
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    probed.write_text(free.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")

    def browse(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
        command.append(f"--user-data-dir={tmp_path / 'profile'}")
        return subprocess.run([*command, *words], capture_output=True, text=True, check=True, timeout=120)

    opened = browse("--dump-dom", whole.as_uri())
    assert "CONSOLE" not in opened.stderr
    assert "<button" in opened.stdout, "its own script ran under its own policy"
    answer = browse("--dump-dom", probed.as_uri())
    assert "CONSOLE" not in answer.stderr
    found = re.search(r"PROBED(.*)END", answer.stdout)
    assert found is not None
    done = json.loads(html.unescape(found.group(1)))
    known = [float(each.split(" ")[0]) for each in done["up"] if each != "-"]
    assert known == sorted(known)
    assert len(known) == 6
    assert done["up"][-2:] == done["down"][-2:] == ["-", "-"], "what has no figure stays last"
    assert [float(each.split(" ")[0]) for each in done["down"] if each != "-"] == known[::-1]
    assert done["filtered"] == ["laptop", "laptop"]
    assert done["count"] == "2 / 8 rows"
    assert 5 < done["after"] < done["before"]
    browse(f"--print-to-pdf={paper}", whole.as_uri())
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 2
