"""``python -m harness.references``: what others published, listed; ``... import FILE``: a user's own table added."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from rich.console import Console

from harness.commands.arguments import argument, read_arguments
from harness.config.locate import harness_home
from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from harness.parsing.table import Table

LIST = "python -m harness.references"
IMPORT = "python -m harness.references import FILE"
MOST_BYTES = 64 * 2**20
"""The largest file that is read; the longest published list that is known has 1.2 MB."""
KINDS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv"}
REMARKS_SHOWN = 20
_WANTED = "give a CSV, TSV, Markdown or HTML file"


@dataclass(frozen=True)
class Listing:
    """List what others published: numbers that travel with the project, and your own, each with its citation.

    python -m harness.references import FILE adds a table of yours; import --help says more.
    """

    model: str | None = argument("only this model", default=None)
    chip: str | None = argument("only this chip: T4, Ascend310P3 (with what is known of Ascend310P only)", default=None)
    limit: Annotated[int, Field(ge=0)] = argument("rows that are shown at most; 0: all", default=60)
    home: str | None = argument("the folder with references/ (null: HARNESS_HOME, or mlruns)", default=None)
    format: Literal["terminal", "markdown", "json"] = argument("how it is printed", default="terminal")


@dataclass(frozen=True)
class Import:
    """Add a published table: CSV, TSV, or a page with tables in Markdown or HTML (a model's README).

    It is read into HOME/references/NAME.json, with where each number stands; reports show them as references. What is
    ambiguous is said in one line each and left out. Importing the same again changes nothing.
    """

    positional: tuple[str, ...] = argument("FILE", default=())
    model: str | None = argument("the model (null: as the table names it)", default=None)
    source: str | None = argument("who published it (null: the file's name)", default=None)
    file: str | None = argument("the file at the source, such as a path in its repository", default=None)
    url: str | None = argument("where it stands", default=None)
    commit: str | None = argument("the source's commit", default=None)
    date: str | None = argument("its date, as 2023-01-03", default=None)
    models: tuple[str, ...] = argument("other names for models: models=swin_98:swin98,...", default=())
    chips: tuple[str, ...] = argument("what chips are exactly: chips=310P:Ascend310P3", default=())
    name: str | None = argument("what the list is called here (null: as the file)", default=None)
    replace: bool = argument("write over a list of this name that says something else", default=False)
    dry_run: bool = argument("show what would be imported, write nothing", default=False)
    kind: Literal["auto", "csv", "tsv", "markup"] = argument(
        "how the file is read (auto: by its ending)", default="auto"
    )
    encoding: str = argument("of the file, such as gb18030", default="utf-8")
    home: str | None = argument("the folder with references/ (null: HARNESS_HOME, or mlruns)", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """List or import; the exit status is 0, 1 if a file holds no number to import, 2 for wrong usage or a conflict."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        if given[:1] == ["import"]:
            return _import(read_arguments(Import, given[1:], command=IMPORT))
        return _list(read_arguments(Listing, given, command=LIST))
    except HarnessError as error:
        print(f"harness.references: {error}", file=sys.stderr)
        return 2


def _list(wanted: Listing) -> int:
    from harness.config.references import plain_references, read_library
    from harness.records.references import is_chip
    from harness.report.references_table import references_table

    library = read_library(harness_home(wanted.home))
    found = [
        each
        for each in library.references
        if wanted.model in {None, each.model} and (wanted.chip is None or is_chip(each, wanted.chip))
    ]
    if wanted.format == "json":
        print(json.dumps(plain_references(found), indent=1, ensure_ascii=False))
    else:
        shown = found[: wanted.limit] if wanted.limit else found
        table = references_table(shown, hidden=len(found) - len(shown))
        if wanted.format == "markdown":
            print(table.markdown(), end="")
        else:
            Console(width=None if sys.stdout.isatty() else 160).print(table)
    for problem in library.problems:
        print(f"harness.references: {problem}", file=sys.stderr)
    return 0


def _import(wanted: Import) -> int:
    from harness.config.references import keep_references, own_folder
    from harness.parsing.published import published
    from harness.records.references import Citation, renamed
    from harness.report.references_table import references_table

    if len(wanted.positional) != 1:
        raise ConfigError(f"give one file ({len(wanted.positional)} given): {IMPORT}")
    path = Path(wanted.positional[0]).expanduser()
    citation = Citation(wanted.source or path.name, wanted.file, None, wanted.commit, wanted.date, wanted.url)
    read = published(_tables(path, wanted), citation, model=wanted.model)
    found = renamed(read.references, models=_pairs("models", wanted.models), chips=_pairs("chips", wanted.chips))
    for remark in read.remarks[:REMARKS_SHOWN]:
        print(f"{path.name}: {remark}", file=sys.stderr)
    if len(read.remarks) > REMARKS_SHOWN:
        print(f"{path.name}: and {len(read.remarks) - REMARKS_SHOWN} more such lines", file=sys.stderr)
    if not found:
        print(f"harness.references: {path}: no published number found in it; nothing is imported", file=sys.stderr)
        return 1
    preview = references_table(found[:10], hidden=len(found) - 10)
    Console(width=None if sys.stdout.isatty() else 160).print(preview)
    number = "1 reference" if len(found) == 1 else f"{len(found)} references"
    if wanted.dry_run:
        print(f"{number} found, none written (dry_run=true)")
        return 0
    folder = own_folder(harness_home(wanted.home))
    target, is_new = keep_references(folder, wanted.name or path.stem, found, replace=wanted.replace)
    print(f"{number} written to {target}" if is_new else f"nothing new: {target} holds these {number} already")
    return 0


def _tables(path: Path, wanted: Import) -> list[Table]:
    from harness.parsing.tables import read_tables

    try:
        size_bytes = path.stat().st_size
        if size_bytes > MOST_BYTES:
            raise HarnessError(f"{path}: {size_bytes} bytes, at most {MOST_BYTES} are read; expected a table or a page")
        content = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path}: not readable ({error.strerror or error}); {_WANTED}") from error
    if not content.strip():
        raise HarnessError(f"{path} is empty; {_WANTED}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig" if wanted.encoding.casefold() in {"utf-8", "utf8"} else wanted.encoding
        if b"\x00" in content:
            raise HarnessError(f"{path} is binary; {_WANTED}")
    try:
        text = content.decode(encoding)
    except LookupError as error:
        raise HarnessError(f"encoding={wanted.encoding}: no such encoding; utf-8 and gb18030 are usual") from error
    except UnicodeDecodeError as error:
        raise HarnessError(
            f"{path}: not {encoding.removesuffix('-sig')} at byte {error.start}; give encoding=NAME, such as gb18030"
        ) from error
    kind = KINDS.get(path.suffix.lower(), "markup") if wanted.kind == "auto" else wanted.kind
    return read_tables(text, kind)


def _pairs(key: str, words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition(":") for word in words]
    wrong = next((word for word, pair in zip(words, pairs, strict=True) if not (pair[0] and pair[2])), None)
    if wrong is not None:
        raise ConfigError(f"{key}={wrong}: expected OLD:NEW, several with commas")
    return {old: new for old, _, new in pairs}
