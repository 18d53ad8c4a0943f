"""Where Hydra finds this package's YAML files: with it installed, `model=ds_cnn` needs no `--config-dir`."""

from __future__ import annotations

from importlib.resources import files

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from harness.config.locate import conf_dir


class ExampleSearchPath(SearchPathPlugin):
    """Adds the folder ``conf`` of the package to the harness's search path, and to no other Hydra application's."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra once the application's own folder is known."""
        if any(str(element.path).removeprefix("file://") == str(conf_dir()) for element in search_path.get_path()):
            search_path.append("harness-example", f"file://{files('harness_example') / 'conf'}")
