"""``python -m harness.store``: what the store holds and who needs it; ``... gc``: free what no record needs."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field
from rich.console import Console

from harness.commands.arguments import argument, read_arguments
from harness.commands.store_table import files_table, needing_lines, size_words, stages_table, thing_words, time_words
from harness.config.locate import harness_home
from harness.errors import ConfigError, HarnessError
from harness.stages.collect import Plan, freed, planned, tidied, total_bytes
from harness.stages.holdings import Holding, Holdings, Leftover, holdings
from harness.stages.store import Store
from harness.sweep.folder import running_sweeps, unfinished_sweeps

SHOW = "python -m harness.store"
GC = "python -m harness.store gc"
FAILED, REFUSED, INTERRUPTED = 1, 2, 130
PIPE_COLUMNS = 160
"""How wide tables are where there is no terminal to ask."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?([kmgt]?)(i?)b", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True)
class Show:
    """Show what the store holds: per stage, then the largest files, when they were used, which cells need them.

    python -m harness.store gc frees what no record needs; gc --help says more.
    Exit status 0; 1: the store cannot be read; 2: wrong arguments.
    """

    files: Annotated[int, Field(ge=0)] = argument("how many of the largest files are shown", default=10)
    all: bool = argument("show all files, and every cell that needs one", default=False)
    home: str | None = argument("the folder with store/ and records/ (null: HARNESS_HOME, or mlruns)", default=None)


@dataclass(frozen=True)
class Collect:
    """Free what no record needs: files of the store, and what killed processes left; least recently used first.

    A file stays that a record names, or a step of a sweep that can be resumed, and what was used while a sweep that
    runs now is at work. To give up the files of a sweep, remove its folder in HOME/records and in HOME/sweeps before.
    Exit status 0: done, or nothing to do; 1: the size is not reached, or nothing could be freed, with one line that
    says why; 2: wrong arguments. It may be interrupted and repeated at will.
    """

    size: str | None = argument("free until the store takes no more: 10GB, 500MB, 1.5TiB (null: all)", default=None)
    idle_h: Annotated[float, Field(ge=0)] = argument("what was used in the last so many hours stays", default=1.0)
    dry_run: bool = argument("say what would be removed, remove nothing", default=False)
    home: str | None = argument("the folder with store/ and records/ (null: HARNESS_HOME, or mlruns)", default=None)


def main(words: Sequence[str] | None = None) -> int:
    """Show or free; returns the exit status."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        if given[:1] == ["gc"]:
            return _collect(read_arguments(Collect, given[1:], command=GC))
        return _show(read_arguments(Show, given, command=SHOW))
    except HarnessError as error:
        print(f"harness.store: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, ConfigError) else FAILED
    except KeyboardInterrupt:
        print("harness.store: interrupted; what was removed is named above, the rest is as it was", file=sys.stderr)
        return INTERRUPTED


def size_of(text: str) -> int:
    """The bytes that ``10GB``, ``1.5 TiB`` or ``0`` mean; powers of 1000, with an ``i`` of 1024.

    Raises:
        ConfigError: it is no such size.
    """
    found = _SIZE.fullmatch(text.strip() if text.strip() != "0" else "0B")
    if found is None:
        raise ConfigError(f"size={text}: expected a number with its unit: 500MB, 10GB, 1.5TiB")
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[prefix.lower()])


def _show(wanted: Show) -> int:
    home = _home(wanted.home)
    held = _looked_through(home)
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    _say(f"store  {home / 'store'}")
    if not (held.files or held.leftovers):
        _say("holds nothing yet" if not held.dangling else "holds no files")
    else:
        console.print(stages_table(held))
    ordered = sorted(held.files, key=lambda each: (-each.size_bytes, each.path))
    shown = ordered if wanted.all else ordered[: wanted.files]
    if shown:
        console.print(files_table(shown))
    if len(shown) < len(ordered):
        _say(f"and {_counted(len(ordered) - len(shown), 'smaller file')}: all=true shows them")
    for line in needing_lines(shown) if wanted.all else ():
        _say(line)
    for each in held.leftovers:
        state = "at work" if each.running else "what an evaluation goes on from" if each.needed_by else "left of a kill"
        _say(f"{thing_words(each)}  ({state})")
    if held.dangling:
        _say(f"{_counted(len(held.dangling), 'key')} whose files are gone: they are made again when they are needed")
    for sweep, since_s in running_sweeps(home).items():
        _say(f"sweep {sweep} runs since {time_words(since_s)}: what it uses stays")
    _say(f"disk   {size_words(_free(home))} are free")
    for path, reason in held.unread.items():
        print(f"harness.store: {path} cannot be read ({reason}); what it needs is unknown", file=sys.stderr)
    return 0


def _collect(wanted: Collect) -> int:
    home = _home(wanted.home)
    target = None if wanted.size is None else size_of(wanted.size)
    running = running_sweeps(home)  # before the store is looked through: one that begins later uses what it finds then
    before_s = min([time.time() - wanted.idle_h * 3600, *running.values()])
    held = _looked_through(home)
    plan = planned(held, size_bytes=target or 0, before_s=before_s)
    _say(f"store  {home / 'store'}: {size_words(held.size_bytes)}, {size_words(_free(home))} free on its disk")
    gone: list[Holding | Leftover] = []
    kept: list[tuple[Holding | Leftover, str]] = []

    def removed(each: Holding | Leftover) -> None:
        gone.append(each)
        _say(f"{'would remove' if wanted.dry_run else 'removed'}  {thing_words(each)}")

    if wanted.dry_run:
        for each in plan.remove:
            removed(each)
        keys = len(held.dangling)
    else:
        store = Store(home / "store")
        kept = freed(plan, store, removed)
        keys = tidied(held, store)
    left = held.size_bytes - total_bytes(gone)
    would = "would free" if wanted.dry_run else "freed"
    also = f", and {_counted(keys, 'key')} whose files were gone" if keys else ""
    _say(f"{would} {size_words(total_bytes(gone))} in {_counted(len(gone), 'file')}{also}; {size_words(left)} stay")
    linked = total_bytes([each for each in gone if isinstance(each, Holding) and each.linked])
    if linked:
        _say(f"of this {size_words(linked)} stay on the disk under other names, such as in MLflow's artifacts")
    for line in _staying(plan, wanted, running):
        _say(line)
    for each, reason in kept:
        print(f"harness.store: {each.path} stays: {reason}", file=sys.stderr)
    if target is not None and left > target:
        print(f"harness.store: size={wanted.size} is not reached: all that stays is needed or in use", file=sys.stderr)
        return FAILED
    return FAILED if kept else 0


def _staying(plan: Plan, wanted: Collect, running: dict[str, float]) -> list[str]:
    """What stays and why, a line for each reason."""
    since = [f"in the last {wanted.idle_h:g} h"] if wanted.idle_h or not running else []
    if running:
        first = min(running, key=running.__getitem__)
        also = f", as do {len(running) - 1} more" if len(running) > 1 else ""
        since.append(f"since {first} began, which runs{also}")
    reasons = (
        (plan.needed, "needed by records, or by sweeps that can be resumed"),
        (plan.recent, f"used {' or '.join(since)}"),
        (plan.spared, f"not needed, and within size={wanted.size}"),
    )
    return [
        f"stays  {size_words(total_bytes(things)):>7}  {_counted(len(things), 'file')} {why}"
        for things, why in reasons
        if things
    ]


def _looked_through(home: Path) -> Holdings:
    return holdings(Store(home / "store"), home / "records", unfinished_sweeps(home))


def _home(given: str | None) -> Path:
    """The home that is meant. Raises ConfigError where there is none."""
    home = harness_home(given)
    if not home.is_dir():
        raise ConfigError(f"{home}: no such folder; go to the folder of your sweeps, or give home=DIR")
    return home


def _free(home: Path) -> int:
    store = home / "store"  # which may be a disk of its own
    return shutil.disk_usage(store if store.exists() else home).free


def _counted(number: int, one: str) -> str:
    return f"{number} {one}{'s' * (number != 1)}"


def _say(line: str) -> None:
    print(line, flush=True)
