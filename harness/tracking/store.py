"""Opens the tracking store for one publisher at a time, and finds or makes the experiment in it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout

from harness.errors import HarnessError
from harness.records.redaction import HIDDEN, redact_text
from harness.tracking.sqlite import SCHEME, follow_moved_home, prepare_sqlite, quick_commits, sqlite_path
from harness.tracking.view import VIEW_TAG, description, experiment_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI_VARIABLES = ("HARNESS_TRACKING_URI", "MLFLOW_TRACKING_URI")
"""Where a URI is taken from whose password the record does not hold."""

LOCK_TIMEOUT_S = 1800.0
# SQLAlchemy 2.1 decodes %20 in the path of a URI and 2.0 does not.
_UNNAMEABLE = re.compile(r"\?|%[0-9A-Fa-f]{2}")
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's own defaults (7 retries, waits that double) keep a dead server's victim waiting for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "PGCONNECT_TIMEOUT": "10",
}


def quiet_mlflow() -> None:
    """Before MLflow is imported: no telemetry, no output of its own, few retries. What the user has set stays."""
    import logging

    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic", "urllib3"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL)


def ask_briefly(uri: str) -> None:
    """Before a client of a database is made: MLflow asks one that is not there ten times, 102 s without a setting."""
    if urlsplit(uri).scheme not in {"http", "https"}:
        import mlflow.store.db.utils

        mlflow.store.db.utils.MAX_RETRY_COUNT = 3


def resolve_uri(recorded: str | None, home: Path) -> str:
    """The whole URI of a store: null means SQLite in the home, a relative SQLite path is made absolute.

    A record holds no passwords; the whole URI then comes from the first variable of :data:`URI_VARIABLES` that differs
    from the recorded one by nothing but its secrets.

    Raises:
        HarnessError: the recorded URI lacks its password and no variable supplies it, or no URI can name the home.
    """
    if recorded is None:
        place = (home / "mlflow.db").absolute()
        if _UNNAMEABLE.search(str(place)):
            raise HarnessError(f"{place}: a SQLite URI cannot hold ? or %xx; set HARNESS_HOME to another folder")
        return f"{SCHEME}{place}"
    if HIDDEN in recorded:
        for variable in URI_VARIABLES:
            if redact_text(os.environ.get(variable, "")) == recorded:
                return os.environ[variable]
        raise HarnessError(
            f"tracking.uri={recorded}: records hold no passwords; set {URI_VARIABLES[0]} to the whole URI"
        )
    path = sqlite_path(recorded)
    if path is None:
        return recorded
    _, question, options = recorded.partition("?")
    return f"{SCHEME}{path.absolute()}{question}{options}"


def local_folder(uri: str) -> Path | None:
    """The folder that an artifact URI means on this machine, or None where artifacts go elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(unquote(parts.path))
    return Path(uri) if not parts.scheme and uri.startswith("/") else None


@contextmanager
def open_store(uri: str, home: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[MlflowClient]:
    """A client of the store, as its only publisher on this machine; a SQLite file is created where there is none.

    Whoever publishes holds the lock beside the SQLite file; for a server it lies in the home.

    Raises:
        HarnessError: another publisher holds the store, or its SQLite file is of another MLflow version.
        Exception: whatever MLflow, SQLite or the network raise (see :mod:`harness.tracking.explain`).
    """
    path = sqlite_path(uri)
    lock = path.with_name(path.name + ".lock") if path else home / f"tracking-{_short_hash(uri)}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=lock_timeout_s):
            quiet_mlflow()
            from mlflow import MlflowClient

            ask_briefly(uri)
            if path is not None:
                prepare_sqlite(path, home)
                if path.parent.resolve() == home.resolve():
                    follow_moved_home(path, home)
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            engine = _engine(client)
            try:
                with nullcontext() if path is None or engine is None else quick_commits(path, engine):
                    yield client
            finally:
                if engine is not None:  # let go of the file, so that it can be moved while this process lives
                    engine.dispose()
    except Timeout as error:
        raise HarnessError(
            f"{lock}: held by another publisher for {lock_timeout_s:.0f} s; publish again later"
        ) from error


def find_experiment(client: MlflowClient, name: str, uri: str, home: Path) -> str:
    """The id of the experiment, created with its artifact folder, kind and saved view where there is none.

    An experiment that somebody else made gets the tags and the description that it lacks and keeps those it has.

    Raises:
        HarnessError: it was deleted in MLflow.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            identity = client.create_experiment(name, artifact_location=_artifact_location(name, uri, home))
        except MlflowException:
            if client.get_experiment_by_name(name) is None:
                raise
        else:
            del identity
        experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    if experiment.lifecycle_stage != "active":
        raise HarnessError(
            f"tracking.experiment={name}: deleted in MLflow; restore it (mlflow experiments restore "
            f"--experiment-id {experiment.experiment_id}) or set another tracking.experiment"
        )
    identity = str(experiment.experiment_id)
    wanted = {**experiment_tags(), "mlflow.note.content": description(identity)}
    for key, value in wanted.items():
        outdated = key == VIEW_TAG and experiment.tags.get(key) != value
        if key not in experiment.tags or outdated:
            client.set_experiment_tag(identity, key, value)
    return identity


def _artifact_location(name: str, uri: str, home: Path) -> str | None:
    """Where the experiment's artifacts go: a server decides for itself, a database gets an absolute folder in the home.

    The folder's name is never digits alone below the home: MLflow takes ``mlruns/<digits>`` for a file store.
    """
    if urlsplit(uri).scheme in {"http", "https"}:
        return None
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-")[:80] or "experiment"
    if slug != name or slug.isdigit():
        slug = f"{slug}-{_short_hash(name)}"
    return (home / "artifacts" / slug).absolute().as_uri()


def _engine(client: MlflowClient) -> Any:
    """The SQLAlchemy engine behind a client of a database; None behind one of a server."""
    return getattr(getattr(getattr(client, "_tracking_client", None), "store", None), "engine", None)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
