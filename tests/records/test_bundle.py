"""A bundle carries a sweep's records to another machine, whole and without secrets; what was changed is refused."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.commands import bundle as command
from harness.commands import compare, gate, report
from harness.errors import HarnessError
from harness.files import sha256_file
from harness.records import bundle_read, bundle_write
from harness.records.bundle_index import INDEX, READABLE, name_problem
from harness.records.bundle_read import unpacked, verify
from harness.records.bundle_write import pack
from harness.records.io import record_folder
from harness.records.places import found_below
from harness.records.schema import READABLE_VERSIONS
from harness.report.query import load
from harness.report.rows import Row
from harness.sweep.folder import MANIFEST_FILE, sweep_folder
from harness.sweep.manifest import write_manifest
from tests.report.folders import keep, measured
from tests.sweep import plans

SWEEP = "20260101-000000-a"
PREFIX = f"records/{SWEEP}/swin98-cpu-fp32-bs1"
VERSIONS = Path(__file__).parent / "versions"
Change = Callable[[list[tuple[zipfile.ZipInfo, bytes]], dict[str, Any]], None]


def a_home(home: Path) -> Path:
    """A sweep of two cells with logs and samples, and beside them what no bundle holds."""
    for batchsize in (1, 2):
        folder = keep(measured(batchsize), home)
        (folder / "logs").mkdir()
        (folder / "logs" / "measure-01.log").write_text("warming up\n" * 50)
        (folder / "repeats").mkdir()
        for number in (1, 2, 3):
            (folder / "repeats" / f"round-0{number}.npz").write_bytes(bytes(range(256)) * number)
        (folder / "steps").mkdir()
        (folder / "steps" / "export.request.json").write_text('{"settings": "request"}')
        (folder / "record.json.7.partial").write_text("half")
    own = sweep_folder(home, SWEEP)
    write_manifest(plans.manifest(plans.cell(0, "bs1")), own / MANIFEST_FILE)
    for name in ("table.md", "sweep.log", "lock", "unfinished", "net.onnx", "manifest.secrets"):
        (own / name).write_text("[]\n")
    (home / "noise_floors.json").write_text("[]")
    (home / "mlflow.db").write_text("not this")
    return home


def packed(folder: Path, name: str = "sweep.zip") -> Path:
    return pack(a_home(folder / "home"), SWEEP, folder / name, created="2026-01-01T00:00:00+00:00").path


@functools.cache
def small() -> bytes:
    """A bundle of one record, for many small changes."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        keep(measured(1), home)
        return pack(home, SWEEP, home / "small.zip", created="now").path.read_bytes()


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(source: Path, target: Path, change: Change) -> Path:
    """The bundle written again after ``change`` had its members and its index."""
    with zipfile.ZipFile(source) as archive:
        found = [(entry, archive.read(entry)) for entry in archive.infolist() if entry.filename != INDEX]
        index = json.loads(archive.read(INDEX))
    change(found, index)
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for entry, content in [*found, (zipfile.ZipInfo(INDEX), json.dumps(index).encode())]:
            archive.writestr(entry, content)
    return target


def rows(*places: Path) -> tuple[Row, ...]:
    return load(found for place in places for found in found_below(place)).rows


def test_a_bundle_holds_what_the_home_knows_of_a_sweep_and_nothing_else(tmp_path: Path) -> None:
    bundle = packed(tmp_path)
    inside = members(bundle)
    home = tmp_path / "home"
    assert set(inside) == {
        INDEX,
        "noise_floors.json",
        *(f"sweeps/{SWEEP}/{name}" for name in ("manifest.json", "sweep.log", "table.md")),
        *(
            f"records/{SWEEP}/swin98-cpu-fp32-bs{size}/{name}"
            for size in (1, 2)
            for name in ("record.json", "logs/measure-01.log", *(f"repeats/round-0{n}.npz" for n in (1, 2, 3)))
        ),
    }
    assert all(content == (home / name).read_bytes() for name, content in inside.items() if name != INDEX)
    index = verify(bundle)
    assert (index.sweep_id, index.created) == (SWEEP, "2026-01-01T00:00:00+00:00")
    before = sha256_file(bundle)
    os.utime(home / PREFIX / "record.json")
    assert pack(home, SWEEP, bundle, created=index.created).sha256 == before  # the same bytes for the same records


def test_a_report_over_a_bundle_is_that_over_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = packed(tmp_path)
    shutil.move(tmp_path / "home", tmp_path / "elsewhere")  # nothing of the bundle's machine is needed
    plain = rows(tmp_path / "elsewhere")
    read = rows(bundle)
    assert [row.rounds for row in read] == [row.rounds for row in plain]
    assert [row.place for row in read] == [f"{bundle}:{SWEEP}/swin98-cpu-fp32-bs{size}" for size in (1, 2)]
    assert all((row.folder / name).is_file() for row in read if row.folder for name in row.files)
    assert len(rows(tmp_path / "elsewhere", bundle)) == 2  # each record once, wherever it is found
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "none"))
    said = []
    for place in (tmp_path / "elsewhere", bundle):
        assert report.main([f"records={place}", "format=markdown"]) == 0
        said.append(capsys.readouterr().out.replace(str(place), "PLACE"))
    assert said[0] == said[1]
    assert gate.main([f"baseline={bundle}", f"sweep={bundle}"]) == 2  # both sides the very same records
    keep(measured(1, 20.0, sweep="20260202-000000-b"), tmp_path / "elsewhere")
    later = [f"baseline={bundle}", "sweep=20260202", f"home={tmp_path / 'elsewhere'}"]
    assert gate.main(later) == 0
    capsys.readouterr()
    assert (
        compare.main([f"{bundle}:swin98-cpu-fp32-bs1", f"{bundle}:{SWEEP[:6]}/swin98-cpu-fp32-bs2", "format=json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)[0]["b"]["cell"] == "swin98-cpu-fp32-bs2"


@pytest.mark.parametrize("version", READABLE_VERSIONS)
def test_records_of_every_version_are_read_from_folder_and_bundle(tmp_path: Path, version: int) -> None:
    content = (VERSIONS / f"version_{version}.json").read_bytes()
    known = json.loads(content)
    folder = record_folder(tmp_path, known["sweep_id"], known["name"])
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(content)
    bundle = pack(tmp_path, known["sweep_id"], tmp_path / "old.zip", created="then").path
    (from_folder,), (from_bundle,) = rows(tmp_path), rows(bundle)
    assert from_folder.rounds == from_bundle.rounds
    assert from_bundle.rounds["compute"] == {1: 10.0, 2: pytest.approx(9.756, abs=1e-3), 3: pytest.approx(10.256, 1e-3)}
    assert members(bundle)[f"records/{known['sweep_id']}/{known['name']}/record.json"] == content


def test_no_secret_of_a_sweep_is_in_its_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, token = a_home(tmp_path / "home"), "dapi0123456789"
    uri = f"https://bench:{token}@mlflow.example.com"
    cell = plans.cell(0, "bs1")
    tracked = plans.manifest(cell)
    object.__setattr__(cell.settings.tracking, "uri", uri)
    (sweep_folder(home, SWEEP) / "manifest.secrets").unlink()
    write_manifest(tracked, sweep_folder(home, SWEEP) / MANIFEST_FILE)
    log = home / PREFIX / "logs" / "measure-01.log"
    log.write_text(f"connected to {uri}\nfrom the environment: hf_abcdefghij\n")  # as an old harness left it
    record = home / PREFIX / "record.json"
    content = json.loads(record.read_text())
    content["settings"]["tracking"] = {"uri": uri}
    record.write_text(json.dumps(content))
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghij")
    monkeypatch.chdir(tmp_path)
    assert command.main([SWEEP, f"home={home}"]) == 0
    inside = members(tmp_path / f"{SWEEP}.zip")
    assert not any(secret in content for content in inside.values() for secret in (token.encode(), b"hf_abcdefghij"))
    assert inside[f"{PREFIX}/logs/measure-01.log"].startswith(b"connected to https://bench:***@mlflow.example.com\n")
    assert (
        json.loads(inside[f"{PREFIX}/record.json"])["settings"]["tracking"]["uri"]
        == "https://bench:***@mlflow.example.com"
    )


def _renamed(name: str) -> Change:
    """A member of another name, of which the index knows."""

    def change(found: list[tuple[zipfile.ZipInfo, bytes]], index: dict[str, Any]) -> None:
        old = found[0][0].filename
        entry = zipfile.ZipInfo("x")
        entry.filename = entry.orig_filename = name
        found[0] = (entry, found[0][1])
        next(each for each in index["members"] if each["path"] == old)["path"] = name

    return change


def _kind(mode: int) -> Change:
    def change(found: list[tuple[zipfile.ZipInfo, bytes]], _: dict[str, Any]) -> None:
        found[0][0].external_attr = mode << 16

    return change


def _added(name: str) -> Change:
    return lambda found, _: found.append((zipfile.ZipInfo(name), b"more"))


def _indexed(key: str, value: Any, first: bool = True) -> Change:
    def change(_: list[tuple[zipfile.ZipInfo, bytes]], index: dict[str, Any]) -> None:
        (index["members"][0] if first else index)[key] = value

    return change


FIRST = f"{PREFIX}/record.json"
MANIPULATED: dict[str, tuple[Change, str]] = {
    "not in the index": (_added(f"{PREFIX}/extra.log"), f"{PREFIX}/extra.log: is not in the index"),
    "absent": (lambda found, _: found.__delitem__(0), "is in the index but not in the archive"),
    "twice": (lambda found, _: found.append(found[0]), "is there twice"),
    "twice in the index": (lambda _, index: index["members"].append(index["members"][0]), "is twice in the index"),
    "changed": (lambda found, _: found.__setitem__(0, (found[0][0], b"x" * len(found[0][1]))), "SHA-256 is not that"),
    "longer": (lambda found, _: found.__setitem__(0, (found[0][0], found[0][1] + b"x")), "bytes, the index says"),
    "size": (_indexed("size_bytes", 1), "bytes, the index says 1"),
    "hash": (_indexed("sha256", "0" * 64), "SHA-256 is not that of the index"),
    "no hash": (_indexed("sha256", "none"), "index.json: damaged at members.0.sha256"),
    "version": (_indexed("version", 9, first=False), f"version 9, but this harness reads {READABLE[-1]}; upgrade"),
    "format": (_indexed("format", "zip", first=False), "not that of a bundle"),
    "sweep": (_indexed("sweep_id", "../..", first=False), "is no sweep's id"),
    "link": (_kind(stat.S_IFLNK | 0o777), "a symbolic link"),
    "device": (_kind(stat.S_IFCHR), "no ordinary file"),
    "absolute": (_renamed("/etc/passwd"), "/etc/passwd: an absolute name"),
    "up": (_renamed(f"records/{SWEEP}/../../../x"), "a name that may leave its folder"),
    "backslash": (_renamed("records\\..\\x"), "a backslash in its name"),
    "drive": (_renamed("C:/x"), "a colon in its name"),
    "control": (_renamed(f"records/{SWEEP}/a\x1b[2Jb"), "a\\x1b[2Jb: control characters"),
    "a store": (_renamed("mlflow.db"), f"mlflow.db: not a file of the sweep {SWEEP}"),
    "another sweep": (_renamed("records/other/a/record.json"), "not a file of the sweep"),
    "below a file": (_renamed(f"{PREFIX}/repeats"), "cannot be unpacked"),
}  # fmt: skip


@pytest.mark.parametrize("what", MANIPULATED)
def test_a_manipulated_bundle_is_refused_by_member_and_reason(tmp_path: Path, what: str) -> None:
    change, words = MANIPULATED[what]
    bundle = forged(packed(tmp_path), tmp_path / "forged.zip", change)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(HarnessError) as caught:
        unpacked(bundle)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{bundle}: refused: ")
    assert str(caught.value).isprintable()
    assert set(tmp_path.rglob("*")) == before


def test_what_is_no_bundle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = small()
    locked = bytearray(whole)
    central = whole.index(b"PK\x01\x02")
    locked[central + 8] |= 1
    cases = {
        "hello": "no zip archive",
        "": "no zip archive",
        whole[: len(whole) // 2]: "cut short or damaged",
        whole[:-1]: "cut short or damaged",
        b"#!/bin/sh\n" + whole: "something stands before or after",
        bytes(locked): "is encrypted",
    }
    for content, words in cases.items():
        path = tmp_path / "some.zip"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(HarnessError, match=words):
            verify(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(HarnessError, match=r"it has no index\.json"):
        verify(path)
    bomb = forged(packed(tmp_path), tmp_path / "bomb.zip", lambda found, index: None)
    monkeypatch.setattr(bundle_read, "RATIO_FREE_BYTES", 0)
    monkeypatch.setattr(bundle_read, "RATIO", 1)
    with pytest.raises(HarnessError, match="as a compression bomb does"):
        verify(bomb)


def test_a_member_that_unpacks_to_more_than_it_says_is_stopped(tmp_path: Path) -> None:
    """Both sizes of the zip and the index say 10 bytes; a reader that trusts none of them reads 100 MB."""
    source, target = packed(tmp_path), tmp_path / "bomb.zip"

    def change(found: list[tuple[zipfile.ZipInfo, bytes]], index: dict[str, Any]) -> None:
        found[0] = (found[0][0], bytes(100 << 20))
        index["members"][0]["size_bytes"] = 10

    forged(source, target, change)
    content = bytearray(target.read_bytes())
    size = (100 << 20).to_bytes(4, "little")
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = (10).to_bytes(4, "little")
    target.write_bytes(bytes(content))
    with pytest.raises(HarnessError, match=r"noise_floors\.json: (damaged|longer|its SHA)"):
        unpacked(target)


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_byte_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    whole = small()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as name:
        good, bad = Path(name) / "good.zip", Path(name) / "bad.zip"
        good.write_bytes(whole)
        bad.write_bytes(bytes(changed))
        try:
            index = verify(bad)
        except HarnessError:
            return
        assert index == verify(good)
        (row,) = rows(bad)
        assert row.rounds == rows(good)[0].rounds


@given(st.text())
def test_no_name_leaves_its_folder(name: str) -> None:
    if name_problem(name) is None:
        inside = Path("/folder").joinpath(*name.split("/"))
        assert inside.is_relative_to("/folder")
        assert ".." not in inside.parts
    assert name_problem(f"../{name}") is not None
    assert name_problem(f"records/{SWEEP}/x/../../../{name}") is not None


def test_a_full_disk_leaves_the_earlier_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = packed(tmp_path)
    before = bundle.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bundle_write, "index_bytes", full)
    with pytest.raises(HarnessError, match=r"sweep\.zip: not written: .*No space left on device"):
        pack(tmp_path / "home", SWEEP, bundle, created="later")
    assert bundle.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["sweep.zip"]


def test_the_command_says_where_the_bundle_is_and_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path / "home")
    (home / PREFIX / "link").symlink_to("/etc/passwd")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_HOME", str(home))
    assert command.main([]) == 0  # the newest
    said = capsys.readouterr()
    bundle = tmp_path / f"{SWEEP}.zip"
    assert f"bundle  {SWEEP}.zip: 2 records, 14 files" in said.out
    assert f"sha256  {sha256_file(bundle)}" in said.out
    assert f"{PREFIX}/link: no ordinary file" in said.err
    assert command.main([f"check={bundle}"]) == 0
    assert sha256_file(bundle) in capsys.readouterr().out
    bundle.write_bytes(bundle.read_bytes()[:-10])
    assert command.main([f"check={bundle}"]) == 1
    assert "cut short or damaged" in capsys.readouterr().err
    assert report.main([f"records={bundle},{home}", "references=false"]) == 1  # the rest is reported
    said = capsys.readouterr()
    assert "10.0 ±0.2" in said.out
    assert "cut short or damaged" in said.out
    for wrong in (["2020"], [SWEEP[:4], "output=x.tar"], [f"output={home / 'records' / SWEEP}/"], ["a", "b"]):
        assert command.main(wrong) == 2
