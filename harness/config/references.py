"""Reads references from YAML: those that travel with the project, and the user's own.

A file names a model, its citation and what holds for all numbers, and lists the numbers; each may say otherwise::

    model: swin98
    citation: {source: Ascend/ModelZoo-PyTorch, file: README.md}
    numbers:
      - {chip: T4, batchsize: 1, throughput: 5.24, unit: fps}

They lie in ``reference/`` of the configuration and of each ``--config-dir``, and in ``<home>/references``, where
``python -m harness.references import`` puts what it has read, as JSON lists of references.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.config.locate import conf_dir
from harness.config.validate import refusal, validated
from harness.errors import ConfigError, HarnessError
from harness.files import write_atomically
from harness.records.references import Reference

GROUP = "reference"
OWN = "references"
_ADDED = ("conditions", "unknown", "notes", "notes_zh")
"""Lists to which a number adds what it says of itself alone."""
_LISTS = TypeAdapter(tuple[Reference, ...])


@dataclass(frozen=True)
class Library:
    """The references that could be read, in order of their files, and a line on each file that could not."""

    references: tuple[Reference, ...]
    problems: tuple[str, ...] = ()


def own_folder(home: Path) -> Path:
    """The folder with the user's own references: ``<home>/references``."""
    return home / OWN


def read_library(home: Path | None = None, config_dirs: Sequence[Path] = ()) -> Library:
    """All references: the project's, those of each ``--config-dir``, the user's own; a damaged file is named only.

    A number that is stated alike in two files is listed once.
    """
    folders = [conf_dir() / GROUP, *(folder / GROUP for folder in config_dirs)]
    folders += [own_folder(home)] if home is not None else []
    found: dict[str, Reference] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml", ".json"}):
            try:
                read = read_file(path)
            except HarnessError as error:
                problems.append(str(error))
            else:
                found |= {repr(reference): reference for reference in read}
    return Library(tuple(found.values()), tuple(problems))


def read_file(path: Path) -> tuple[Reference, ...]:
    """The references of a YAML file, or of a JSON list.

    Raises:
        HarnessError: one line that names the file, the place and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: not readable ({error}); expected references as YAML or JSON") from error
    if path.suffix == ".json":
        try:
            return _LISTS.validate_json(text)
        except ValidationError as error:
            line = refusal(error, None)
            raise HarnessError(f"{path}: not a list of references ({line}); import it again") from error
    return _numbers(path, _plain(path, text))


def plain_references(references: Sequence[Reference]) -> list[dict[str, Any]]:
    """References as JSON values, without what they do not say."""
    plain: list[dict[str, Any]] = _LISTS.dump_python(tuple(references), mode="json", exclude_defaults=True)
    return plain


def keep_references(
    folder: Path, name: str, references: Sequence[Reference], *, replace: bool = False
) -> tuple[Path, bool]:
    """Write references to ``<folder>/<name>.json``; the path, and whether that changed anything.

    Raises:
        HarnessError: a list of this name, or another list, states another number for the same place of the same
            source, and ``replace`` is not given; or the file cannot be written.
    """
    target = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name).strip('._') or 'references'}.json"
    content = json.dumps(plain_references(references), indent=1, ensure_ascii=False).encode()
    if target.is_file():
        if target.read_bytes() == content:
            return target, False
        if not replace:
            raise HarnessError(f"{_conflict(target, references)}; give name=OTHER, or replace=true to write over it")
    for path in sorted(folder.glob("*.json")):
        said = None if path == target or replace else _other_number(path, references)
        if said:
            raise HarnessError(f"{said}; correct one of them, or give replace=true to keep both")
    try:
        write_atomically(target, content)
    except OSError as error:
        raise HarnessError(f"{target}: not writable ({error.strerror or error}); give home=FOLDER") from error
    return target, True


def _conflict(path: Path, references: Sequence[Reference]) -> str:
    said = _other_number(path, references)
    return said or f"{path} holds another list of this name"


def _other_number(path: Path, references: Sequence[Reference]) -> str | None:
    """A line on the first number of a list for which another one is given now, at the same place of the same source."""
    try:
        known = {_place(each): each.throughput for each in read_file(path)}
    except HarnessError:
        return None  # named by every listing; here it is about the new ones
    for each in references:
        before = known.get(_place(each), each.throughput)
        if before != each.throughput:
            size = "best batch" if each.best else f"batch {each.batchsize}"
            what = f"{each.model} on {each.chip_stated or each.chip} at {size}"
            return f"{path} holds {before} for {what}, now it is {each.throughput}"
    return None


def _place(reference: Reference) -> tuple[object, ...]:
    """What two statements of one number have in common: source, chip, batch size, row and column."""
    return (
        reference.citation,
        reference.model,
        reference.chip_stated,
        reference.batchsize,
        reference.best,
        tuple(note for note in reference.notes if note.startswith(("row: ", "column: "))),
    )


def _plain(path: Path, text: str) -> Mapping[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise HarnessError(f"{path}: not readable as YAML ({reason})") from error
    if not isinstance(values, dict) or not isinstance(values.get("numbers"), list):
        raise HarnessError(f"{path}: expected keys with values, among them `numbers`, a list; see conf/reference")
    return values


def _numbers(path: Path, values: Mapping[str, Any]) -> tuple[Reference, ...]:
    shared = {key: value for key, value in values.items() if key != "numbers"}
    made = []
    for place, number in enumerate(values["numbers"], start=1):
        if not isinstance(number, dict):
            raise HarnessError(f"{path}: number {place}: expected keys with values, as {{chip: T4, batchsize: 1}}")
        citation = {**_mapping(shared.get("citation")), **_mapping(number.get("citation"))}
        lists = {key: [*(shared.get(key) or ()), *(number.get(key) or ())] for key in _ADDED}
        try:
            made.append(validated(Reference, {**shared, **number, **lists, "citation": citation}))
        except ConfigError as error:
            raise HarnessError(f"{path}: number {place}: {error}") from error
    return tuple(made)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
