"""What a bundle is: one zip of a sweep's records, laid out as a harness home, with an index of every member.

``index.json`` names each other member with its size and SHA-256. All else lies at ``records/<sweep_id>/...``,
``sweeps/<sweep_id>/...`` and ``noise_floors.json``, as in the home that it came from. No artifact is in it, only their
hashes, and no secret.
"""

from __future__ import annotations

import json
import re

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.errors import HarnessError
from harness.records.floors import FILE as FLOORS_FILE
from harness.records.schema import SCHEMA, SCHEMA_VERSION, Artifact

SUFFIX = ".zip"
INDEX = "index.json"
VERSION = 1
READABLE = (1,)
FORMAT = "harness bundle"
RECORDS, SWEEPS = "records", "sweeps"

INDEX_BYTES = 64 << 20
"""No index is longer: that of ten thousand cells takes half of it."""
RATIO, RATIO_FREE_BYTES = 200, 1 << 30
"""No bundle unpacks to more than this many times its size, unless that is less than this many bytes."""

_LONGEST_NAME = 1000
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(config=SCHEMA)
class Member:
    """One file of the bundle: its path in it, with forward slashes, and the SHA-256 (hex) of its content."""

    path: str
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(config=SCHEMA)
class Index:
    """Whose records these are. ``created`` is when the sweep was planned; ``artifacts`` are those that it used."""

    sweep_id: str
    created: str
    harness_version: str
    members: tuple[Member, ...]
    artifacts: tuple[Artifact, ...] = ()
    record_schema_version: int = SCHEMA_VERSION
    version: int = VERSION
    format: str = FORMAT


_INDEX = TypeAdapter(Index)


def index_bytes(index: Index) -> bytes:
    """The index as JSON, the same for the same index."""
    return _INDEX.dump_json(index, indent=1)


def parse_index(content: bytes) -> Index:
    """The index of a bundle.

    Raises:
        HarnessError: it is damaged, or of a version that this harness does not know; names no file.
    """
    try:
        known = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{INDEX}: not JSON ({type(error).__name__})") from error
    if not isinstance(known, dict) or known.get("format") != FORMAT:
        raise HarnessError(f"{INDEX}: not that of a bundle (expected format {FORMAT!r})")
    if known.get("version") not in READABLE:
        version = str(known.get("version"))[:20]
        readable = " and ".join(map(str, READABLE))
        raise HarnessError(f"{INDEX}: version {version}, but this harness reads {readable}; upgrade the harness")
    try:
        index = _INDEX.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HarnessError(f"{INDEX}: damaged at {where} ({first['msg']})") from error
    if not _PLAIN.fullmatch(index.sweep_id):
        raise HarnessError(f"{INDEX}: {shown(index.sweep_id)} is no sweep's id")
    return index


def name_problem(name: str, sweep_id: str | None = None) -> str | None:
    """Why no member may be called so, or None. ``sweep_id``: it also has to lie where one of that sweep does."""
    parts = name.split("/")
    if not name or len(name) > _LONGEST_NAME:
        return "its name is empty or too long"
    if not name.isprintable():
        return "control characters in its name"
    if "\\" in name:
        return "a backslash in its name"
    if ":" in name:
        return "a colon in its name, as of a drive"
    if name.startswith("/"):
        return "an absolute name"
    if any(part in {"", ".", ".."} for part in parts):
        return "a name that may leave its folder"
    if sweep_id is None or name in {INDEX, FLOORS_FILE}:
        return None
    if len(parts) < 3 or parts[0] not in {RECORDS, SWEEPS} or parts[1] != sweep_id:
        return f"not a file of the sweep {sweep_id}"
    return None


def shown(name: str) -> str:
    """A name of a stranger's as it may be printed: one line, no control characters, not long."""
    plain = name if name.isprintable() else name.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= 120 else f"{plain[:117]}..."
