"""A home with an initialised store, and a look at what MLflow holds. Making a store takes seconds: it is done once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.tracking.store import open_store, quiet_mlflow, resolve_uri


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MLflow calls SQLAlchemy in a way that SQLAlchemy 2.1 deprecates; that is theirs to settle."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"))


@pytest.fixture(scope="session")
def blank_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of a store without experiments of ours, to be copied. From here on SQLite waits for no disk."""
    import sqlalchemy

    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "connect")
    def hurry(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    home = tmp_path_factory.mktemp("blank")
    with open_store(resolve_uri(None, home), home):
        pass
    return home / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, blank_store: Path) -> Path:
    """A harness home whose MLflow store is initialised and empty."""
    folder = tmp_path / "mlruns"
    folder.mkdir()
    shutil.copyfile(blank_store, folder / "mlflow.db")
    return folder


class Look:
    """What a user of MLflow would find in a home's store."""

    def __init__(self, home: Path) -> None:
        quiet_mlflow()
        from mlflow import MlflowClient

        self.client: Any = MlflowClient(tracking_uri=resolve_uri(None, home))

    def experiment(self, name: str = "harness") -> Any:
        return self.client.get_experiment_by_name(name)

    def runs(self, name: str = "harness") -> list[Any]:
        """Active runs, by name."""
        found = self.client.search_runs([self.experiment(name).experiment_id])
        return sorted(found, key=lambda run: (run.info.run_name, run.data.tags["harness.record_id"]))

    def run(self) -> Any:
        """The only run."""
        (run,) = self.runs()
        return run

    def artifacts(self, run: Any, path: str | None = None) -> list[str]:
        """All files of a run."""
        found = []
        for item in self.client.list_artifacts(run.info.run_id, path):
            found += self.artifacts(run, item.path) if item.is_dir else [item.path]
        return sorted(found)

    def everything(self, run: Any) -> dict[str, Any]:
        """All that is known of a run and does not change from one publication to another."""
        tags = {key: value.replace(run.info.run_id, "<run>") for key, value in run.data.tags.items()}
        history = {
            key: [
                (metric.step, metric.timestamp, metric.value)
                for metric in self.client.get_metric_history(run.info.run_id, key)
            ]
            for key in run.data.metrics
        }
        return {
            "name": run.info.run_name,
            "status": run.info.status,
            "times": (run.info.start_time, run.info.end_time),
            "params": dict(run.data.params),
            "tags": tags,
            "metrics": history,
            "artifacts": self.artifacts(run),
        }

    def close(self) -> None:
        self.client._tracking_client.store.engine.dispose()


@pytest.fixture
def look(home: Path) -> Iterator[Look]:
    looking = Look(home)
    yield looking
    looking.close()
