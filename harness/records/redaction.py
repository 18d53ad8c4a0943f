"""Keeps secrets out of records, MLflow and logs: passwords in URIs, signed queries, tokens by the name of their key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

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


def redact_text(text: str) -> str:
    """The text with every password, token and signature replaced by ``***``.

    Found are: the password of ``scheme://user:password@host``, a lone user part of an http(s) URI (there it is a
    token), values of query keys and assignments whose name says that they are secret, and HTTP credentials.
    """
    text = _USERINFO.sub(_hide_userinfo, text)
    text = _SIGNED.sub(rf"\g<key>{HIDDEN}", text)
    text = _BEARER.sub(rf"\g<key>{HIDDEN}", text)
    return _ASSIGNMENT.sub(_hide_assignment, text)


def redact(value: Any) -> Any:
    """A copy of a JSON value without secrets: every string redacted, and strings whose key names a secret replaced."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(key, item) else redact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
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
