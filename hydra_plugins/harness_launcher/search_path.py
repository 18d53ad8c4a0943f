"""Where Hydra finds the named sweeps: ``sweeps/`` beside ``conf/``, in a checkout and in a wheel."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from harness.config.locate import conf_dir, sweeps_dir


class HarnessSearchPath(SearchPathPlugin):
    """Adds ``sweeps/`` to the search path of this application and of no other Hydra application in the environment."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra once the primary folder is known."""
        primary = [element.path for element in search_path.get_path() if element.provider == "main"]
        if primary and primary[0] is not None and primary[0].removeprefix("file://") == str(conf_dir()):
            search_path.append("harness", f"file://{sweeps_dir()}")
