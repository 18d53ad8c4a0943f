"""Opening a store: made in one piece, refused with one line where it is not ours to change."""

from __future__ import annotations

import http.server
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from harness.errors import HarnessError
from harness.tracking.publish import publish
from harness.tracking.sqlite import prepare_sqlite
from harness.tracking.store import local_folder, open_store, resolve_uri
from tests.tracking.synthetic import make_record


def delayed(home: Path, **options: Any) -> str:
    """Publish one record that cannot be published; returns why, after checking that it is whole."""
    folder, _ = make_record(home, rounds=1, onnx=None)
    before = (folder / "record.json").read_bytes()
    (result,) = publish([folder], home=home, **options)
    assert result.state == "delayed"
    assert (folder / "record.json").read_bytes() == before
    assert result.reason is not None
    assert "\n" not in result.reason
    return result.reason


def version(path: Path, value: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (value,))


def test_a_store_of_an_older_mlflow_is_not_migrated_unasked(home: Path) -> None:
    version(home / "mlflow.db", "451aebb31d03")
    with closing(sqlite3.connect(home / "mlflow.db")) as connection, connection:
        connection.execute("DROP TABLE logged_model_params")  # an older schema has fewer tables
    before = (home / "mlflow.db").read_bytes()
    reason = delayed(home)
    assert "made by an older MLflow" in reason
    assert f"mlflow db upgrade sqlite:///{home / 'mlflow.db'}" in reason
    assert (home / "mlflow.db").read_bytes() == before


def test_a_store_of_a_newer_mlflow_is_told(home: Path) -> None:
    version(home / "mlflow.db", "ffffffffffff")
    assert "made by a newer MLflow" in delayed(home)


def test_another_database_is_not_taken(home: Path) -> None:
    (home / "mlflow.db").unlink()
    with closing(sqlite3.connect(home / "mlflow.db")) as connection, connection:
        connection.execute("CREATE TABLE mine (x)")
    assert "not an MLflow database" in delayed(home)


def test_a_damaged_file_is_told(home: Path) -> None:
    (home / "mlflow.db").write_bytes(b"this is no database at all" * 100)
    assert "damaged SQLite file" in delayed(home)


def test_a_file_damaged_in_the_middle_is_told(home: Path) -> None:
    path = home / "mlflow.db"
    content = bytearray(path.read_bytes())
    content[4096 * 2 : -4096] = b"\xff" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    assert "damaged SQLite file" in delayed(home)


def test_a_store_that_cannot_be_written_is_told(home: Path) -> None:
    import sqlalchemy

    def read_only(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # SQLite answers as it does for a read-only file

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", read_only)
    try:
        assert "cannot be written; check permissions" in delayed(home)
    finally:
        sqlalchemy.event.remove(sqlalchemy.engine.Engine, "connect", read_only)


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (result,) = publish([make_record(tmp_path, rounds=1)[0]], home=tmp_path / "file" / "home")
    assert result.state == "delayed"
    assert "Not a directory" in str(result.reason)


def test_a_full_disk_is_told_and_publishing_later_completes(
    home: Path, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = make_record(home)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(home / "artifacts"))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        (result,) = publish([folder])
    assert result.state == "delayed"
    assert "the disk is full" in str(result.reason)
    assert [result.state for result in publish([folder])] == ["published"]
    assert "record/record.json" in look.artifacts(look.run())


def test_a_dead_server_is_not_asked_for_every_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    for cell in range(5):
        make_record(tmp_path, cell=cell, name=f"c{cell}", rounds=1, onnx=None)
    results = publish([tmp_path / "records"], home=tmp_path, uri=f"http://me:hunter2@127.0.0.1:{port}")
    assert [result.state for result in results] == ["delayed"] * 5
    (reason,) = {result.reason for result in results}
    assert reason is not None
    assert reason.startswith(f"http://me:***@127.0.0.1:{port}: the tracking server does not answer; start it")


class Failing(http.server.BaseHTTPRequestHandler):
    """A server that answers every request with its status."""

    status = 500
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def failing() -> Iterator[tuple[str, type[Failing]]]:
    handler = type("Handler", (Failing,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(500, "the tracking server fails"), (503, "the tracking server fails"), (401, "refused the credentials"),
     (403, "refused the credentials")],
)  # fmt: skip
def test_a_server_that_fails_or_refuses_is_told(
    tmp_path: Path,
    failing: tuple[str, type[Failing]],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    expected: str,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri, handler = failing
    handler.status = status
    for cell in range(5):
        make_record(tmp_path, cell=cell, name=f"c{cell}", rounds=1, onnx=None)
    results = publish([tmp_path / "records"], home=tmp_path, uri=uri)
    assert [result.state for result in results] == ["delayed"] * 5
    assert expected in str(results[0].reason)
    assert handler.asked <= 3


def test_a_store_that_is_made_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.store.tracking import sqlalchemy_store

    class Killed(BaseException):
        pass

    class Dying:
        def __init__(self, uri: str, _root: str) -> None:
            Path(uri.removeprefix("sqlite:///")).write_bytes(b"half a database")
            raise Killed

    left = tmp_path / ".mlflow.db.99999999.creating"
    left.write_bytes(b"of a process that was killed")
    monkeypatch.setattr(sqlalchemy_store, "SqlAlchemyStore", Dying)
    with pytest.raises(Killed):
        prepare_sqlite(tmp_path / "mlflow.db", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_publisher_at_a_time(home: Path) -> None:
    held = FileLock(home / "mlflow.db.lock")
    with (
        held,
        pytest.raises(HarnessError, match="held by another publisher"),
        open_store(resolve_uri(None, home), home, lock_timeout_s=0.01),
    ):
        pass


def test_a_home_with_odd_characters(tmp_path: Path, blank_store: Path) -> None:
    home = tmp_path / "a b%c#é 中"
    home.mkdir()
    shutil.copyfile(blank_store, home / "mlflow.db")
    (result,) = publish([make_record(home, onnx=b"model")[0]])
    assert result.state == "published", result.reason
    assert (home / "artifacts" / "harness" / str(result.run_id) / "artifacts" / "record" / "record.json").is_file()
    assert (home / "artifacts" / "harness" / str(result.run_id) / "artifacts" / "model").is_dir()


@pytest.mark.parametrize("copied", [False, True])
def test_a_home_that_was_moved_takes_its_artifacts_along(home: Path, tmp_path: Path, copied: bool) -> None:
    first, _ = make_record(home, rounds=1, onnx=None)
    publish([first], home=home)
    moved = tmp_path / "moved 家"
    if copied:
        shutil.copytree(home, moved)
    else:
        home.rename(moved)
    make_record(moved, cell=1, batchsize=2, rounds=1, onnx=None)
    results = publish([moved / "records"], home=moved)
    assert [result.state for result in results] == ["unchanged", "published"], results
    with closing(sqlite3.connect(moved / "mlflow.db")) as connection:
        places = [local_folder(uri) for (uri,) in connection.execute("SELECT artifact_uri FROM runs")]
    assert len(places) == 2
    for place in places:
        assert place is not None
        assert (place / "record" / "record.json").is_file()
        assert place.is_relative_to(home if copied else moved)
    assert home.exists() == copied


def test_a_home_that_no_uri_can_name_is_refused(tmp_path: Path) -> None:
    for name in ("what?", "a%20b"):
        (result,) = publish([make_record(tmp_path / name, onnx=None)[0]])
        assert result.state == "delayed"
        assert "a SQLite URI cannot hold ? or %xx" in str(result.reason)


def test_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_uri(None, tmp_path / "mlruns") == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert resolve_uri(None, Path("mlruns")) == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert resolve_uri("sqlite:///x/y.db", tmp_path) == f"sqlite:///{tmp_path}/x/y.db"
    assert resolve_uri("sqlite:///y.db?timeout=9", tmp_path) == f"sqlite:///{tmp_path}/y.db?timeout=9"
    assert resolve_uri("http://host:5000", tmp_path) == "http://host:5000"
    assert local_folder("file:///a%20b/c") == Path("/a b/c")
    assert local_folder("/a b/c") == Path("/a b/c")
    assert local_folder("s3://bucket/x") is None
    assert local_folder("mlflow-artifacts:/1/2/artifacts") is None


def test_a_published_file_is_whole_by_itself_also_beside_a_reader(home: Path, tmp_path: Path) -> None:
    def copied() -> int:
        copy = tmp_path / "copy.db"
        shutil.copyfile(home / "mlflow.db", copy)
        with closing(sqlite3.connect(copy)) as connection:
            (number,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        return int(number)

    with closing(sqlite3.connect(home / "mlflow.db")) as reader:  # as a page of MLflow's that somebody left open
        reader.execute("SELECT count(*) FROM runs").fetchone()
        publish([make_record(home, rounds=1)[0]])
        assert copied() == 1
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    publish([make_record(home, rounds=1, sweep="next")[0]])
    assert copied() == 2
    assert not list(home.glob("mlflow.db-*"))
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
