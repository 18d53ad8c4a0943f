"""What no record needs is freed, least recently used first; whatever happens, no key promises what is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from harness.errors import HarnessError
from harness.stages import collect
from harness.stages.collect import freed, planned, tidied
from harness.stages.holdings import holdings
from tests.stages.stocked import Home

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def plan(home: Home, size_bytes: int = 0, before_s: float = 1000, unfinished: tuple[str, ...] = ()):
    held = holdings(home.store, home.root / "records", unfinished)
    return planned(held, size_bytes=size_bytes, before_s=before_s)


def names(things) -> list[str]:
    return [each.path.read_text() for each in things]


def test_the_oldest_goes_first_and_what_is_needed_or_recent_stays(home: Home) -> None:
    for content, used_s in (("last", 30), ("first", 10), ("second", 20), ("recent", 1000)):
        home.make(content, used_s)
    home.record("sweep/by-file", home.make("by file", 1).sha256)
    home.make("by key", 1)
    home.record("sweep/by-key", home.key("by key"))
    home.step("going/cell", home.make("by step", 1).sha256)
    home.step("done/cell", home.make("by a step that is over", 2).sha256)

    everything = plan(home, unfinished=("going",))
    assert names(everything.remove) == ["by a step that is over", "first", "second", "last"]
    assert sorted(names(everything.needed)) == ["by file", "by key", "by step"]
    assert names(everything.recent) == ["recent"]

    size_bytes = sum(each.size_bytes for each in holdings(home.store, home.root / "records").files)
    part = plan(home, size_bytes - len("by a step that is over") - 1, unfinished=("going",))
    assert names(part.remove) == ["by a step that is over", "first"]
    assert names(part.spared) == ["second", "last"]

    assert freed(part, home.store) == []
    assert not home.served("first")
    assert all(map(home.served, ("second", "last", "recent", "by file", "by key", "by step")))
    assert plan(home, size_bytes, unfinished=("going",)).remove == ()


def test_a_lookup_is_a_use_unless_nothing_is_to_be_done_with_it(home: Home) -> None:
    home.make("old", 10)
    home.store.lookup("export", home.key("old"), using=False)
    assert names(plan(home).remove) == ["old"]
    assert home.store.lookup("export", home.key("old")) is not None
    assert names(plan(home).recent) == ["old"]


def test_what_is_used_or_at_work_after_the_plan_stays(home: Home) -> None:
    for content in ("used", "locked", "made anew", "vanished", "idle"):
        home.make(content, 10)
    made = plan(home)
    home.store.lookup("export", home.key("used"))
    home.make("made anew", 20)
    home.store.path(home.make("vanished", 10)).unlink()
    with FileLock(home.store.lock_path("export", home.key("locked"))):
        kept = freed(made, home.store)
    assert sorted((each.path.read_text(), reason) for each, reason in kept) == [
        ("locked", "a stage is at work on it"),
        ("made anew", "it was used meanwhile"),
        ("used", "it was used meanwhile"),
    ]
    assert all(map(home.served, ("used", "locked", "made anew")))
    assert not home.served("idle")
    assert sorted(path.suffix for path in (home.root / "store" / "keys").rglob("*.*")) == [".json"] * 3


def test_a_file_of_two_keys_is_given_up_by_both_or_by_none(home: Home) -> None:
    home.make("shared", 10)
    home.make("shared", 10, stage="simplify")
    made = plan(home)
    home.store.lookup("simplify", home.key("shared"))
    ((_, reason),) = freed(made, home.store)
    assert reason == "it was used meanwhile"
    assert home.served("shared")
    assert home.served("shared", "simplify")


@pytest.mark.parametrize("at", [1, 2])
def test_an_interrupted_collection_leaves_a_consistent_store(
    home: Home, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = [home.make(content, 10) for content in ("one", "two")]
    made, calls, unlink = plan(home), [], Path.unlink

    def interrupted(path: Path, missing_ok: bool = False) -> None:
        if path.suffix != ".lock":
            calls.append(path)
            if len(calls) == at:
                raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        freed(made, home.store)
    monkeypatch.undo()
    for content, artifact in zip(("one", "two"), artifacts, strict=True):
        assert not home.served(content) or home.store.intact(artifact)
    assert sum(map(home.served, ("one", "two"))) == 1
    monkeypatch.setattr("psutil.pid_exists", lambda _: False)
    again = plan(home, before_s=float("inf"))
    assert freed(again, home.store) == []
    assert [path for path in (home.root / "store").rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_what_kills_left_goes_and_what_runs_or_can_be_gone_on_with_stays(home: Home) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone = home.leave(f"work/stage-{int(dead.stdout)}-abc_1", 10)
    runs = home.leave(f"work/stage-{os.getpid()}-abc_1", 10)
    recent = home.leave(f"work/stage-{int(dead.stdout)}-xyz", 1000)
    needed, idle, locked = (home.leave(f"unfinished/evaluate-{digit * 32}", 10) for digit in "abc")
    home.record("sweep/cell", "a" * 64)
    with FileLock(home.store.lock_path("evaluate", "c" * 64)):
        kept = freed(plan(home), home.store)
    assert [each.path for each, _ in kept] == [locked]
    assert [path.exists() for path in (gone, idle)] == [False, False]
    assert all((path / "half").exists() for path in (runs, recent, needed, locked))


def test_keys_whose_files_are_gone_are_tidied_unless_they_are_made_again(home: Home) -> None:
    for content in ("gone", "made again", "there"):
        artifact = home.make(content, 10)
        if content != "there":
            home.store.path(artifact).unlink()
    held = holdings(home.store, home.root / "records")
    assert {key.path for key in held.dangling} == {home.key_path("gone"), home.key_path("made again")}
    home.make("made again", 20)
    assert tidied(held, home.store) == 1
    assert [path.exists() for path in map(home.key_path, ("gone", "made again", "there"))] == [False, True, True]


@pytest.mark.parametrize("damage", ["cut short", "a folder", "a link to nowhere", "records elsewhere", "unlisted"])
def test_a_record_that_cannot_be_read_keeps_everything(
    home: Home, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.make("precious", 10)
    path = home.record("sweep/cell")
    content = path.read_text()
    path.unlink()
    if damage == "cut short":
        path.write_text(content[:-1])
    elif damage == "a folder":
        path.mkdir()
    elif damage == "a link to nowhere":
        path.symlink_to("nowhere")
    elif damage == "records elsewhere":
        path = home.root / "records" / "archive"
        path.symlink_to("/not/mounted")
    else:
        scandir, path = os.scandir, path.parent

        def refusing(folder: str):
            if folder == str(path):
                raise PermissionError(13, "Permission denied")
            return scandir(folder)

        monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(HarnessError, match="nothing is freed") as refused:
        plan(home)
    assert str(refused.value).startswith(f"{path} cannot be read (")
    assert "\n" not in str(refused.value)
    assert home.served("precious")


_MAKER = """
import sys, types
from pathlib import Path
from harness.stages import execute as execution
from harness.stages.request import Request

def run(request, inputs, folder):
    print("makes it", flush=True)
    sys.stdin.readline()
    (folder / "made.bin").write_bytes(b"x" * 1000)
    return {"exported": folder / "made.bin"}, {"by": int(sys.argv[2])}

execution.stage_module = lambda stage: types.SimpleNamespace(run=run)
print("asks", flush=True)
request = Request.__new__(Request)
for name, value in {"stage": "export", "key": "k" * 64, "store": Path(sys.argv[1]), "inputs": {}}.items():
    object.__setattr__(request, name, value)
result = execution.execute(request)
print(result.outcome.status, result.info["by"], result.artifacts["exported"].size_bytes, flush=True)
"""


def test_two_processes_that_make_the_same_artifact_make_it_once(tmp_path: Path) -> None:
    def start(number: int) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", _MAKER, str(tmp_path), str(number)]
        known = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=known)

    first = start(1)
    assert [first.stdout.readline() for _ in range(2)] == ["asks\n", "makes it\n"]
    second = start(2)
    assert second.stdout.readline() == "asks\n"
    assert first.communicate("go\n", timeout=60)[0] == "ok 1 1000\n"
    assert second.communicate("go\n", timeout=60)[0] == "ok 1 1000\n"


def test_the_size_of_what_is_planned_is_what_is_freed(home: Home) -> None:
    home.make("four", 10)
    home.leave("unfinished/evaluate-" + "d" * 32, 10)
    made = plan(home)
    assert collect.total_bytes(made.remove) == holdings(home.store, home.root / "records").size_bytes == 9
    freed(made, home.store)
    assert holdings(home.store, home.root / "records").size_bytes == 0
