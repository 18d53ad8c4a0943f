"""Published checkpoints in the cache: found, checked, downloaded, by one process at a time.

A file has the name that it has on its server. It gets that name only when its SHA-256 begins as the model's YAML says;
one that does not is moved aside as ``FILE.bad`` and never used. Where the publisher states no hash, any file that came
whole is taken, and the names and shapes of its parameters are what is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.config.model import PretrainedSettings
from harness.files import sha256_file
from harness.models.cached import remember, set_aside, sha256_of
from harness.models.connect import DownloadError, Network, UnreachableError, host
from harness.models.download import Progress, discard, fetch


@dataclass(frozen=True)
class Wanted:
    """A published checkpoint that is to be in the cache.

    Attributes:
        published: where it comes from and how its hash begins.
        file: where it belongs.
        insisting: whether to wait for the network as long as it takes to be sure, and to ask it even after it failed.
        network: how long that is, and what is known of it.
        report, progress: as for `harness.models.pretrained.resolve`.
    """

    published: PretrainedSettings
    file: Path
    insisting: bool
    network: Network
    report: Callable[[str], None]
    progress: Progress

    @property
    def part(self) -> Path:
        """Where the file grows while it is downloaded."""
        return self.file.with_name(self.file.name + ".part")


def file_name(published: PretrainedSettings) -> str:
    """The last part of the address, which the schema has checked to be a plain name."""
    return urlsplit(published.url).path.rpartition("/")[2]


def obtain(wanted: Wanted) -> Path:
    """The checked file, downloaded if it is not in the cache or not what it should be.

    Raises:
        DownloadError: it cannot be had; one line on why.
    """
    damage = ""
    try:
        if _is_right(sha256_of(wanted.file), wanted):
            return wanted.file
        with _alone(wanted):
            digest = sha256_of(wanted.file)
            if _is_right(digest, wanted):
                return wanted.file
            if digest is not None:
                unlike = _unlike(f"the cached {wanted.file.name}", digest, wanted)
                damage = f"{unlike} and was moved aside as {set_aside(wanted.file).name}; "
                wanted.report(damage + "it has to be downloaded again")
            _download(wanted)
    except OSError as error:
        raise DownloadError(f"cannot use {error.filename or wanted.file.parent} ({error.strerror or error})") from error
    except DownloadError as error:
        if isinstance(error, UnreachableError):
            wanted.network.failure = str(error)
        raise DownloadError(f"{damage}{error}") from error
    return wanted.file


def _download(wanted: Wanted) -> None:
    """Fetch the file and give it its name once its hash is right."""
    network, published, file, part = wanted.network, wanted.published, wanted.file, wanted.part
    if network.failure and not wanted.insisting:
        raise UnreachableError(network.failure)
    patience_s = network.patience_s if wanted.insisting else network.auto_patience_s
    wanted.report(f"downloading {file.name} from {host(published.url)} (model.weights=random does without it)")
    while True:
        pieced = fetch(published.url, part, patience_s=patience_s, stall_s=network.stall_s, progress=wanted.progress)
        digest = sha256_file(part)
        if _is_right(digest, wanted):
            part.replace(file)
            discard(part)
            remember(file, digest)
            prefix = published.sha256_prefix
            checked = f"begins with {prefix}, as it should" if prefix else f"is {digest}; none is published to compare"
            wanted.report(f"downloaded {file.name}; its SHA-256 {checked}")
            return
        if not pieced:
            set_aside(file, part)
            discard(part)
            raise DownloadError(_unlike(f"the file that {host(published.url)} sends", digest, wanted))
        # Pieces of two versions may have been put together: once more, from the first byte.
        discard(part)
        wanted.report(
            f"{_unlike(file.name, digest, wanted)}; it came in pieces, so it is downloaded once more as a whole"
        )


@contextmanager
def _alone(wanted: Wanted) -> Iterator[None]:
    """Hold the file's lock, so that two processes download it once; wait as long as another one's download grows.

    Raises:
        DownloadError: another process holds the lock and brings nothing.
    """
    from filelock import FileLock, Timeout

    file, network = wanted.file, wanted.network
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file.with_name(file.name + ".lock"))
    wait_s, seen = 0.0, None
    while True:
        try:
            lock.acquire(timeout=wait_s)
            break
        except Timeout as error:
            size_bytes = wanted.part.stat().st_size if wanted.part.exists() else 0
            if seen is None:
                wanted.report(f"another process is downloading {file.name}: waiting for it")
            elif seen == size_bytes:
                raise DownloadError(f"another process holds {lock.lock_file} and downloads nothing") from error
            wait_s, seen = network.patience_s + network.stall_s, size_bytes
    try:
        yield
    finally:
        lock.release()


def _is_right(digest: str | None, wanted: Wanted) -> bool:
    return digest is not None and digest.startswith(wanted.published.sha256_prefix or "")


def _unlike(name: str, digest: str, wanted: Wanted) -> str:
    expected = wanted.published.sha256_prefix or ""
    return f"{name} has a SHA-256 that begins with {digest[: len(expected)]} instead of {expected}"
