"""The store keeps files under their hash, notices damage, and never shows half a file."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from harness.stages import store as store_module
from harness.stages.store import Entry, Store, sha256_file, write_atomically


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def put(store: Store, content: bytes, name: str = "graph.onnx"):
    with store.workspace() as folder:
        file = folder / name
        file.write_bytes(content)
        return store.put(file)


def test_a_file_lies_under_its_hash_with_its_suffix(store: Store) -> None:
    artifact = put(store, b"weights")
    assert artifact.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert artifact.size_bytes == 7
    assert store.path(artifact).name == f"{artifact.sha256}.onnx"
    assert store.path(artifact).read_bytes() == b"weights"


def test_workspaces_leave_nothing_behind_even_after_an_error(store: Store) -> None:
    def interrupted() -> None:
        with store.workspace() as folder:
            (folder / "half").write_bytes(b"x")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        interrupted()
    assert list((store.root / "work").iterdir()) == []


def test_equal_content_is_kept_once(store: Store) -> None:
    first, second = put(store, b"same"), put(store, b"same")
    assert first == second
    assert len(list((store.root / "blobs").iterdir())) == 1


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_artifact_is_not_served(store: Store, damage: str) -> None:
    artifact = put(store, b"0123456789")
    store.save("export", "k", Entry(artifacts={"exported": artifact}))
    assert store.lookup("export", "k") is not None
    path = store.path(artifact)
    if damage == "flip":
        path.write_bytes(b"0123456780")
    elif damage == "truncate":
        path.write_bytes(b"01234")
    else:
        path.unlink()
    assert not store.intact(artifact)
    assert (store.lookup("export", "k") is None) == (damage != "flip")
    store.discard(artifact)
    assert store.lookup("export", "k") is None


def test_damage_that_keeps_size_and_time_is_found_by_a_new_process(store: Store) -> None:
    artifact = put(store, b"0123456789")
    path = store.path(artifact)
    before = path.stat()
    path.write_bytes(b"X123456789")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not Store(store.root).intact(artifact)


def test_an_unreadable_entry_counts_as_absent(store: Store) -> None:
    write_atomically(store.root / "keys" / "export" / "k.json", b'{"artifacts": ')
    assert store.lookup("export", "k") is None
    assert store.lookup("export", "unknown") is None


def test_an_atomic_write_that_fails_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.json"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["record.json"]


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"report")
    assert os.read(reader, 100) == b"report"
    os.close(reader)
    assert pipe.is_fifo()


def test_sha256_of_a_file_larger_than_a_block(tmp_path: Path) -> None:
    content = os.urandom((1 << 20) + 17)
    (tmp_path / "big").write_bytes(content)
    assert sha256_file(tmp_path / "big") == hashlib.sha256(content).hexdigest()
