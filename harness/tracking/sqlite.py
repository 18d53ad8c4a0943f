"""The SQLite file behind MLflow: made once and in one piece, and refused where it is another MLflow version's.

MLflow needs seconds for the migrations of a fresh file and leaves it unusable when two processes do them at once or one
is killed in between; so a new file is made beside its place and renamed into it, by the holder of the store's lock.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

SCHEME = "sqlite:///"


def sqlite_path(uri: str) -> Path | None:
    """The file of a ``sqlite:///`` URI, or None for any other store."""
    return Path(uri.removeprefix(SCHEME).partition("?")[0]) if uri.startswith(SCHEME) else None


def prepare_sqlite(path: Path, home: Path) -> None:
    """Create the file where it is absent or empty; refuse one that this MLflow would change or cannot read."""
    if not path.exists() or path.stat().st_size == 0:
        _create_sqlite(path, home)
    else:
        check_version(path)


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
