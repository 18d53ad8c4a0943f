"""One device, one measurement: locks of this machine, shared by all processes, users and sweeps.

A lock is a file below ``/tmp/harness-locks`` (``HARNESS_LOCKS`` names another folder, such as one that containers
share) and the kernel's ``flock`` on it, which ends with the process that holds it, however that ends. filelock, which
the store uses, knows exclusive locks only; here those that measure exclude all, and those that merely compute do not
exclude each other. Nobody is overtaken for ever: all pass a turnstile, which whoever waits to measure keeps closed.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.sweep.descendants import end_marked

FOLDER_VARIABLE = "HARNESS_LOCKS"
POLL_S = 0.2
UNSAID_S = 1.0
LONGEST_COMMAND = 80
_MARK = re.compile(rb"[0-9a-f]{32}")
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW


class LockedError(HarnessError):
    """Another process holds a lock that was not to be waited for."""

    reason = "locked"


@dataclass(frozen=True, order=True)
class Claim:
    """A wish for a device, by its physical name; ``shared`` with others that do not measure on it."""

    name: str
    shared: bool = False


def lock_folder() -> Path:
    """The folder of this machine's locks; made so that every user can add files and none can remove another's.

    Not the user's own temporary folder, which differs between users and sessions.

    Raises:
        HarnessError: it cannot be made.
    """
    base = Path("/tmp") if os.name == "posix" else Path(tempfile.gettempdir())  # noqa: S108 - see above
    folder = Path(os.environ.get(FOLDER_VARIABLE) or base / "harness-locks")
    try:
        folder.mkdir(parents=True)
        folder.chmod(0o1777)
    except FileExistsError:
        pass
    except OSError as error:
        raise HarnessError(_unusable(folder, error), reason="no_lock") from error
    return folder


@contextmanager
def held(claims: Iterable[Claim], *, mark: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold all claims, waited for in the order of their names; ``waiting`` gets a line when one has to be waited for.

    ``mark`` is what the processes bear that will use the device (see ``descendants``): should this process be killed,
    whoever gets the lock next ends those of them that are left.

    Raises:
        HarnessError: a lock file cannot be opened.
    """
    folder = lock_folder()
    with ExitStack() as stack:
        for claim in sorted(claims):
            stack.enter_context(_claimed(folder, claim, mark, waiting))
        yield


@contextmanager
def locked_now(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a file, which is made if need be, without waiting for it.

    Raises:
        LockedError: another process holds it; says which, where the kernel tells.
        HarnessError: the file cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(_unusable(path, error), reason="no_lock") from error
    handle = _try(path, shared=shared)
    if handle is None:
        pid = holder(path)
        who = "" if pid is None else f": pid {pid}{_command(pid)}"
        raise LockedError(f"{path.parent.name}: another process is at work on it{who}")
    try:
        yield
    finally:
        os.close(handle)


def holder(path: Path) -> int | None:
    """The process that holds a lock, by ``/proc/locks`` (proc(5)); None where the kernel does not tell."""
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    for words in map(str.split, lines):
        if len(words) >= 6 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode) and int(words[4]) > 0:
            return int(words[4])
    return None


@contextmanager
def _claimed(folder: Path, claim: Claim, mark: str, waiting: Callable[[str], None]) -> Iterator[None]:
    path = folder / f"{claim.name}.lock"
    wait = _Wait(path, claim, waiting)
    turnstile = wait.until_held(folder / f"{claim.name}.turn", shared=False)
    try:
        handle = wait.until_held(path, shared=claim.shared)
    finally:
        os.close(turnstile)
    wait.over()
    try:
        if not claim.shared:
            if _MARK.fullmatch(left := os.pread(handle, 64, 0)):  # its holder was killed
                end_marked(left.decode())
            _write(handle, mark)
        yield
        if not claim.shared:
            _write(handle, "")
    finally:
        os.close(handle)


class _Wait:
    """A wait for a device, first at its turnstile, which everybody passes alone, then for its lock. It is said once.

    Who passes the turnstile at the same moment holds nothing yet: it is said when a holder is known, or it lasts.
    """

    def __init__(self, path: Path, claim: Claim, waiting: Callable[[str], None]) -> None:
        self._path, self._claim, self._waiting = path, claim, waiting
        self._began, self._told = time.monotonic(), False

    def until_held(self, path: Path, *, shared: bool) -> int:
        """The open file whose lock is held, after as long as it takes."""
        while (handle := _try(path, shared=shared)) is None:
            pid = holder(self._path)
            if not self._told and (pid is not None or time.monotonic() - self._began >= UNSAID_S):
                self._waiting(f"waits for {self._claim.name}{_held_by(pid)}")
                self._told = True
            time.sleep(POLL_S)
            lock_folder()  # somebody may have cleaned it away
        return handle

    def over(self) -> None:
        """Say how long it was, where it was said that it began."""
        if self._told:
            self._waiting(f"waited {time.monotonic() - self._began:.0f} s for {self._claim.name}")


def _try(path: Path, *, shared: bool) -> int | None:
    """The open file whose lock is held now, or None while another process has it.

    Raises:
        HarnessError: the file cannot be opened, or its file system has no locks: waiting would never end.
    """
    handle, taken = _open(path), False
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        taken = os.fstat(handle).st_ino == path.stat().st_ino  # else somebody cleaned the folder meanwhile
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError as error:
        raise HarnessError(_unusable(path, error), reason="no_lock") from error
    finally:
        if not taken:
            os.close(handle)
    return handle if taken else None


def _open(path: Path) -> int:
    """Open a lock file, of whatever user: ``O_CREAT`` would be refused in a sticky folder for those of others."""
    try:
        try:
            handle = os.open(path, _OPEN | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(handle, 0o666)
        except FileExistsError:
            try:
                handle = os.open(path, _OPEN | os.O_RDWR)
            except PermissionError:
                handle = os.open(path, _OPEN | os.O_RDONLY)  # enough for flock
    except OSError as error:
        raise HarnessError(_unusable(path, error), reason="no_lock") from error
    return handle


def _write(handle: int, text: str) -> None:
    with suppress(OSError):  # a full disk, or a file that may only be read
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


def _held_by(pid: int | None) -> str:
    """Who holds a lock, in words; nothing where that is not known."""
    return "" if pid is None else f", which pid {pid} holds{_command(pid)}"


def _command(pid: int) -> str:
    """The beginning of a process's command line, in brackets."""
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        if command:
            return f" ({command if len(command) <= LONGEST_COMMAND else f'{command[: LONGEST_COMMAND - 3]}...'})"
    return ""


def _unusable(path: Path, error: OSError) -> str:
    return (
        f"{path}: cannot be used for locks ({error.strerror}); name a folder that can: {FOLDER_VARIABLE}=FOLDER for "
        "devices, HARNESS_HOME=FOLDER for sweeps"
    )
