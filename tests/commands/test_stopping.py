"""What a signal does to a sweep by what it does at that moment, and a screen that nobody can see any more."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from harness.commands.screen import screen
from harness.commands.stopping import Stopped, measured, publishing, stopping


def test_a_first_signal_costs_no_table_and_a_second_one_ends_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with stopping() as stop:
        measured()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.status(0) == 130
        with pytest.raises(Stopped) as caught:
            os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.status == 143
    assert capfd.readouterr().err == "stopping: the table and MLflow follow; once more to stop at once\n"


def test_a_signal_ends_the_publication(capfd: pytest.CaptureFixture[str]) -> None:
    with stopping():
        measured()
        publishing()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert "harness.publish" in capfd.readouterr().err


@pytest.mark.parametrize("ignored", [True, False])
def test_a_closed_terminal_stops_a_sweep_that_is_not_kept_from_it(ignored: bool) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        with stopping() as stop:
            if ignored:
                os.kill(os.getpid(), signal.SIGHUP)
            else:
                with pytest.raises(KeyboardInterrupt):
                    os.kill(os.getpid(), signal.SIGHUP)
        assert stop.status(0) == (0 if ignored else 129)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_is_heard_without_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with stopping(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("gone", ["pipe", "full"])
def test_a_sweep_goes_on_when_nobody_can_see_it(monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    if gone == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full", os.O_WRONLY)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        for _ in range(2):
            screen().print("a line")
        stream.write("and what others print")
        stream.flush()


def test_a_sweep_goes_on_without_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    screen().print("a line")
    sys.stdout.close()
