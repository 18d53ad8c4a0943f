"""Every format in both languages against its golden file, and what each format must not take for its own syntax."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from harness.report.formats.choice import FORMATS
from harness.report.formats.csv import table_csv
from harness.report.formats.latex import text as latex_text
from harness.report.formats.terminal import terminal
from harness.report.table import Cell, Column, Language, Table
from tests.report.documents import golden_report
from tests.report.golden_files import assert_golden


def written(name: str, folder: Path, language: Language) -> str:
    made = golden_report(folder, language)
    if name != "terminal":
        return FORMATS[name].write(made)
    out = io.StringIO()
    Console(file=out, width=200, _environ={}).print(*terminal(made), sep="\n")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("name", [*FORMATS, "terminal"])
def test_the_report_is_the_golden_one(name: str, language: Language, tmp_path: Path) -> None:
    suffix = FORMATS[name].suffix if name in FORMATS else ".txt"
    assert_golden(written(name, tmp_path, language), f"report_{language}{suffix}")


class Tags(HTMLParser):
    """Collects the tags of a page, and how wide each row of a table is with the cells that reach into it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_model_called_script_is_text_in_every_format(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>|*_&%$#{}~^\\"
    page = Tags()
    page.feed(written("html", tmp_path, "en"))
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert name in page.text
    assert "<script" not in written("markdown", tmp_path, "en")
    assert name in json.loads(written("json", tmp_path, "en"))["tables"][0]["title"]
    assert r"\textless{}script\textgreater{}" in written("latex", tmp_path, "en")


def test_latex_escapes_every_character_that_means_something_to_it() -> None:
    assert latex_text(r"\a_b%{}~^&#$") == (r"\textbackslash{}a\_b\%\{\}\textasciitilde{}\textasciicircum{}\&\#\$")


PREAMBLES = {
    "en": ("pdflatex", "multirow.sty", r"\documentclass{article}\usepackage[T1]{fontenc}"),
    "zh": ("xelatex", "ctexart.cls", r"\documentclass{ctexart}"),
}


@pytest.mark.parametrize("language", get_args(Language))
def test_latex_compiles_and_no_table_is_wider_than_its_page(language: Language, tmp_path: Path) -> None:
    program, needed, head = PREAMBLES[language]
    if not shutil.which(program) or subprocess.run(["kpsewhich", needed], check=False, capture_output=True).returncode:
        pytest.skip(
            f"needs {program} and {needed}: texlive-latex-recommended; for Chinese texlive-xetex, -lang-chinese"
        )
    (tmp_path / "report.tex").write_text(written("latex", tmp_path, language), encoding="utf-8")
    body = r"\usepackage{booktabs,multirow,graphicx}\begin{document}\input{report}\end{document}"
    (tmp_path / "all.tex").write_text(head + body)
    words = [program, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(words, check=False, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout


def test_csv_keeps_numbers_unrounded_and_lets_no_text_be_a_formula() -> None:
    table = Table(
        "t",
        "T",
        (Column("m", "=title"), Column("v", "value")),
        (
            (Cell("=1+1", rows=2), Cell("5.24^", value=5.2437, low=5.0, high=5.5, source="reference")),
            (Cell("", rows=0), Cell("-")),
        ),
    )
    assert list(csv.reader(io.StringIO(table_csv(table)))) == [
        ["'=title", "value", "value low", "value high", "value source"],
        ["'=1+1", "5.2437", "5", "5.5", "reference"],
        ["'=1+1", "", "", "", ""],
    ]
