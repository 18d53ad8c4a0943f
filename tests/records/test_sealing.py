"""What one process hands to another in a file holds no secrets, and arrives as it was."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.redaction import clean_file, redact
from harness.records.sealing import from_text, opened, sealed, to_text

texts = st.sampled_from(["https://u:p4ssw0rd@h/x", "token=abc", "plain", "h", "Bearer abcdefghijk"]) | st.text()
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["password", "uri", "a"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["settings", "token", "b"]), values))
def test_what_was_sealed_is_opened_as_it_was(value: dict) -> None:
    clean, secrets = sealed(value)
    assert clean == redact(value)
    assert opened(json.loads(json.dumps(clean)), from_text(to_text(secrets))) == value


def test_the_secrets_of_a_manifest_lie_apart_for_its_owner_only(tmp_path: Path) -> None:
    from dataclasses import replace

    from harness.config.schema import TrackingSettings
    from harness.sweep.manifest import read_manifest, write_manifest
    from tests.sweep.plans import cell, manifest

    one = cell(0, "a")
    settings = replace(one.settings, tracking=TrackingSettings(uri="postgresql://me:hunter2@db/mlflow"))
    plan = manifest(replace(one, settings=settings), cell(1, "b"))
    write_manifest(plan, tmp_path / "manifest.json")
    assert read_manifest(tmp_path / "manifest.json") == plan
    assert "hunter2" not in (tmp_path / "manifest.json").read_text()
    (apart,) = (path for path in tmp_path.iterdir() if "hunter2" in path.read_text())
    assert apart.stat().st_mode & 0o077 == 0
    apart.unlink()
    assert read_manifest(tmp_path / "manifest.json").cells[0].settings.tracking.uri == "postgresql://me:***@db/mlflow"


def test_a_log_loses_what_the_environment_calls_a_secret_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t-value")
    log = tmp_path / "x.log"
    log.write_bytes(b"asked with s3cr3t-value\r\nbytes \xff stay\n")
    clean_file(log)
    assert log.read_bytes() == b"asked with ***\r\nbytes \xff stay\n"
    before = log.stat().st_mtime_ns
    clean_file(log)
    assert log.stat().st_mtime_ns == before
    clean_file(tmp_path / "absent.log")


def test_a_file_that_a_full_disk_lets_nobody_write_again_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t-value")
    result = tmp_path / "measure.result.json"
    result.write_text('{"asked with": "s3cr3t-value"}')
    monkeypatch.setattr(os, "fsync", full)
    clean_file(result)
    assert result.read_text() == '{"asked with": "s3cr3t-value"}'
    assert [each.name for each in tmp_path.iterdir()] == [result.name]
