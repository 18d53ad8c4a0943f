"""``python -m harness.tracking [home=DIR] [uri=URI] [experiment=NAME] FOLDER...``: publish records to MLflow.

A folder is a record or holds records (``mlruns/records`` publishes all of them). Exit status 0: MLflow has everything;
1: something is delayed, with one line that says why; 2: wrong arguments.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.records.redaction import redact_text
from harness.tracking.publish import Published, publish
from harness.tracking.sqlite import sqlite_path
from harness.tracking.view import view_query

USAGE = "python -m harness.tracking [home=DIR] [uri=URI] [experiment=NAME] RECORD_FOLDER..."
_KEYS = ("home", "uri", "experiment")


def main(arguments: Sequence[str]) -> int:
    """Publish what the arguments name; returns the exit status."""
    if set(arguments) & {"-h", "--help"}:
        print(f"usage: {USAGE}\n\n{__doc__}")
        return 0
    options = {}
    folders = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key in _KEYS and value:
            options[key] = value
        else:
            folders.append(Path(argument))
    missing = [folder for folder in folders if not folder.is_dir()]
    if not folders or missing:
        what = f"{missing[0]}: no such folder" if missing else "nothing to publish"
        print(f"{what}; expected: {USAGE}", file=sys.stderr)
        return 2
    home = Path(options["home"]) if "home" in options else None
    results = publish(folders, home=home, uri=options.get("uri"), experiment=options.get("experiment"))
    for line in report(results):
        print(line)
    for line in delays(results):
        print(line, file=sys.stderr)
    return 1 if any(result.state == "delayed" for result in results) else 0


def report(results: Sequence[Published]) -> list[str]:
    """A line for each experiment that was filled: how many runs, where, and how to look at them."""
    lines = []
    stores = {(r.uri, r.experiment): r.experiment_id for r in results if r.experiment_id is not None}
    for (uri, experiment), identity in stores.items():
        states = Counter(
            r.state for r in results if (r.uri, r.experiment, r.experiment_id) == (uri, experiment, identity)
        )
        counts = ", ".join(f"{number} {state}" for state, number in states.items())
        shown = redact_text(_short(uri))
        lines.append(f"MLflow: {counts} in experiment {experiment} of {shown}")
        page = f"#/experiments/{identity}/runs{view_query()}"
        if sqlite_path(uri) is None:
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
