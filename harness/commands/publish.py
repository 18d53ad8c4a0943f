"""``python -m harness.publish [FOLDER...]``: send to MLflow what it does not have yet.

A sweep publishes by itself; this is for what could not be sent then, for another store, and for records of another
machine. It may be cut off and repeated at will.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands.arguments import argument, read_arguments
from harness.config.locate import harness_home
from harness.errors import ConfigError, HarnessError
from harness.records.redaction import redact_text
from harness.tracking.publish import Published, publish
from harness.tracking.sqlite import sqlite_path
from harness.tracking.view import view_query

COMMAND = "python -m harness.publish [FOLDER...]"
REFUSED, INTERRUPTED = 2, 130


@dataclass(frozen=True)
class Publish:
    """Send records to MLflow that it does not have yet; what it has already is left as it is.

    A FOLDER is a record or holds records; without any, all records of the home are meant.
    Exit status 0: MLflow has everything; 1: something is delayed, with one line that says why; 2: wrong arguments.
    """

    positional: tuple[str, ...] = argument("records, or folders that hold some (none: all of the home)", default=())
    uri: str | None = argument("the store (null: what each record asks for); with it all are sent", default=None)
    experiment: str | None = argument("the experiment (null: what each record asks for)", default=None)
    home: str | None = argument("the folder with records and store (null: HARNESS_HOME, or mlruns)", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """Publish what the arguments name; returns the exit status."""
    try:
        wanted = read_arguments(Publish, sys.argv[1:] if words is None else words, command=COMMAND)
        folders = _folders(wanted)
    except HarnessError as error:
        print(f"harness.publish: {error}", file=sys.stderr)
        return REFUSED
    home = Path(wanted.home).expanduser() if wanted.home else None
    try:
        results = publish(folders, home=home, uri=wanted.uri, experiment=wanted.experiment)
    except KeyboardInterrupt:
        print("harness.publish: interrupted; the same command goes on with the rest", file=sys.stderr)
        return INTERRUPTED
    for line in report(results):
        print(line)
    for line in delays(results):
        print(line, file=sys.stderr)
    return 1 if any(result.state == "delayed" for result in results) else 0


def _folders(wanted: Publish) -> list[Path]:
    """The folders that are meant. Raises ConfigError for one that is not there."""
    home = harness_home(wanted.home)
    folders = [Path(name).expanduser() for name in wanted.positional] or [home / "records"]
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder; give one with records, or home=DIR")
    return folders


def report(results: Sequence[Published]) -> list[str]:
    """A line for each experiment that was filled: how many runs, where, and how to look at them."""
    lines = []
    if untracked := sum(result.state == "untracked" for result in results):
        lines.append(f"MLflow: {untracked} asked not to be tracked; uri=URI sends them all the same")
    stores = {(r.uri, r.experiment): r.experiment_id for r in results if r.experiment_id is not None}
    for (uri, experiment), identity in stores.items():
        states = Counter(
            r.state for r in results if (r.uri, r.experiment, r.experiment_id) == (uri, experiment, identity)
        )
        counts = ", ".join(f"{number} {state}" for state, number in states.items())
        shown = redact_text(_short(uri))
        lines.append(f"MLflow: {counts} in experiment {experiment} of {shown}")
        page = f"#/experiments/{identity}/runs{view_query()}"
        if uri.startswith(("http://", "https://")):
            lines.append(f"  look: {shown.rstrip('/')}/{page}")
        else:
            lines.append(f"  look: mlflow ui --backend-store-uri {shown}   then http://127.0.0.1:5000/{page}")
    return lines


def delays(results: Sequence[Published]) -> list[str]:
    """A line for each reason why records are not in MLflow yet."""
    reasons: dict[str, list[Published]] = {}
    for result in results:
        if result.state == "delayed":
            reasons.setdefault(str(result.reason), []).append(result)
    return [
        f"MLflow: {len(delayed)} not published yet ({reason}). Nothing is lost: the records are complete"
        for reason, delayed in reasons.items()
    ]


def _short(uri: str) -> str:
    """A SQLite URI by its path from the current folder, where that is shorter."""
    path = sqlite_path(uri)
    if path is None:
        return uri
    relative = os.path.relpath(path)
    return uri if relative.startswith("..") else f"sqlite:///{relative}"
