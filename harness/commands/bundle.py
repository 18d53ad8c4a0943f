"""``python -m harness.bundle [SWEEP]``: pack a sweep's records into one archive for another machine, or check one.

Exit status 0: it was packed, or is whole; 1: it could not be, or is not; 2: wrong arguments.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.arguments import argument, read_arguments
from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from harness.records.bundle_write import Progress

COMMAND = "python -m harness.bundle [SWEEP]"
FAILED, REFUSED, INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Bundle:
    """Pack the records of a sweep, their logs, samples and environment, and the hashes of its artifacts into one file.

    SWEEP is its name in mlruns/sweeps, or how it begins; without one the newest sweep is meant. On another machine
    python -m harness.report records=FILE.zip reads it. Secrets of the configuration are not in it.
    """

    positional: tuple[str, ...] = argument("SWEEP", default=())
    output: str | None = argument("the file, or the folder for it (null: SWEEP.zip in this folder)", default=None)
    check: str | None = argument("pack nothing, but check this bundle, and print its SHA-256", default=None)
    home: str | None = argument("the folder with the sweeps (null: HARNESS_HOME, or mlruns)", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """Pack or check, say what and where, and return the exit status."""
    try:
        wanted = read_arguments(Bundle, sys.argv[1:] if words is None else words, command=COMMAND)
        if len(wanted.positional) > 1:
            raise ConfigError(f"{' '.join(wanted.positional)}: one sweep goes into a bundle; make one of each")
        if wanted.check is None:
            _pack(wanted)
        else:
            _check(wanted, Path(wanted.check).expanduser())
    except HarnessError as error:
        print(f"harness.bundle: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, ConfigError) else FAILED
    except KeyboardInterrupt:
        print("harness.bundle: interrupted; no bundle was written", file=sys.stderr)
        return INTERRUPTED
    return 0


def _pack(wanted: Bundle) -> None:
    from harness.config.locate import harness_home
    from harness.records.bundle_write import pack
    from harness.sweep.folder import LOCK_FILE, MANIFEST_FILE, find_sweep, newest_sweep
    from harness.sweep.locks import locked_now
    from harness.sweep.manifest import read_manifest, secrets_beside

    home = harness_home(wanted.home)
    name = next(iter(wanted.positional), None)
    folder = newest_sweep(home) if name is None else find_sweep(name, home)
    target = _target(wanted.output, folder.name)
    for own in (folder, home / "records" / folder.name):
        if target.resolve().is_relative_to(own.resolve()):
            raise ConfigError(f"output={target}: is in a folder that is packed; give one elsewhere")
    manifest = folder / MANIFEST_FILE
    # Where this user can write nothing, as in a colleague's home, a running sweep is not waited for: its records are
    # whole at any moment.
    unchanging = locked_now(folder / LOCK_FILE, shared=True) if os.access(folder, os.W_OK) else nullcontext()
    with unchanging, _bar() as progress:
        packed = pack(
            home,
            folder.name,
            target,
            created=read_manifest(manifest).created,
            secrets=secrets_beside(manifest),
            progress=progress,
        )
    for line in packed.left_out:
        print(f"left out  {line}", file=sys.stderr)
    print(f"bundle  {packed.path}: {_count(packed.records, 'record')}, {_count(packed.files, 'file')}, "
          f"{packed.size_bytes / 1e6:.1f} MB")  # fmt: skip
    print(f"sha256  {packed.sha256}")
    print(f"  read: python -m harness.report records={packed.path.name}")


def _check(wanted: Bundle, path: Path) -> None:
    from harness.files import sha256_file
    from harness.records.bundle_read import verify

    if wanted.positional or wanted.output:
        raise ConfigError("check=FILE.zip packs nothing: leave SWEEP and output out")
    index = verify(path)
    print(f"whole   {path}: sweep {index.sweep_id} of {index.created}, {_count(len(index.members), 'file')}, "
          f"packed by harness {index.harness_version}")  # fmt: skip
    print(f"sha256  {sha256_file(path)}")


def _target(given: str | None, sweep_id: str) -> Path:
    """The file to write.

    Raises:
        ConfigError: it does not end in .zip, by which readers know it.
    """
    if given is None:
        return Path(f"{sweep_id}.zip")
    path = Path(given).expanduser()
    if path.is_dir() or given.endswith("/"):
        return path / f"{sweep_id}.zip"
    if path.suffix.lower() != ".zip":
        raise ConfigError(f"output={given}: expected FILE.zip, or a folder")
    return path


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar of the files that are packed, in a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("packing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("packing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
