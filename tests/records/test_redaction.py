"""Passwords, tokens and signatures are hidden, and nothing else is touched."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.redaction import redact, redact_text


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("postgresql+psycopg2://me:p4ss@db:5432/mlflow", "postgresql+psycopg2://me:***@db:5432/mlflow"),
        ("postgresql://me:p@ss:w0rd@db/x", "postgresql://me:***@db/x"),
        ("mysql://:only@db/x", "mysql://:***@db/x"),
        ("https://ghp_abcdef@host/repo.git", "https://***@host/repo.git"),
        ("https://user:tok@host/repo.git", "https://user:***@host/repo.git"),
        ("ssh://git@host/repo.git", "ssh://git@host/repo.git"),
        ("git@host:me/repo.git", "git@host:me/repo.git"),
        ("http://127.0.0.1:5000/#/experiments/1", "http://127.0.0.1:5000/#/experiments/1"),
        ("http://host:5000/path@x", "http://host:5000/path@x"),
        ("sqlite:////data/mlruns/mlflow.db", "sqlite:////data/mlruns/mlflow.db"),
        ("https://h/f.pth?X-Amz-Signature=abc123&x=1", "https://h/f.pth?X-Amz-Signature=***&x=1"),
        ("https://h/f.pth?token=abc123&x=1", "https://h/f.pth?token=***&x=1"),
        ("MLFLOW_TRACKING_PASSWORD=abc", "MLFLOW_TRACKING_PASSWORD=***"),
        ("tracking.token=abc batchsize=4", "tracking.token=*** batchsize=4"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=***"),
        ("password: hunter2", "password: ***"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("model.options.num_tokens=77", "model.options.num_tokens=77"),
        ("tokenizer=bert", "tokenizer=bert"),
        ("max_tokens: 12", "max_tokens: 12"),
        ("throughput = 18.4 samples/s, latency: 54 ms", "throughput = 18.4 samples/s, latency: 54 ms"),
    ],
)
def test_texts(given_: str, expected: str) -> None:
    assert redact_text(given_) == expected
    assert redact_text(expected) == expected


def test_values_by_the_name_of_their_key() -> None:
    value = {
        "hf_token": "abc",
        "db": {"password": "abc", "port": 5432},
        "num_tokens": 77,
        "tokens": ["a"],
        "list": ["https://u:p@h/", 3, None, True],
        "token": None,
    }
    assert redact(value) == {
        "hf_token": "***",
        "db": {"password": "***", "port": 5432},
        "num_tokens": 77,
        "tokens": ["a"],
        "list": ["https://u:***@h/", 3, None, True],
        "token": None,
    }


_WORD = st.text(string.ascii_letters + string.digits + "_-.~!$+,;=%", min_size=1)


@settings(deadline=None)
@given(_WORD, _WORD.map(lambda word: f"QQ{word}QQ"), st.sampled_from(["postgresql", "https", "mysql+pymysql", "s3"]))
def test_no_password_of_a_uri_is_left(user: str, password: str, scheme: str) -> None:
    shown = redact_text(f"cannot connect to {scheme}://{user}:{password}@db.example/x?y=1 now")
    assert password not in shown
    assert "@db.example/x" in shown


@settings(deadline=None)
@given(st.text())
def test_any_text_is_taken_and_hiding_twice_changes_nothing(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize(
    "unit", ["x", "token", "a:", "://", "http://a:b", "k=", "bearer ", "?sig=", "tok.en-", "secret_"]
)
def test_a_megabyte_without_spaces_takes_no_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    used = time.process_time()
    redact_text(text)
    assert time.process_time() - used < 5


def test_the_working_folder_of_a_shell_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", "/home/somebody/bench")
    monkeypatch.setenv("DB_PWD", "hunter2hunter2")
    assert redact("/home/somebody/bench/net.pth with hunter2hunter2") == "/home/somebody/bench/net.pth with ***"


def test_a_known_secret_of_a_few_letters_leaves_the_results_readable() -> None:
    result = {"status": "ok", "options": {"token": "ok"}, "log": "said ok to hunter2"}
    assert redact(result, ["hunter2", "ok"]) == {"status": "ok", "options": {"token": "***"}, "log": "said ok to ***"}
