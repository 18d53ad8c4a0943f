"""A report's tables for LaTeX: booktabs, multirow where cells are merged, graphicx to fit wide tables on the page.

Everything is escaped. What a document needs to input the file stands in its first line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.report.table import Cell, Document, Table
from harness.report.words import plain

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_LONG_WORD = re.compile(r"[!-~]{25,}")
_PATTERN = re.compile("|".join(re.escape(character) for character in _SPECIAL))
_NEEDS = {
    "en": r"% needs: \usepackage[T1]{fontenc}, \usepackage{booktabs,multirow,graphicx}",
    "zh": r"% needs: \documentclass{ctexart} (XeLaTeX or LuaLaTeX), \usepackage{booktabs,multirow,graphicx}",
}
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""As wide as it is, or as the line where it is wider."""


def latex(document: Document) -> str:
    """The tables, to be input into a document of one's own; ends with a line feed."""
    parts = [_NEEDS[document.language], *(table_latex(table) for table in document.tables)]
    if document.notes:
        parts.append(_list(document.notes))
    if document.problems:
        named = [f"{each.place}: {each.message}" for each in document.problems]
        parts.append(f"\\paragraph{{{text(document.problems_title)}}}\n{_list(named)}")
    return "\n\n".join(parts) + "\n"


def table_latex(table: Table) -> str:
    """One floating table, its notes below it."""
    sides = "".join("r" if column.number else "l" for column in table.columns)
    rows: list[str] = []
    for place, row in enumerate(table.rows):
        if place and row and row[-1].rows != 0 and any(cell.strong for cell in row):
            rows.append(r"\midrule")
        rows.append(_line(_cell(cell) for cell in row))
    lines = [r"\begin{table}", r"\centering", f"\\caption{{{text(table.title)}}}"]
    lines += [_FITTED, f"\\begin{{tabular}}{{{sides}}}"]
    lines += [r"\toprule", _line(text(column.title) for column in table.columns), r"\midrule", *rows, r"\bottomrule"]
    lines += [r"\end{tabular}}"]
    notes = [note for note in (table.lead, *table.notes) if note]
    return "\n".join([*lines, *([r"\footnotesize", _list(notes)] if notes else []), r"\end{table}"])


def text(value: str) -> str:
    """Text that LaTeX takes for nothing else."""
    return _PATTERN.sub(lambda found: _SPECIAL[found.group()], plain(value))


def _cell(cell: Cell) -> str:
    if cell.rows == 0:
        return ""
    content = f"\\textbf{{{text(cell.text)}}}" if cell.strong else text(cell.text)
    return f"\\multirow{{{cell.rows}}}{{*}}{{{content}}}" if cell.rows > 1 else content


def _line(cells: Iterable[str]) -> str:
    # A row that begins with a bracket would be taken for the option of the line break before it.
    line = " & ".join(cells)
    return ("{}" if line.startswith("[") else "") + line + r" \\"


def _list(notes: Sequence[str]) -> str:
    items = "\n".join(f"\\item {{}}{_breakable(text(note))}" for note in notes)
    return f"\\begin{{itemize}}\\itemsep0pt\\parskip0pt\\sloppy\n{items}\n\\end{{itemize}}"


def _breakable(line: str) -> str:
    """The line, with long paths that may go on in the next line after a slash or an underscore."""
    return _LONG_WORD.sub(lambda word: re.sub(r"(/|\\_)", r"\1\\allowbreak{}", word.group()), line)
