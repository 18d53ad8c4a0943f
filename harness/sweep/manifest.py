"""The manifest: the frozen plan of a sweep, written before the first cell runs and never composed again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.config.schema import Settings
from harness.config.values import SCHEMA
from harness.errors import HarnessError
from harness.files import write_atomically
from harness.records.schema import Original, Outcome
from harness.records.sealing import from_text, opened, sealed, to_text
from harness.sweep.heap import loading

MANIFEST_VERSION = 1


@dataclass(config=SCHEMA)
class Cell:
    """One point of the sweep. ``decided`` is set where the outcome is known before anything runs (skipped).

    ``notes`` are sentences that a reader of its result should see, such as why its weights are not trained. ``files``
    are the SHA-256 of the model files that it was planned with, by path.
    ``rerun_of`` is the record that it measures again.
    """

    index: int
    name: str
    overrides: tuple[str, ...]
    settings: Settings
    decided: Outcome | None = None
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    rerun_of: Original | None = None


@dataclass(config=SCHEMA)
class Manifest:
    """All cells of a sweep with their resolved settings. ``sweep_id`` names its folder below ``<home>/sweeps``."""

    sweep_id: str
    created: str
    command: tuple[str, ...]
    cells: tuple[Cell, ...]
    interleaved: bool = True
    schema_version: int = MANIFEST_VERSION

    @property
    def rounds(self) -> int:
        """The number of rounds that the most demanding cell asks for."""
        return max((cell.settings.repeats for cell in self.cells), default=0)


_ADAPTER = TypeAdapter(Manifest)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the manifest atomically: a reader sees all of it or none.

    Secrets in it go to a file beside it that only its owner can read; whoever passes the manifest on passes none.
    """
    content, secrets = sealed(_ADAPTER.dump_python(manifest, mode="json"))
    apart = _secrets_of(path)
    if secrets:
        write_atomically(apart, to_text(secrets).encode(), private=True)
        write_atomically(path, json.dumps(content).encode())
    else:
        apart.unlink(missing_ok=True)
        write_atomically(path, _ADAPTER.dump_json(manifest, indent=1))


def _secrets_of(path: Path) -> Path:
    return path.with_suffix(".secrets")


def secrets_beside(path: Path) -> tuple[str, ...]:
    """The secrets that were kept apart from a manifest; none where they cannot be read, which only its owner can."""
    try:
        return tuple(text for _, text in from_text(_secrets_of(path).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return ()


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        HarnessError: the file is absent, damaged, or of another schema version.
    """
    try:
        with loading():
            apart = _secrets_of(path)
            content = path.read_bytes()
            if apart.is_file():
                secrets = from_text(apart.read_text(encoding="utf-8"))
                content = json.dumps(opened(json.loads(content), secrets)).encode()
            manifest = _ADAPTER.validate_json(content)
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: not a readable sweep manifest ({_why(error)}); {_ADVICE}") from error
    if manifest.schema_version != MANIFEST_VERSION:
        version = f"manifest of schema version {manifest.schema_version}, but this harness reads {MANIFEST_VERSION}"
        raise HarnessError(f"{path}: {version}; go on with the harness that wrote it, or begin the sweep anew")
    return manifest


_ADVICE = "begin the sweep anew: what its records and its store hold is not lost"


def _why(error: OSError | ValueError) -> str:
    """In a few words, what is wrong with a manifest."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else first["msg"]
    return str(error)
