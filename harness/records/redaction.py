"""Keeps secrets out of records, MLflow and logs: passwords in URIs, signed queries, tokens by the name of their key."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.files import write_atomically

HIDDEN = "***"
_LEAST, _TELLING, _SHORT = 8, 4, 300
_FOLDERS = frozenset({"PWD", "OLDPWD"})
"""Variables that a shell sets to the working folder, whatever ``pwd`` means elsewhere."""

_SECRET_WORD = r"(?:password|passwd|passphrase|pwd|secrets?|token|api_?key|access_?key|private_?key|credentials?)"  # noqa: S105
_SECRET_KEY = re.compile(rf"(?:^|[._\-\s/]){_SECRET_WORD}(?:$|[._\-\s/])|(?:password|_secret|_token)$", re.IGNORECASE)
# Written so that no text, however long its words, takes more than linear time: logs come from anywhere.
_USERINFO = re.compile(r"://(?P<user>[^\s/:@?#'\"]*)(?P<rest>:[^\s/?#'\"]*)?@")
_ASSIGNMENT = re.compile(r"(?<![\w.\-])(?P<key>[\w.\-]{1,200})(?P<eq>=|: )(?P<value>[^\s&,;'\"]+)")
_SIGNED = re.compile(
    r"(?P<key>[?&](?:sig|signature|x-amz-signature|x-amz-credential|x-amz-security-token|sslpassword)=)[^&\s'\"]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<key>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=\-]{8,}", re.IGNORECASE)


def redact_text(text: str, known: Iterable[str] = ()) -> str:
    """The text with every password, token and signature replaced by ``***``.

    Found are: the password of ``scheme://user:password@host``, a lone user part of an http(s) URI (there it is a
    token), values of query keys and assignments whose name says that they are secret, and HTTP credentials; besides
    the ``known`` ones, wherever they stand. Of those, texts of fewer than four characters are hidden under their key
    only: ``ok`` or ``1`` would take words and figures out of every result.
    """
    for secret in (each for each in known if len(each) >= _TELLING):
        text = text.replace(secret, redact_text(secret) if "://" in secret else HIDDEN)
    return _redacted(text) if len(text) <= _SHORT else _redacted.__wrapped__(text)


def environment_secrets() -> tuple[str, ...]:
    """The values of this process's environment variables whose name says that they are secret, the longest first.

    Those of fewer than eight characters are left out: what they are part of could be anything.
    """
    named = {name: value for name, value in os.environ.items() if name not in _FOLDERS and len(value) >= _LEAST}
    found = {value for name, value in named.items() if _SECRET_KEY.search(name)}
    return tuple(sorted(found, key=len, reverse=True))


def clean_file(path: Path, known: Iterable[str] = ()) -> None:
    """Take secrets out of a text file, of this process's environment too; one that holds none is not touched.

    A file that cannot be read or replaced is left as it is: what was measured stands in some.
    """
    secrets = (*known, *environment_secrets())
    with suppress(OSError):
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            lines = list(file)
        cleaned = [redact_text(line, secrets) for line in lines]
        if cleaned != lines:
            write_atomically(path, "".join(cleaned).encode("utf-8", "surrogateescape"))


@functools.lru_cache(maxsize=4096)
def _redacted(text: str) -> str:
    text = _USERINFO.sub(_hide_userinfo, text)
    text = _SIGNED.sub(rf"\g<key>{HIDDEN}", text)
    text = _BEARER.sub(rf"\g<key>{HIDDEN}", text)
    return _ASSIGNMENT.sub(_hide_assignment, text)


def redact(value: Any, known: Sequence[str] | None = None) -> Any:
    """A copy of a JSON value without secrets: every string redacted, and strings whose key names a secret replaced.

    ``known``: texts that are secret wherever they stand; None for those of the environment.
    """
    known = environment_secrets() if known is None else known
    if isinstance(value, str):
        return redact_text(value, known)
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(key, item) else redact(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item, known) for item in value]
    return value


def _is_secret(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, str) and bool(value) and _SECRET_KEY.search(key) is not None


def _hide_userinfo(match: re.Match[str]) -> str:
    if match["rest"] is not None:
        return f"://{match['user']}:{HIDDEN}@"
    scheme = match.string[max(0, match.start() - 5) : match.start()].lower()
    return f"://{HIDDEN}@" if scheme.endswith(("http", "https")) else match[0]


def _hide_assignment(match: re.Match[str]) -> str:
    if _SECRET_KEY.search(match["key"]) is None:
        return match[0]
    return f"{match['key']}{match['eq']}{HIDDEN}"
