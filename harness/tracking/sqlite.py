"""The SQLite file behind MLflow: made once and in one piece, and refused where it is another MLflow version's.

MLflow needs seconds for the migrations of a fresh file and leaves it unusable when two processes do them at once or one
is killed in between; so a new file is made beside its place and renamed into it, by the holder of the store's lock.
While records are published it keeps a write-ahead log: MLflow commits nine times a record, and each commit would wait
for the disk several times.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from harness.errors import HarnessError

SCHEME = "sqlite:///"

# A write-ahead log needs memory that all who have the file open share: not so on a network's file system.
_LOCAL = {"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "overlay", "tmpfs", "xfs", "zfs"}


def sqlite_path(uri: str) -> Path | None:
    """The file of a ``sqlite:///`` URI, or None for any other store."""
    return Path(uri.removeprefix(SCHEME).partition("?")[0]) if uri.startswith(SCHEME) else None


def prepare_sqlite(path: Path, home: Path) -> None:
    """Create the file where it is absent or empty; refuse one that this MLflow would change or cannot read."""
    if not path.exists() or path.stat().st_size == 0:
        _create_sqlite(path, home)
    else:
        check_version(path)


@contextmanager
def quick_commits(path: Path, engine: Any) -> Iterator[None]:
    """While it lasts, a commit through the SQLAlchemy ``engine`` waits for no disk, on a file system of this machine.

    Neither a kill nor a power cut can damage the file (https://sqlite.org/wal.html); a power cut can take back the
    last commits, which the next publication makes again. Afterwards the file is as before: whole without a log beside
    it, or as soon as those who read it meanwhile are done.
    """
    if not (_on_local_disk(path) and _journal(path, "WAL")):
        yield
        return
    from sqlalchemy import event

    def relax(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    event.listen(engine, "connect", relax)
    engine.dispose()  # those that are open already wait for the disk
    try:
        yield
    finally:
        event.remove(engine, "connect", relax)
        engine.dispose()
        _journal(path, "DELETE")


def _journal(path: Path, mode: str) -> bool:
    """Whether the file's journal is of that mode now; somebody who reads it can keep it from changing."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=1)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        row: Any = connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
        return str(row[0]).upper() == mode
    return False


def _on_local_disk(path: Path) -> bool:
    import psutil

    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    place = path.resolve()
    return next((mounts[parent] in _LOCAL for parent in place.parents if parent in mounts), False)


def _create_sqlite(path: Path, home: Path) -> None:
    """Run MLflow's migrations on a file beside ``path`` and rename it: the store is there whole or not at all."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for leftover in path.parent.glob(f".{path.name}.*.creating*"):
        leftover.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.creating")
    try:
        store = SqlAlchemyStore(f"{SCHEME}{partial.absolute()}", (home / "artifacts").absolute().as_uri())
        store.engine.dispose()
        partial.replace(path)
    finally:
        for leftover in path.parent.glob(f".{path.name}.{os.getpid()}.creating*"):
            leftover.unlink(missing_ok=True)


def follow_moved_home(path: Path, home: Path) -> None:
    """Point experiments and runs to the artifacts in this home, where they came here with it.

    MLflow keeps whole paths: in a home that was moved it shows no artifact of before and puts new ones into the old
    place. An experiment whose folder is still where it was is left alone: this home is a copy then.
    """
    place = (home / "artifacts").absolute()
    with closing(sqlite3.connect(path)) as connection:
        for identity, known in connection.execute(
            "SELECT experiment_id, artifact_location FROM experiments"
        ).fetchall():
            old = Path(unquote(urlsplit(known or "").path))
            new = place / old.name
            if not (known or "").startswith("file:///") or old.parent.name != place.name or old == new:
                continue
            if new.is_dir() and not old.exists():
                uri = new.as_uri()
                connection.execute(
                    "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [uri, identity]
                )
                connection.execute(
                    "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?)"
                    " WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                    [uri, len(known) + 1, identity, len(known), known],
                )
        connection.commit()


def check_version(path: Path) -> None:
    """Refuse a database of another MLflow version before MLflow migrates it unasked, as it does with older ones.

    Raises:
        HarnessError: made by an older or a newer MLflow, or not an MLflow database.
    """
    import mlflow
    from alembic.script import ScriptDirectory

    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in names:
            raise HarnessError(f"{path}: not an MLflow database; set tracking.uri to another file")
        row: Any = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    found = row[0] if row else None
    script = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    if found in script.get_heads():
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if found is None or found in known:
        raise HarnessError(
            f"{path}: made by an older MLflow than {mlflow.__version__}; back it up, then run: "
            f"mlflow db upgrade {SCHEME}{path.absolute()}"
        )
    raise HarnessError(
        f"{path}: made by a newer MLflow than {mlflow.__version__}; upgrade mlflow, or set tracking.uri to another file"
    )
