"""Deciding before a sweep which checkpoint a model gets: the user's own, the published one, or none.

Cheap to import: no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.config.model import ModelSettings, PretrainedSettings
from harness.errors import ConfigError
from harness.files import sha256_file
from harness.models.connect import DownloadError, Network
from harness.models.download import Progress, in_tenths
from harness.models.published import Wanted, file_name, obtain

CACHE_VARIABLE = "HARNESS_CACHE"
PACKAGED = "package:"
"""How the address of a checkpoint begins that travels with the harness."""
SHIPPED = Path(__file__).resolve().parent / "shipped"
"""Where such checkpoints lie; ``training/`` in the repository makes them."""

RANDOM_INSTEAD = "; seeded random weights instead"
"""How a note ends that says why there are no trained weights."""


@dataclass(frozen=True)
class Resolved:
    """What a model's weights are.

    Attributes:
        checkpoint: absolute path of the file, None for seeded random weights.
        note: why there are no trained weights although they were wanted; None when there is nothing to explain.
    """

    checkpoint: Path | None
    note: str | None = None


def cache_dir() -> Path:
    """The folder of downloaded checkpoints: ``HARNESS_CACHE``, else ``npu-harness/checkpoints`` in the user's cache.

    The user's cache is ``XDG_CACHE_HOME`` where that is absolute (XDG Base Directory Specification), else ``~/.cache``.

    Raises:
        ConfigError: the user has no home folder.
    """
    try:
        if chosen := os.environ.get(CACHE_VARIABLE):
            return Path(chosen).expanduser().absolute()
        base = Path(os.environ.get("XDG_CACHE_HOME") or ".")
        return (base if base.is_absolute() else Path.home() / ".cache") / "npu-harness" / "checkpoints"
    except RuntimeError as error:
        raise ConfigError(f"no folder for checkpoints ({error}); name one as {CACHE_VARIABLE}=FOLDER") from error


def resolve(
    settings: ModelSettings,
    cache: Path,
    *,
    report: Callable[[str], None],
    network: Network,
    progress: Progress | None = None,
) -> Resolved:
    """The checkpoint that a model is to be built with; downloads it where that is asked for.

    To be called once for each distinct model of a sweep, with one ``network`` for all of them, before the manifest is
    written. ``report`` gets lines to show at once (a note is returned and not reported), ``progress`` what a progress
    bar needs; without it ``report`` gets a line for each tenth.

    Raises:
        ConfigError: the user's own file is unusable, or ``weights=pretrained`` cannot be had.
    """
    if settings.checkpoint is not None:
        return Resolved(_own_file(settings.checkpoint, settings.weights))
    if settings.weights == "random":
        return Resolved(None)
    insisting = settings.weights == "pretrained"
    published = settings.pretrained
    if published is None:
        if insisting:
            raise ConfigError(
                f"model.weights=pretrained: no published checkpoint of {settings.name} is known; "
                "give model.checkpoint=FILE, or model.weights=random"
            )
        return Resolved(None, _without(f"none are published for {settings.name}"))
    if published.url.startswith(PACKAGED):
        return _shipped(published, insisting=insisting)
    file = cache / file_name(published)
    wanted = Wanted(published, file, insisting, network, report, progress or in_tenths(report))
    try:
        return Resolved(obtain(wanted))
    except DownloadError as error:
        if insisting:
            raise ConfigError(
                f"model.weights=pretrained: {error}; download {published.url} by hand into {cache}, "
                "or give model.checkpoint=FILE"
            ) from error
        return Resolved(None, _without(str(error)))


def _without(why: str) -> str:
    return f"no trained weights: {why}{RANDOM_INSTEAD}"


def _shipped(published: PretrainedSettings, *, insisting: bool) -> Resolved:
    """The file that travels with the harness, hashed on every start: it is small, and no memo belongs beside it."""
    file = SHIPPED / published.url.removeprefix(PACKAGED)
    try:
        digest = sha256_file(file)
    except OSError as error:
        why = f"cannot use {file} ({error.strerror or error})"
    else:
        expected = published.sha256_prefix or ""
        if digest.startswith(expected):
            return Resolved(file)
        why = f"{file} has a SHA-256 that begins with {digest[: len(expected)]} instead of {expected}"
    if insisting:
        raise ConfigError(f"model.weights=pretrained: {why}; install the package again, or give model.checkpoint=FILE")
    return Resolved(None, _without(why))


def _own_file(checkpoint: str, weights: str) -> Path:
    """The absolute path of the file that ``model.checkpoint`` names, checked as far as that goes without reading it."""
    given = f"model.checkpoint={checkpoint}"
    if weights == "random":
        raise ConfigError(f"{given}: model.weights=random wants no checkpoint; leave one of the two out")
    if not checkpoint:
        raise ConfigError("model.checkpoint is empty; give the path of a .pth file, or null for none")
    try:
        path = Path(checkpoint).expanduser().absolute()
        size_bytes = path.stat().st_size
        if path.is_dir():
            raise ConfigError(f"{given}: a folder; give the path of the .pth file in it")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        where = "" if Path(checkpoint).is_absolute() else f" (looked for {path})"
        hint = "give the path of a .pth file, or leave it out for the published one"
        raise ConfigError(f"{given}: no such file{where}; {hint}") from error
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{given}: cannot be read ({reason}); give the path of a .pth file") from error
    if size_bytes == 0:
        raise ConfigError(f"{given}: an empty file; copy or download the checkpoint again")
    return path
