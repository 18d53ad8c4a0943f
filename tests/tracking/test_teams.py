"""MLflow for a team, on the real thing: many publishers at once, PostgreSQL behind a server that comes and goes."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.tracking.session import ONNX_HELD, PUBLISHED, RECORD_ID
from harness.tracking.store import quiet_mlflow, resolve_uri
from tests.tracking.synthetic import make_record

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 300


def publisher(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness.publish", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str], status: int = 0) -> str:
    out, err = process.communicate(timeout=2 * WAIT_S)
    assert process.returncode == status, out + err
    return out + err


def all_runs(uri: str) -> dict[str, list[Any]]:
    """The active runs of every experiment, by its name."""
    quiet_mlflow()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    return {each.name: list(client.search_runs([each.experiment_id])) for each in client.search_experiments()}


def test_eight_publishers_that_start_at_once_on_nothing(tmp_path: Path) -> None:
    for number in range(200):
        make_record(tmp_path, sweep=f"sweep-{number // 25}", cell=number % 25, name=f"c{number}", rounds=1)
    started = [publisher(f"home={tmp_path}", tmp_path / "records" / f"sweep-{number}") for number in range(8)]
    for process in started:
        finished(process)
    runs = all_runs(resolve_uri(None, tmp_path))
    assert {name: len(found) for name, found in runs.items()} == {"Default": 0, "harness": 200}
    assert len({run.data.tags[RECORD_ID] for run in runs["harness"]}) == 200
    assert all(PUBLISHED in run.data.tags and run.info.status == "FINISHED" for run in runs["harness"])
    assert len([run for run in runs["harness"] if ONNX_HELD in run.data.tags]) == 1


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URI of a new PostgreSQL cluster in a temporary folder, run by a user without privileges."""
    pytest.importorskip("psycopg2", reason="needs psycopg2 (pip install 'npu-harness[server]')")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # Debian's place, which is in no PATH
    binaries = found[-1] if found else Path(shutil.which("initdb") or "/none").parent
    if not (binaries / "initdb").exists():
        pytest.skip("needs PostgreSQL's initdb and postgres (apt-get install postgresql)")
    as_user: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="harness-pg-"))
    if os.geteuid() == 0:  # which PostgreSQL refuses
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    password = secrets.token_hex(8)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    data, port = folder / "data", free_port()
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "harness", "-A", "scram-sha-256", "--pwfile", folder / "password"],
        check=True, capture_output=True, cwd=folder, **as_user,
    )  # fmt: skip
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **as_user,
    )  # fmt: skip
    try:
        until(lambda: connects(port), server)
        yield f"postgresql+psycopg2://harness:{password}@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def connects(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Any, process: subprocess.Popen[Any] | None = None, log: Path | None = None) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert process is None or process.poll() is None, log.read_text() if log else "it ended"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.2)


@contextmanager
def tracking_server(store: str, artifacts: Path, port: int) -> Iterator[str]:
    """``mlflow server`` as docs/tracking.md starts it; stopped at the end."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(artifacts), "--workers", "1"]
    log = artifacts.with_name("server.log")
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=artifacts.parent)
    uri = f"http://127.0.0.1:{port}"

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        until(healthy, process, log)
        yield uri
    finally:
        process.terminate()
        process.wait(60)


def test_a_server_on_postgresql_that_stops_in_the_middle_and_comes_back(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    one, other, port = tmp_path / "one", tmp_path / "other", free_port()
    for cell in range(8):
        make_record(one, cell=cell, name=f"c{cell}", rounds=1, onnx=b"the same graph")
    wanted = [f"home={one}", f"uri=http://127.0.0.1:{port}"]

    with tracking_server(postgres, tmp_path / "artifacts", port) as uri:
        process = publisher(*wanted)
        until(lambda: all_runs(uri).get("harness"), process)
    told, delayed = process.communicate(timeout=2 * WAIT_S)  # a quick publisher may have been done
    assert process.returncode == 0 or "Nothing is lost" in delayed, told + delayed
    assert "does not answer" in finished(publisher(*wanted), status=1)

    shutil.copytree(one, other)  # another machine that has the same records, and some of its own
    for cell in range(8, 10):
        make_record(other, cell=cell, name=f"c{cell}", rounds=1, onnx=b"the same graph")
    with tracking_server(postgres, tmp_path / "artifacts", port) as uri:
        assert "published" in finished(publisher(*wanted))
        told = finished(publisher(f"home={other}", f"uri={uri}"))
        assert "8 unchanged, 2 published" in told
        runs = all_runs(uri)
        assert {name: len(found) for name, found in runs.items()} == {"Default": 0, "harness": 10}
        assert len([run for run in runs["harness"] if ONNX_HELD in run.data.tags]) == 1
        digests = {run.data.tags[RECORD_ID]: run.data.tags[PUBLISHED] for run in runs["harness"]}
        for path in other.glob("records/*/*/record.json"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() in digests.values()
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        for run in runs["harness"]:
            assert {"record", "logs", "samples"} <= {item.path for item in client.list_artifacts(run.info.run_id)}

        for home in (one, other):  # the same new records, from two machines at the same moment
            for cell in range(2):
                make_record(home, sweep="both", cell=cell, name=f"b{cell}", rounds=1, onnx=None)
        for process in [publisher(f"home={home}", f"uri={uri}", home / "records/both") for home in (one, other)]:
            finished(process)
        finished(publisher(f"home={one}", f"uri={uri}"))
        names = Counter(run.data.tags[RECORD_ID] for run in all_runs(uri)["harness"])
        assert len(names) == 12
        assert set(names.values()) == {1}
