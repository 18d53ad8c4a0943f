"""Fetching a file: what arrives is the server's file, or an error in one line; what has come is not fetched twice."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.connect import DownloadError, UnreachableError
from harness.models.download import fetch
from tests.models.web import NAME, Site, closed_port, serving

CONTENT = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def get(site_or_url, folder: Path, *, patience_s: float = 10, stall_s: float = 10, seen=None) -> bool:
    url = site_or_url if isinstance(site_or_url, str) else site_or_url.url
    progress = (lambda *step: None) if seen is None else lambda *step: seen.append(step)
    return fetch(url, folder / f"{NAME}.part", patience_s=patience_s, stall_s=stall_s, progress=progress)


def got(folder: Path) -> bytes:
    return (folder / f"{NAME}.part").read_bytes()


def test_file_arrives_with_progress_up_to_its_size(tmp_path):
    seen = []
    with serving(Site(CONTENT)) as site:
        assert get(site, tmp_path, seen=seen) is False
    assert got(tmp_path) == CONTENT
    assert {name for name, _, _ in seen} == {NAME}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1:] == (len(CONTENT), len(CONTENT))


def test_dropped_connection_goes_on_where_it_stopped(tmp_path):
    with serving(Site(CONTENT, drops=[100, 3000])) as site:
        assert get(site, tmp_path) is True
    assert got(tmp_path) == CONTENT
    assert site.asked_ranges == [None, "bytes=100-", "bytes=3100-"]
    assert site.requests[1]["if-range"] == '"first"'


def test_later_call_goes_on_where_the_first_one_was_stopped(tmp_path):
    with serving(Site(CONTENT, drops=[500, 0, 0, 0, 0, 0])) as site:
        with pytest.raises(DownloadError, match=r"broke off after 500 of 10240 bytes, 3 times in a row$"):
            get(site, tmp_path)
        site.drops.clear()
        get(site, tmp_path)
    assert got(tmp_path) == CONTENT
    assert site.asked_ranges[-1] == "bytes=500-"


def test_server_without_ranges_sends_the_whole_file_again(tmp_path):
    with serving(Site(CONTENT, drops=[100], ranges=False)) as site:
        assert get(site, tmp_path) is False
    assert got(tmp_path) == CONTENT


def test_file_that_changed_on_the_server_is_not_mixed_with_the_old_one(tmp_path):
    with serving(Site(b"old" * 1000, drops=[1500, 0, 0, 0])) as site:
        with pytest.raises(DownloadError):
            get(site, tmp_path)
        site.content, site.etag = CONTENT, '"second"'
        site.drops.clear()
        assert get(site, tmp_path) is False
    assert got(tmp_path) == CONTENT


@pytest.mark.parametrize(
    ("etag", "last_modified", "condition"),
    [
        ('W/"weak"', "Wed, 26 May 2021 19:20:15 GMT", "Wed, 26 May 2021 19:20:15 GMT"),
        ('W/"weak"', None, None),
        (None, None, None),
    ],
)
def test_condition_is_one_that_the_protocol_allows(tmp_path, etag, last_modified, condition):
    with serving(Site(CONTENT, etag=etag, last_modified=last_modified, drops=[100])) as site:
        get(site, tmp_path)
    assert got(tmp_path) == CONTENT
    assert site.requests[1].get("if-range") == condition


def test_part_of_another_address_is_not_continued(tmp_path):
    with serving(Site(b"x" * 5000, drops=[1000, 0, 0, 0])) as other, pytest.raises(DownloadError):
        get(other, tmp_path)
    with serving(Site(CONTENT)) as site:
        get(site, tmp_path)
    assert site.asked_ranges == [None]
    assert got(tmp_path) == CONTENT


def test_part_of_unknown_origin_is_not_continued(tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"?" * 77)
    with serving(Site(CONTENT)) as site:
        get(site, tmp_path)
    assert site.asked_ranges == [None]
    assert got(tmp_path) == CONTENT


def test_server_that_sends_another_range_than_asked_for_is_not_believed(tmp_path):
    with serving(Site(CONTENT, drops=[100], honest_ranges=False)) as site:
        get(site, tmp_path)
    assert got(tmp_path) == CONTENT


def test_complete_part_is_not_fetched_again(tmp_path):
    with serving(Site(CONTENT)) as site:
        get(site, tmp_path)
        get(site, tmp_path)
    assert got(tmp_path) == CONTENT
    assert site.asked_ranges == [None, f"bytes={len(CONTENT)}-"]


def test_part_that_is_longer_than_the_file_is_thrown_away(tmp_path):
    with serving(Site(CONTENT)) as site:
        get(site, tmp_path)
        site.content = CONTENT[:700]
        get(site, tmp_path)
    assert got(tmp_path) == CONTENT[:700]


def test_redirect_is_followed_with_the_range(tmp_path):
    with serving(Site(CONTENT, drops=[100], redirects=1)) as site:
        get(site, tmp_path)
        assert got(tmp_path) == CONTENT
        assert site.asked_ranges == [None, None, "bytes=100-"]


def test_body_of_unknown_length_is_taken_to_its_end(tmp_path):
    seen = []
    with serving(Site(CONTENT, announces_length=False)) as site:
        get(site, tmp_path, seen=seen)
    assert got(tmp_path) == CONTENT
    assert seen[-1][1:] == (len(CONTENT), None)


@pytest.mark.parametrize(
    ("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden"), (503, "503 Service Unavail")]
)
def test_refusal_is_said_at_once(tmp_path, status, words):
    with serving(Site(CONTENT, statuses=[status])) as site, pytest.raises(DownloadError) as caught:
        get(site, tmp_path)
    assert not isinstance(caught.value, UnreachableError)
    assert str(caught.value).startswith(f"127.0.0.1:{site.port} answers {words}")
    assert len(site.requests) == 1


def test_server_that_hides_the_length_in_a_416_is_asked_for_everything(tmp_path):
    with serving(Site(CONTENT)) as site:
        get(site, tmp_path)
        site.statuses = [416]
        get(site, tmp_path)
    assert got(tmp_path) == CONTENT
    assert site.asked_ranges == [None, f"bytes={len(CONTENT)}-", None]


def test_stalled_connection_is_given_up_and_continued(tmp_path):
    with serving(Site(CONTENT, stalls=1)) as site:
        get(site, tmp_path, stall_s=0.05)
    assert got(tmp_path) == CONTENT
    assert site.asked_ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_server_that_stalls_every_time_ends_the_download(tmp_path):
    with (
        serving(Site(CONTENT, stalls=9)) as site,
        pytest.raises(DownloadError, match=r"stopped sending, 3 times in a row$"),
    ):
        get(site, tmp_path, stall_s=0.05)


def test_refused_connection_names_the_server(tmp_path):
    with (
        closed_port() as port,
        pytest.raises(UnreachableError, match=rf"^cannot reach 127\.0\.0\.1:{port} \(Connection refused\)$"),
    ):
        get(f"http://127.0.0.1:{port}/{NAME}", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_name_that_cannot_be_looked_up_names_the_server(tmp_path, monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnreachableError, match=r"^cannot reach weights\.invalid \(Name or service not known\)$"):
        get(f"https://weights.invalid/{NAME}", tmp_path)


def test_name_lookup_that_hangs_does_not_hold_up_the_caller(tmp_path, monkeypatch):
    released = threading.Event()

    def hanging(*_args, **_kwargs):
        released.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    with pytest.raises(UnreachableError, match=r"^no answer from weights\.invalid within 0\.05 s$"):
        get(f"https://weights.invalid/{NAME}", tmp_path, patience_s=0.05)
    released.set()


def test_server_that_accepts_and_says_nothing_does_not_hold_up_the_caller(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnreachableError, match=rf"^no answer from 127\.0\.0\.1:{port} within 0\.05 s$"):
            get(f"http://127.0.0.1:{port}/{NAME}", tmp_path, patience_s=0.05)


def test_what_is_no_web_server_is_unreachable(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(UnreachableError, match=r"^cannot reach .*220 mail ready"):
            get(f"http://127.0.0.1:{server.getsockname()[1]}/{NAME}", tmp_path)
        thread.join()


def test_full_disk_is_noticed_before_the_download(tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000}))
    site = Site(bytes(3_000_000))
    with serving(site), pytest.raises(DownloadError, match=r"has 1 MB free and 3 MB are missing$"):
        get(site, tmp_path)


@settings(max_examples=40, deadline=None)
@given(
    drops=st.lists(st.one_of(st.none(), st.integers(0, len(CONTENT))), max_size=6),
    ranges=st.booleans(),
    honest_ranges=st.booleans(),
    etag=st.sampled_from(['"strong"', 'W/"weak"', None]),
)
def test_whatever_the_connection_does_the_file_is_right_or_the_error_is_one_line(
    tmp_path_factory, drops, ranges, honest_ranges, etag
):
    folder = tmp_path_factory.mktemp("part")
    with serving(Site(CONTENT, drops=drops, ranges=ranges, honest_ranges=honest_ranges, etag=etag)) as site:
        problem = None
        try:
            get(site, folder)
        except DownloadError as error:
            problem = str(error)
    if problem is None:
        assert got(folder) == CONTENT
    else:
        assert re.fullmatch(r".*, 3 times in a row", problem)
