"""What is recorded of the machine and the checkout: true, small, and without secrets."""

from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path

import pytest

import harness
from harness.records.provenance import cpu_summary, environment, git_state, package_list


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that a git checkout tracks."""
    folder = tmp_path / "checkout" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    git(folder.parent, "init", "-q", "-b", "trunk")
    git(folder.parent, "add", "package")
    git(folder.parent, "commit", "-q", "-m", "one")
    return folder


def test_the_machine_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MY_API_TOKEN", "hunter2")
    monkeypatch.setenv("LD_PRELOAD", "")
    known = environment()
    assert platform.python_version() in known["python"]
    assert known["harness"]["version"] == harness.__version__
    assert known["packages"]["mlflow"]
    assert known["variables"]["OMP_NUM_THREADS"] == "3"
    assert "hunter2" not in json.dumps(known)
    assert len(json.dumps(known, indent=1)) < 4000
    assert known["memory_bytes"] > 1e8


def test_the_cpu_has_cores() -> None:
    cpu = cpu_summary()
    assert cpu["logical_cores"] >= 1
    assert cpu["model"]


def test_packages_stand_once_with_versions() -> None:
    packages = package_list()
    names = [line.partition("==")[0] for line in packages]
    assert "numpy" in names
    assert len(packages) == len(set(packages))
    assert all(version for _, _, version in (line.partition("==") for line in packages))


def test_commit_branch_and_changes(package: Path) -> None:
    state = git_state(package)
    assert state == {"commit": git(package, "rev-parse", "HEAD"), "branch": "trunk", "dirty": False}
    (package / "new.py").write_text("not tracked")
    assert (git_state(package) or {})["dirty"] is False
    (package / "__init__.py").write_text("changed")
    assert (git_state(package) or {})["dirty"] is True


def test_a_remote_is_recorded_without_its_token(package: Path) -> None:
    git(package, "remote", "add", "origin", "https://me:hunter2@host/repo.git")
    assert (git_state(package) or {})["remote"] == "https://me:***@host/repo.git"


def test_a_detached_head_has_no_branch(package: Path) -> None:
    git(package, "checkout", "-q", "--detach")
    state = git_state(package) or {}
    assert "branch" not in state
    assert state["commit"]


def test_a_package_that_merely_lies_in_a_checkout_is_not_of_it(package: Path, tmp_path: Path) -> None:
    installed = package.parent / ".venv" / "harness"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert git_state(installed) is None
    assert git_state(tmp_path) is None


def test_without_git_there_is_no_state(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state(package) is None
