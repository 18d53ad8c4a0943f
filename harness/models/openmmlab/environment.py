"""Talking to the interpreter that has OpenMMLab's packages: one JSON document a line, failures as one sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from harness.errors import ConfigError, HarnessError, OutOfMemoryError
from harness.interpreter import python_environment
from harness.models.openmmlab.failures import explained, last_words

WORKER = Path(__file__).resolve().parent / "worker" / "export_worker.py"
"""The script that runs there."""


def interpreter(asked: str | None) -> str:
    """The absolute path of the Python asked for (a path or a command's name), else of the current one.

    Raises:
        ConfigError: there is none.
    """
    if asked is None:
        return sys.executable
    found = shutil.which(str(Path(asked).expanduser()))
    if found is None:
        raise ConfigError(
            f"openmmlab.python={asked}: no such interpreter; give the path of the python of the environment that has "
            "mmcv-full, such as ENVIRONMENT/bin/python"
        )
    return str(Path(found).absolute())  # not resolved: a virtual environment is known by its link


class Conversation:
    """Requests to a running worker. ``config`` and ``checkpoint`` are what failures are about."""

    def __init__(self, python: str, config: str, checkpoint: str | None, worker: _Worker) -> None:
        self._python, self._config, self._checkpoint = python, config, checkpoint
        self._worker = worker

    def ask(self, **request: Any) -> Mapping[str, Any]:
        """The worker's answer to ``{"do": ..., ...}``.

        Raises:
            ConfigError: the environment, the configuration or the checkpoint cannot be used.
            UnsupportedError: the network cannot be exported.
            OutOfMemoryError: the worker had too little memory.
            HarnessError: it ended without an answer.
        """
        line = self._worker.exchange(json.dumps(request))
        if line:
            answer: dict[str, Any] = json.loads(line)
            if "failure" in answer:
                raise explained(answer["failure"], self._python, self._config, self._checkpoint)
            return answer
        status = self._worker.process.wait()
        if status == -signal.SIGKILL:
            raise OutOfMemoryError(f"model.config={self._config}: its interpreter was killed, as for lack of memory")
        words = last_words(self._worker.log)
        if "SyntaxError" in words:
            raise ConfigError(f"openmmlab.python={self._python}: too old ({words}); give Python 3.7 to 3.13")
        raise HarnessError(
            f"openmmlab.python={self._python}: it ended with status {status} without an answer ({words or 'no words'})",
            reason="openmmlab_environment",
        )


class _Worker:
    """The process, the two ends of the conversation, and where what the libraries print goes."""

    def __init__(self, process: subprocess.Popen[bytes], requests: IO[str], answers: IO[str], log: IO[bytes]) -> None:
        self.process, self._requests, self._answers, self.log = process, requests, answers, log

    def exchange(self, line: str) -> str:
        """The line that answers ``line``; empty where none comes."""
        try:
            self._requests.write(line + "\n")
            self._requests.flush()
        except BrokenPipeError:
            return ""
        return self._answers.readline()

    def close(self) -> None:
        """End the process: it ends by itself when its requests do."""
        for end in (self._requests, self._answers):
            try:
                end.close()
            except BrokenPipeError:
                continue
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def conversation(python: str, config: str, checkpoint: str | None = None) -> Iterator[Conversation]:
    """Start the worker in ``python``; what it prints is printed here when it ends.

    Raises:
        ConfigError: the interpreter cannot be started.
    """
    ours_out, theirs_in = os.pipe()
    theirs_out, ours_in = os.pipe()
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                [python, str(WORKER), str(theirs_out), str(theirs_in)],
                pass_fds=(theirs_in, theirs_out),
                env=python_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            for descriptor in (ours_in, ours_out):
                os.close(descriptor)
            raise ConfigError(f"openmmlab.python={python}: cannot be started ({error.strerror})") from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        worker = _Worker(process, os.fdopen(ours_in, "w"), os.fdopen(ours_out), log)
        try:
            yield Conversation(python, config, checkpoint, worker)
        finally:
            worker.close()
