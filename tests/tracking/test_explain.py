"""What a publication that fails says: which place, and what answers there."""

from __future__ import annotations

import errno

from harness.tracking.explain import explain

URI = "https://bob:secret@mlflow.example"


def test_a_full_disk_is_the_one_that_was_copied_to() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/home/plot.png", None, "/artifacts/plot.png")
    assert explain(error, URI).startswith("/artifacts/plot.png: the disk is full")


def test_an_answer_that_is_not_mlflows_is_named_as_such() -> None:
    said = explain(RuntimeError("INTERNAL_ERROR: Response: {'message': 'Unauthorized'}"), URI)
    assert "no MLflow server" in said
    assert "Unauthorized" in said
    assert "secret" not in said
