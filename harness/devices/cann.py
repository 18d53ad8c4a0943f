"""The CANN installation of an environment: toolkit, driver and firmware with their versions (ASCEND.md, f.2)."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = Path("/usr/local/Ascend")
INSTALL_FILE = Path("/etc/ascend_install.info")
"""Names the folder of driver and firmware where they are not in the default place."""
_VERSION = re.compile(r"^\s*(?:Version|version|package_version)\s*=\s*\[?\s*([\w.\-]+)", re.MULTILINE)


@dataclass(frozen=True)
class Installation:
    """What of CANN a process with that environment finds; None for what is not there.

    ``toolkit`` is the folder that ``set_env.sh`` names; ``unsourced`` one that is installed although nothing names it.
    """

    toolkit: Path | None
    toolkit_version: str | None
    driver_version: str | None
    firmware_version: str | None
    atc: str | None
    npu_smi: str | None
    unsourced: Path | None = None

    @property
    def set_env(self) -> Path:
        """The script that makes the toolkit known to a shell."""
        home = self.toolkit or self.unsourced or DEFAULT_ROOT / "ascend-toolkit" / "latest"
        inside, beside = home / "set_env.sh", home.parent / "set_env.sh"
        return inside if inside.is_file() else beside


def installation(environment: Mapping[str, str] | None = None) -> Installation:
    """Look around in an environment (default: this process's); runs nothing."""
    known = os.environ if environment is None else environment
    named = known.get("ASCEND_HOME_PATH") or known.get("ASCEND_TOOLKIT_HOME")
    toolkit = Path(named) if named and Path(named).is_dir() else None
    default = DEFAULT_ROOT / "ascend-toolkit" / "latest"
    roots = _roots(toolkit)
    path = known.get("PATH")
    return Installation(
        toolkit=toolkit,
        toolkit_version=_toolkit_version(toolkit) if toolkit else None,
        driver_version=_first_version(root / "driver" / "version.info" for root in roots),
        firmware_version=_first_version(root / "firmware" / "version.info" for root in roots),
        atc=shutil.which("atc", path=path),
        npu_smi=shutil.which("npu-smi", path=path),
        unsourced=default if toolkit is None and default.is_dir() else None,
    )


def _roots(toolkit: Path | None) -> list[Path]:
    """Where driver and firmware may lie: beside the toolkit, where the installer noted it, the default place."""
    found = list(toolkit.parents)[:3] if toolkit else []
    try:
        noted = re.search(r"^Driver_Install_Path_Param=(\S+)", INSTALL_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        noted = None
    return [*found, *([Path(noted[1])] if noted else []), DEFAULT_ROOT]


def _toolkit_version(toolkit: Path) -> str | None:
    machine = platform.machine()
    names = (
        f"{machine}-linux/ascend_toolkit_install.info",
        f"{machine}-linux/ascend_nnae_install.info",
        "ascend_toolkit_install.info",
        "version.info",
        "version.cfg",
    )
    return _first_version(toolkit / name for name in names)


def _first_version(files: Iterable[Path]) -> str | None:
    for file in files:
        try:
            found = _VERSION.search(file.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if found:
            return found[1]
    return None
