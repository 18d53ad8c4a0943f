"""``python -m harness --help`` without Hydra, which would spend a second on listing the groups.

The text is the same: the template of ``conf/hydra/help/harness.yaml``. ``--help`` beside overrides goes through Hydra.
"""

from __future__ import annotations

import string
from pathlib import Path

from harness.config.locate import conf_dir, sweeps_dir


def help_text() -> str:
    """The help page, as Hydra would print it."""
    import yaml

    page = yaml.safe_load((conf_dir() / "hydra" / "help" / "harness.yaml").read_text(encoding="utf-8"))
    return string.Template(page["template"]).substitute(APP_CONFIG_GROUPS=_listed(conf_dir(), sweeps_dir()))


def _listed(*folders: Path) -> str:
    """A line for each group: its name and its choices."""
    choices: dict[str, set[str]] = {}
    for folder in folders:
        for file in folder.glob("*/**/*.yaml"):
            group = file.parent.relative_to(folder).as_posix()
            choices.setdefault(group, set()).add(file.stem)
    groups = sorted(group for group in choices if group.split("/")[0] != "hydra")
    return "".join(f"{group}: {', '.join(sorted(choices[group]))}\n" for group in groups)
