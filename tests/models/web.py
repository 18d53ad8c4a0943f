"""A web server on this machine that sends one file, as well or as badly as a test wants."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "network_20210526-abcd.pth"


@dataclass
class Site:
    """What the server has and does; each request takes the next of ``drops`` and ``statuses``, where there is one.

    ``drops`` are numbers of body bytes after which the connection is cut, None for none. A request that is to stall
    sends half and waits for ``go_on``. ``requests`` are the headers of what was asked for.
    """

    content: bytes
    etag: str | None = '"first"'
    last_modified: str | None = None
    ranges: bool = True
    honest_ranges: bool = True
    announces_length: bool = True
    statuses: list[int] = field(default_factory=list)
    drops: list[int | None] = field(default_factory=list)
    stalls: int = 0
    redirects: int = 0
    port: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    half_sent: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/swin/{NAME}"

    @property
    def asked_ranges(self) -> list[str | None]:
        return [each.get("range") for each in self.requests]


def _headers(site: Site) -> dict[str, str]:
    marks = {"ETag": site.etag, "Last-Modified": site.last_modified}
    return {name: value for name, value in marks.items() if value}


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        site = self.site
        site.requests.append({name.lower(): value for name, value in self.headers.items()})
        if site.redirects:
            site.redirects -= 1
            self._answer(302, {"Location": f"/elsewhere/{NAME}", "Content-Length": "0"})
            return
        status = site.statuses.pop(0) if site.statuses else 200
        if status != 200:
            self._answer(status, {"Content-Length": "0"})
            return
        start = self._wanted_start()
        if start is not None and start >= len(site.content):
            self._answer(416, {"Content-Range": f"bytes */{len(site.content)}", "Content-Length": "0"})
            return
        headers = _headers(site)
        first = 0
        if start is not None:
            first = start if site.honest_ranges else 0
            headers["Content-Range"] = f"bytes {first}-{len(site.content) - 1}/{len(site.content)}"
        body = site.content[first:]
        if site.announces_length:
            headers["Content-Length"] = str(len(body))
        self._answer(200 if start is None else 206, headers)
        self._send(body)

    def _wanted_start(self) -> int | None:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not self.site.ranges or match is None:
            return None
        return int(match[1]) if condition in {None, self.site.etag, self.site.last_modified} else None

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes) -> None:
        site = self.site
        if site.stalls:
            site.stalls -= 1
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            site.half_sent.set()
            site.go_on.wait(30)
            body = body[len(body) // 2 :]
        cut = site.drops.pop(0) if site.drops else None
        try:
            self.wfile.write(body if cut is None else body[:cut])
        except OSError:
            self.close_connection = True


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve ``site`` on a free port of 127.0.0.1 until the end of the block."""
    handler = type("Handler", (_Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.go_on.set()
            server.shutdown()
            thread.join()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses: it is taken, but nobody listens."""
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
