"""Reads bundles that came from anywhere: every member is checked against the index before anything of it is used.

What is not exactly as the index says is refused, by the member's name. Unpacked is into a fresh temporary folder of
this process, only under names that cannot leave it, and never more than the index declares.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.errors import HarnessError
from harness.records.bundle_index import (
    INDEX,
    INDEX_BYTES,
    RATIO,
    RATIO_FREE_BYTES,
    SUFFIX,
    Index,
    Member,
    name_problem,
    parse_index,
    shown,
)

_BLOCK = 1 << 20
_BEGIN = b"PK\x03\x04"
_ENCRYPTED = 0x1 | 0x40
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError,
    IndexError, OverflowError,
)  # fmt: skip

_unpacked: dict[tuple[str, int, int], Path] = {}
_kept = ExitStack()
atexit.register(_kept.close)


def is_bundle(path: Path) -> bool:
    """Whether a path is meant as that of a bundle."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def is_too_dense(index: Index, archive_bytes: int) -> bool:
    """Whether the members are together so much larger than their archive that it may be a compression bomb."""
    total = sum(member.size_bytes for member in index.members)
    return total > max(RATIO_FREE_BYTES, RATIO * archive_bytes)


def verify(path: Path) -> Index:
    """Check a bundle from its first byte to its last and unpack nothing.

    Raises:
        HarnessError: it is none, cannot be read, or was cut short or changed; names the member and the reason.
    """
    with _opened(path) as archive, _refusing(path):
        index, entries = _checked(archive, path)
        for member in index.members:
            for _ in _content(archive, entries[member.path], member):
                pass
        return index


def unpacked(path: Path) -> Path:
    """A folder with the bundle's members, laid out as a harness home; it is removed when this process ends.

    A bundle that did not change since is unpacked once.

    Raises:
        HarnessError: as :func:`verify`, or the temporary folder has no room for it.
    """
    try:
        facts = path.stat()
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    mark = (str(path.resolve()), facts.st_size, facts.st_mtime_ns)
    if mark not in _unpacked:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(_temporary_folder()))
            _unpack(path, folder)
            _kept.push(stack.pop_all())
            _unpacked[mark] = folder
    return _unpacked[mark]


@contextmanager
def _temporary_folder() -> Iterator[str]:
    name = tempfile.mkdtemp(prefix="harness-bundle-")
    try:
        yield name
    finally:
        shutil.rmtree(name, ignore_errors=True)


def _unpack(path: Path, folder: Path) -> None:
    with _opened(path) as archive, _refusing(path):
        index, entries = _checked(archive, path)
        total, free = sum(member.size_bytes for member in index.members), shutil.disk_usage(folder).free
        if total > free:
            raise HarnessError(f"takes {total / 1e9:.1f} GB, {folder.parent} has {free / 1e9:.1f}; set TMPDIR=FOLDER")
        made: set[Path] = set()
        for member in index.members:
            target = folder.joinpath(*member.path.split("/"))
            content = _content(archive, entries[member.path], member)
            try:
                if target.parent not in made:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    made.add(target.parent)
                with target.open("xb") as file:
                    for block in content:
                        file.write(block)
            except OSError as error:
                raise HarnessError(f"{shown(member.path)}: cannot be unpacked ({error.strerror})") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            begin = file.read(len(_BEGIN))
            archive = stack.enter_context(zipfile.ZipFile(file))
        except OSError as error:
            raise HarnessError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
        except _DAMAGE as error:
            reason = "cut short or damaged" if begin == _BEGIN else "no zip archive"
            raise HarnessError(f"{path}: {reason}; copy the bundle again from where it was packed") from error
        if begin != _BEGIN or archive.comment:
            raise HarnessError(f"{path}: something stands before or after the archive; copy the bundle again")
        yield archive


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Let every refusal begin with the bundle's path and be one line."""
    try:
        yield
    except HarnessError as error:
        raise HarnessError(f"{path}: refused: {error}") from error
    except (OSError, MemoryError, *_DAMAGE) as error:
        raise HarnessError(f"{path}: refused: damaged ({shown(str(error))})") from error


def _checked(archive: zipfile.ZipFile, path: Path) -> tuple[Index, dict[str, zipfile.ZipInfo]]:
    """The index, and the entries by name after everything was looked at that can be without reading them."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.orig_filename
        problem = name_problem(name) or _entry_problem(entry)
        if problem is None and name in entries:
            problem = "is there twice"
        if problem is not None:
            raise HarnessError(f"{shown(name)}: {problem}")
        entries[name] = entry
    if INDEX not in entries:
        raise HarnessError(f"it has no {INDEX}, so it is no bundle; python -m harness.bundle makes one")
    index = parse_index(_index_content(archive, entries[INDEX]))
    named: set[str] = set()
    for member in index.members:
        if member.path in named or member.path == INDEX:
            raise HarnessError(f"{shown(member.path)}: is twice in the index")
        named.add(member.path)
        if member.path not in entries:
            raise HarnessError(f"{shown(member.path)}: is in the index but not in the archive")
        if problem := name_problem(member.path, index.sweep_id):
            raise HarnessError(f"{shown(member.path)}: {problem}")
        stated = entries[member.path].file_size
        if stated != member.size_bytes:
            raise HarnessError(f"{shown(member.path)}: of {stated} bytes, the index says {member.size_bytes}")
    strange = next((name for name in entries if name not in named and name != INDEX), None)
    if strange is not None:
        raise HarnessError(f"{shown(strange)}: is not in the index")
    if is_too_dense(index, path.stat().st_size):
        raise HarnessError(f"unpacks to more than {RATIO} times its size, as a compression bomb does")
    return index, entries


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        return "a symbolic link" if kind == stat.S_IFLNK else "no ordinary file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return f"compression method {entry.compress_type} is not of a bundle"
    return "its name is not what it seems" if entry.filename != entry.orig_filename else None


def _index_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > INDEX_BYTES:
        raise HarnessError(f"{INDEX}: longer than {INDEX_BYTES >> 20} MB")
    try:
        with archive.open(entry) as file:
            content = file.read(INDEX_BYTES + 1)
    except _DAMAGE as error:
        raise HarnessError(f"{INDEX}: damaged ({shown(str(error))})") from error
    if len(content) != entry.file_size:
        raise HarnessError(f"{INDEX}: of another size than the archive says")
    return content


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, member: Member) -> Iterator[bytes]:
    """The member's bytes, never more than the index says; the last block comes before the hash was compared.

    Raises:
        HarnessError: size or hash are others, or the archive is damaged here.
    """
    digest, left = hashlib.sha256(), member.size_bytes
    try:
        with archive.open(entry) as file:
            while block := file.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise HarnessError(f"{shown(member.path)}: longer than the {member.size_bytes} bytes of the index")
                digest.update(block)
                yield block
    except _DAMAGE as error:
        raise HarnessError(f"{shown(member.path)}: damaged ({shown(str(error))})") from error
    if left:
        raise HarnessError(f"{shown(member.path)}: shorter than the {member.size_bytes} bytes of the index")
    if digest.hexdigest() != member.sha256:
        raise HarnessError(f"{shown(member.path)}: its SHA-256 is not that of the index")
