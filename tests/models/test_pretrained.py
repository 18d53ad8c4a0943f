"""Which checkpoint a model gets: its own, the published one, or none with a note; each way to fail in one line."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

from harness.config.model import InputSettings, ModelSettings, PretrainedSettings
from harness.errors import ConfigError
from harness.models.connect import Network
from harness.models.download_bar import download_bar
from harness.models.pretrained import Resolved, cache_dir, resolve
from tests.models.web import NAME, Site, closed_port, serving

CONTENT = b"not really weights" * 500
PREFIX = hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def model(weights="auto", *, url=None, prefix=PREFIX, checkpoint=None, name="swin98") -> ModelSettings:
    return ModelSettings(
        name=name,
        kind="upernet_swin",
        task="segmentation",
        inputs=(InputSettings(name="input", shape=(1, 3, 64, 64)),),
        weights=weights,
        pretrained=None if url is None else PretrainedSettings(url=url, sha256_prefix=prefix),
        checkpoint=checkpoint,
    )


def quick(**given) -> Network:
    return Network(**{"auto_patience_s": 5, "patience_s": 5, "stall_s": 5, **given})


def resolved(settings, cache, *, network=None, lines=None) -> Resolved:
    report = (lambda _: None) if lines is None else lines.append
    return resolve(settings, cache, report=report, network=network or quick())


def refusal(settings, cache, **given) -> str:
    with pytest.raises(ConfigError) as caught:
        resolved(settings, cache, **given)
    line = str(caught.value)
    assert "\n" not in line
    return line


def beside(cache: Path) -> set[str]:
    """What lies in the cache, without lock files: whether one stays behind is the lock's business."""
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"}


# The user's own file


def test_own_file_wins_over_the_published_one(tmp_path, monkeypatch):
    (tmp_path / "mine.pth").write_bytes(b"anything")
    monkeypatch.chdir(tmp_path)
    for weights in ("auto", "pretrained"):
        found = resolved(model(weights, url="http://127.0.0.1:9/never-asked.pth", checkpoint="mine.pth"), tmp_path)
        assert found == Resolved(tmp_path / "mine.pth", None)


def test_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.pth").write_bytes(b"anything")
    assert resolved(model(checkpoint="~/mine.pth"), tmp_path).checkpoint == tmp_path / "mine.pth"


def test_random_weights_and_a_checkpoint_contradict_each_other(tmp_path):
    line = refusal(model("random", checkpoint="mine.pth"), tmp_path)
    assert line == "model.checkpoint=mine.pth: model.weights=random wants no checkpoint; leave one of the two out"


def test_missing_file_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = refusal(model(checkpoint="w/mine.pth"), tmp_path)
    assert line.startswith(f"model.checkpoint=w/mine.pth: no such file (looked for {tmp_path}/w/mine.pth); give ")


def test_folder_and_empty_file_are_told_apart(tmp_path):
    empty = tmp_path / "empty.pth"
    empty.touch()
    assert refusal(model(checkpoint=str(tmp_path)), tmp_path).startswith(
        f"model.checkpoint={tmp_path}: a folder; give "
    )
    assert refusal(model(checkpoint=str(empty)), tmp_path).startswith(f"model.checkpoint={empty}: an empty file; ")
    assert refusal(model(checkpoint=""), tmp_path).startswith("model.checkpoint is empty; ")


@pytest.mark.parametrize("given", ["a\0b", "mine.pth/inside", "x" * 300])
def test_path_that_cannot_exist_is_refused_in_one_line(tmp_path, monkeypatch, given):
    (tmp_path / "mine.pth").write_bytes(b"anything")
    monkeypatch.chdir(tmp_path)
    assert refusal(model(checkpoint=given), tmp_path).startswith("model.checkpoint=")


# Nothing to download


def test_random_weights_need_no_note(tmp_path):
    assert resolved(model("random", url="http://127.0.0.1:9/never-asked.pth"), tmp_path) == Resolved(None, None)


def test_model_without_published_weights_says_so(tmp_path):
    found = resolved(model(name="mine"), tmp_path)
    assert found == Resolved(None, "no trained weights: none are published for mine; seeded random weights instead")
    line = refusal(model("pretrained", name="mine"), tmp_path)
    assert line.startswith("model.weights=pretrained: no published checkpoint of mine is known; give model.checkpoint=")


def test_cache_folder_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HARNESS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert cache_dir() == tmp_path / ".cache/npu-harness/checkpoints"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg/npu-harness/checkpoints"
    monkeypatch.setenv("HARNESS_CACHE", "~/weights")
    assert cache_dir() == tmp_path / "weights"


# The published file


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host/net.pth", "https://host/", "https://host", "https://host/..", "https://host/a/.b", "net.pth"),
        *("package:", "package:../net.pth", "package:a/b.pth", "package:.b"),
    ],
)
def test_address_without_a_plain_file_name_is_refused(url):
    with pytest.raises(ValidationError, match="an http or https address that ends in a file name"):
        PretrainedSettings(url=url, sha256_prefix=PREFIX)


@pytest.mark.parametrize("weights", ["auto", "pretrained"])
def test_published_file_is_downloaded_once_and_then_found(tmp_path, weights):
    lines: list[str] = []
    cache = tmp_path / "new" / "cache"
    with serving(Site(CONTENT)) as site:
        first = resolved(model(weights, url=site.url), cache, lines=lines)
        second = resolved(model(weights, url=site.url), cache)
    assert first == second == Resolved(cache / NAME, None)
    assert first.checkpoint.read_bytes() == CONTENT
    assert len(site.requests) == 1
    assert lines[0].startswith(f"downloading {NAME} from 127.0.0.1:{site.port} ")
    assert lines[-1] == f"downloaded {NAME}; its SHA-256 begins with {PREFIX}, as it should"
    assert beside(cache) == {NAME, f"{NAME}.verified"}


def test_progress_is_a_line_for_each_tenth(tmp_path):
    lines: list[str] = []
    content = bytes(4_000_000)
    with serving(Site(content)) as site:
        resolved(model(url=site.url, prefix=hashlib.sha256(content).hexdigest()), tmp_path, lines=lines)
    shown = [line.removeprefix(f"{NAME}: ") for line in lines[1:-1]]
    assert shown == sorted(set(shown))
    assert set(shown) <= {f"{tenth}0 % of 4 MB" for tenth in range(1, 10)}
    assert len(shown) >= 5


def test_progress_is_a_bar_in_a_terminal_and_nothing_elsewhere(tmp_path):
    with (tmp_path / "log").open("w") as log, download_bar(Console(file=log)) as progress:
        assert progress is None
    with (tmp_path / "screen").open("w") as screen:
        console = Console(file=screen, force_terminal=True, width=200)
        with serving(Site(CONTENT)) as site, download_bar(console) as progress:
            settings = model(url=site.url)
            resolve(settings, tmp_path / "cache", report=console.print, network=quick(), progress=progress)
    shown = (tmp_path / "screen").read_text()
    assert NAME in shown
    assert "9.0/9.0 kB" in shown


def test_file_put_into_the_cache_by_hand_is_used_without_a_network(tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT)
    with closed_port() as port:
        settings = model("pretrained", url=f"http://127.0.0.1:{port}/{NAME}")
        assert resolved(settings, tmp_path) == Resolved(tmp_path / NAME, None)


def test_file_without_a_published_hash_is_taken_and_its_hash_is_told(tmp_path):
    lines: list[str] = []
    with serving(Site(CONTENT)) as site:
        found = resolved(model("pretrained", url=site.url, prefix=None), tmp_path, lines=lines)
    assert found.checkpoint.read_bytes() == CONTENT
    assert lines[-1].endswith(f"its SHA-256 is {hashlib.sha256(CONTENT).hexdigest()}; none is published to compare")


def test_query_of_an_address_is_no_part_of_the_file_name(tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT)
    with closed_port() as port:
        settings = model("pretrained", url=f"http://127.0.0.1:{port}/{NAME}?download=1")
        assert resolved(settings, tmp_path).checkpoint == tmp_path / NAME


def test_known_file_is_not_read_again(tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT)
    settings = model("pretrained", url=f"http://127.0.0.1:9/{NAME}")
    resolved(settings, tmp_path)
    (tmp_path / NAME).chmod(0o444)
    resolved(settings, tmp_path)
    memo = (tmp_path / f"{NAME}.verified").read_text()
    (tmp_path / f"{NAME}.verified").write_text(memo.replace(PREFIX, "0badc0de"))
    with closed_port() as port:
        line = refusal(model("pretrained", url=f"http://127.0.0.1:{port}/{NAME}"), tmp_path)
    assert "begins with 0badc0de instead of" in line


@pytest.mark.parametrize("kept_times", [False, True])
def test_damaged_file_in_the_cache_is_noticed_and_fetched_again(tmp_path, kept_times):
    lines: list[str] = []
    with serving(Site(CONTENT)) as site:
        settings = model(url=site.url)
        resolved(settings, tmp_path)
        before = (tmp_path / NAME).stat()
        (tmp_path / NAME).write_bytes(b"X" + CONTENT[1:])
        if kept_times:
            os.utime(tmp_path / NAME, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert resolved(settings, tmp_path, lines=lines) == Resolved(tmp_path / NAME, None)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert (tmp_path / f"{NAME}.bad").read_bytes() == b"X" + CONTENT[1:]
    found = hashlib.sha256(b"X" + CONTENT[1:]).hexdigest()[:8]
    assert lines[0].startswith(f"the cached {NAME} has a SHA-256 that begins with {found} instead of {PREFIX} and ")


def test_damaged_file_without_a_network_is_explained(tmp_path):
    (tmp_path / NAME).write_bytes(b"damaged")
    with closed_port() as port:
        found = resolved(model(url=f"http://127.0.0.1:{port}/{NAME}"), tmp_path)
    assert found.checkpoint is None
    assert f"instead of {PREFIX} and was moved aside as {NAME}.bad; cannot reach 127.0.0.1:{port}" in found.note
    assert not (tmp_path / NAME).exists()


def test_wrong_hash_is_named_with_the_right_one_and_never_used(tmp_path):
    with serving(Site(b"<html>please log in</html>")) as site:
        found = hashlib.sha256(site.content).hexdigest()[:8]
        line = refusal(model("pretrained", url=site.url), tmp_path)
        note = resolved(model("auto", url=site.url), tmp_path).note
    why = f"the file that 127.0.0.1:{site.port} sends has a SHA-256 that begins with {found} instead of {PREFIX}"
    assert line == (
        f"model.weights=pretrained: {why}; download {site.url} by hand into {tmp_path}, or give model.checkpoint=FILE"
    )
    assert note == f"no trained weights: {why}; seeded random weights instead"
    assert beside(tmp_path) == {f"{NAME}.bad"}


def test_pieces_that_do_not_fit_together_are_fetched_again_as_a_whole(tmp_path):
    lines: list[str] = []
    with serving(Site(b"old" * 3000, etag=None, drops=[5000, 0, 0, 0])) as site:
        resolved(model(url=site.url), tmp_path)
        site.drops.clear()
        site.content = CONTENT
        found = resolved(model(url=site.url), tmp_path, lines=lines)
    assert found.checkpoint.read_bytes() == CONTENT
    assert site.asked_ranges[-2:] == ["bytes=5000-", None]
    assert any("in pieces" in line for line in lines)


def test_download_that_breaks_off_is_continued_by_the_next_sweep(tmp_path):
    with serving(Site(CONTENT, drops=[4000, 0, 0, 0])) as site:
        line = refusal(model("pretrained", url=site.url), tmp_path)
        site.drops.clear()
        found = resolved(model("pretrained", url=site.url), tmp_path)
    assert f"broke off after 4000 of {len(CONTENT)} bytes" in line
    assert found.checkpoint.read_bytes() == CONTENT
    assert site.asked_ranges[-1] == "bytes=4000-"


# Without a network


def test_auto_falls_back_and_says_why(tmp_path):
    with closed_port() as port:
        found = resolved(model(url=f"http://127.0.0.1:{port}/{NAME}"), tmp_path)
    why = f"cannot reach 127.0.0.1:{port} (Connection refused)"
    assert found == Resolved(None, f"no trained weights: {why}; seeded random weights instead")


def test_pretrained_without_a_network_says_what_to_do(tmp_path):
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/{NAME}"
        line = refusal(model("pretrained", url=url), tmp_path)
    why = f"cannot reach 127.0.0.1:{port} (Connection refused)"
    assert (
        line
        == f"model.weights=pretrained: {why}; download {url} by hand into {tmp_path}, or give model.checkpoint=FILE"
    )


def test_network_is_tried_once_a_sweep(tmp_path, monkeypatch):
    import socket

    looked, released, looked_up = threading.Event(), threading.Event(), []

    def hanging(name, *_args, **_kwargs):
        looked_up.append(name)
        looked.set()
        released.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    network = quick(auto_patience_s=0.05)
    lines: list[str] = []
    notes = [
        resolved(model(url=f"http://weights.invalid/{number}.pth"), tmp_path, network=network, lines=lines).note
        for number in range(3)
    ]
    assert looked.wait(30)
    released.set()
    assert looked_up == ["weights.invalid"]
    assert len(lines) == 1
    why = "no answer from weights.invalid within 0.05 s"
    assert set(notes) == {f"no trained weights: {why}; seeded random weights instead"}


def test_failed_try_does_not_keep_cached_files_from_being_used(tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT)
    network = quick(failure="no answer from anywhere")
    assert resolved(model(url=f"http://127.0.0.1:9/{NAME}"), tmp_path, network=network).checkpoint == tmp_path / NAME


def test_file_that_one_server_lacks_does_not_stop_the_others(tmp_path):
    network = quick()
    with serving(Site(CONTENT, statuses=[404])) as site:
        note = resolved(model(url=site.url), tmp_path, network=network).note
        found = resolved(model(url=site.url), tmp_path, network=network)
    assert f"127.0.0.1:{site.port} answers 404 Not Found" in note
    assert found.checkpoint == tmp_path / NAME


# The file that travels with the package


def shipped(folder, monkeypatch, weights="auto") -> ModelSettings:
    monkeypatch.setattr("harness.models.pretrained.SHIPPED", folder)
    return model(weights, url=f"package:{NAME}")


@pytest.mark.parametrize("weights", ["auto", "pretrained"])
def test_shipped_file_is_used_where_it_lies(tmp_path, monkeypatch, weights):
    (tmp_path / NAME).write_bytes(CONTENT)
    settings = shipped(tmp_path, monkeypatch, weights)
    assert resolved(settings, tmp_path / "cache", lines=[]) == Resolved(tmp_path / NAME)
    assert beside(tmp_path) == {NAME}


@pytest.mark.parametrize("content", [b"damaged", None])
def test_damaged_or_missing_shipped_file_is_never_used_and_stays_where_it_is(tmp_path, monkeypatch, content):
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    before = beside(tmp_path)
    found = resolved(shipped(tmp_path, monkeypatch), tmp_path / "cache")
    why = f"begins with {hashlib.sha256(content).hexdigest()[:8]} instead of {PREFIX}" if content else "No such file"
    assert found.checkpoint is None
    assert found.note.startswith("no trained weights: ")
    assert why in found.note
    line = refusal(shipped(tmp_path, monkeypatch, "pretrained"), tmp_path / "cache")
    assert why in line
    assert line.endswith("; install the package again, or give model.checkpoint=FILE")
    assert beside(tmp_path) == before


# A cache that cannot be used


def test_cache_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "cache").write_text("")
    found = resolved(model(url=f"http://127.0.0.1:9/{NAME}"), tmp_path / "cache")
    assert found.note.startswith(f"no trained weights: cannot use {tmp_path}/cache")


def test_folder_in_place_of_the_file_is_explained(tmp_path):
    (tmp_path / NAME).mkdir()
    line = refusal(model("pretrained", url=f"http://127.0.0.1:9/{NAME}"), tmp_path)
    assert line.startswith(f"model.weights=pretrained: cannot use {tmp_path}/{NAME} (Is a directory); ")


# Several processes

SCRIPT = """
import sys
from pathlib import Path
from harness.models.connect import Network
from harness.models.pretrained import resolve
from tests.models.test_pretrained import model
url, cache, prefix = sys.argv[1:]
say = lambda line: print(line, flush=True)
found = resolve(model(url=url, prefix=prefix), Path(cache), report=say, network=Network(30, 30, 30))
say(found.checkpoint)
"""


def process(site: Site, cache: Path) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, site.url, str(cache), hashlib.sha256(site.content).hexdigest()],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_download_once(tmp_path):
    with serving(Site(CONTENT, stalls=1)) as site, process(site, tmp_path) as first:
        assert site.half_sent.wait(30)
        with process(site, tmp_path) as second:
            assert second.stdout.readline() == f"another process is downloading {NAME}: waiting for it\n"
            site.go_on.set()
            assert second.stdout.read() == f"{tmp_path / NAME}\n"
        assert first.stdout.read().endswith(f"{tmp_path / NAME}\n")
    assert len(site.requests) == 1


def test_killed_download_is_continued_by_another_process(tmp_path):
    content = bytes(range(250)) * 16_000
    with serving(Site(content, stalls=1)) as site:
        with process(site, tmp_path) as first:
            assert any(line == f"{NAME}: 50 % of 4 MB\n" for line in iter(first.stdout.readline, ""))
            first.kill()
        site.go_on.set()
        settings = model(url=site.url, prefix=hashlib.sha256(content).hexdigest())
        assert resolved(settings, tmp_path).checkpoint.read_bytes() == content
    _, second = site.asked_ranges
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 1_900_000


def test_process_that_holds_the_lock_without_downloading_is_not_waited_for_endlessly(tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / f"{NAME}.lock"):
        found = resolved(model(url=f"http://127.0.0.1:9/{NAME}"), tmp_path, network=quick(patience_s=0, stall_s=0.05))
    assert found.note.startswith(
        f"no trained weights: another process holds {tmp_path / NAME}.lock and downloads nothing"
    )


def test_importing_it_is_cheap():
    heavy = {"torch", "mlflow", "onnx", "requests"}
    code = f"import sys, harness.models.pretrained; print(sorted({heavy} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
