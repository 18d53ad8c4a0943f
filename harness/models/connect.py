"""Asking a web server for a file with bounded patience, and saying in one line why it did not come.

The standard library's client is enough: it follows redirects, honours ``http_proxy``, ``https_proxy`` and ``no_proxy``
and trusts the machine's certificates. Only its patience has to be bounded from outside, as looking up a name cannot be.
"""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from typing import cast
from urllib.parse import urlsplit

from harness import __version__
from harness.errors import HarnessError

RANGE_NOT_SATISFIABLE = 416
ACCEPTED = (200, 206, RANGE_NOT_SATISFIABLE)
BLOCK_BYTES = 1 << 18


class DownloadError(HarnessError):
    """Why a file did not come; without what to do about it, which the caller knows."""


class UnreachableError(DownloadError):
    """No server answered: there is no network, or none that leads there."""


class InterruptedDownloadError(DownloadError):
    """The connection ended or stalled while the body was on its way; what came before is good."""


@dataclass
class Network:
    """How long to wait for the network, and what one sweep has learned of it: ``failure`` is why nobody answered.

    ``auto_patience_s`` and ``patience_s`` bound the wait for a first answer under ``weights=auto`` and ``pretrained``,
    ``stall_s`` each wait for more of a file.
    """

    auto_patience_s: float = 3.0
    patience_s: float = 30.0
    stall_s: float = 20.0
    failure: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a server answered: its status (200, 206 or 416), its headers, and the body still to be read."""

    url: str
    status: int
    headers: Message
    body: http.client.HTTPResponse | urllib.error.HTTPError

    def read(self) -> bytes:
        """The next bytes of the body, as soon as there are some; empty at its end.

        Raises:
            InterruptedDownloadError: the connection broke or brought nothing for too long.
        """
        try:
            return cast("http.client.HTTPResponse", self.body).read1(BLOCK_BYTES)
        except TimeoutError as error:
            raise InterruptedDownloadError(f"{host(self.url)} stopped sending") from error
        except (OSError, http.client.HTTPException) as error:
            raise InterruptedDownloadError(f"{host(self.url)} broke the connection ({_short(error)})") from error


def host(url: str) -> str:
    """The server's name (and port, where it is not the usual one) out of an address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def ask(url: str, headers: Mapping[str, str], *, patience_s: float, stall_s: float) -> Answer:
    """Request ``url``; wait at most ``patience_s`` for the answer's headers, name lookup, TLS and redirects included.

    ``stall_s`` bounds each later wait for more of the body.

    Raises:
        UnreachableError: nobody answered in time, or not at all.
        DownloadError: the server answered, but with an error.
    """
    request = urllib.request.Request(  # noqa: S310  # the schema admits http and https only
        url, headers={"User-Agent": f"npu-harness/{__version__}", **headers}
    )
    future: Future[Answer] = Future()
    # A name lookup can hang for minutes and cannot be interrupted: it is left behind, in a thread that keeps nobody.
    threading.Thread(target=_answer_into, args=(future, request, stall_s), daemon=True).start()
    try:
        return future.result(timeout=patience_s)
    except FutureTimeoutError as error:
        if future.cancel():
            raise UnreachableError(f"no answer from {host(url)} within {patience_s:g} s") from error
    return future.result()


def _answer_into(future: Future[Answer], request: urllib.request.Request, stall_s: float) -> None:
    """Fill ``future`` unless its owner has given up meanwhile; then close what came too late."""
    answer, problem = None, None
    try:
        answer = _answer(request, stall_s)
    except Exception as error:
        problem = error
    if not future.set_running_or_notify_cancel():
        if answer is not None:
            with suppress(Exception):
                answer.body.close()
    elif answer is not None:
        future.set_result(answer)
    else:
        future.set_exception(problem)


def _answer(request: urllib.request.Request, stall_s: float) -> Answer:
    url = request.full_url
    try:
        response = urllib.request.urlopen(request, timeout=stall_s)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code in ACCEPTED:
            return Answer(url, error.code, error.headers, error)
        error.close()
        raise DownloadError(f"{host(url)} answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UnreachableError(f"cannot reach {host(url)} ({_short(error.reason)})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(f"cannot reach {host(url)} ({_short(error)})") from error
    if response.status not in ACCEPTED:
        response.close()
        raise DownloadError(f"{host(url)} answers {response.status} {response.reason}")
    return Answer(url, response.status, response.headers, response)


def _short(error: object) -> str:
    """What the system or the library says of an error, on one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
