"""What was found where records may lie, before it is read: the bytes of a ``record.json``, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """The MLflow run that a record was published to: its store's URI without secrets, and its ids."""

    uri: str
    experiment_id: str
    run_id: str

    @property
    def page(self) -> str:
        """The run's page: a whole address where the store is a server, else what follows that of ``mlflow ui``."""
        page = f"#/experiments/{self.experiment_id}/runs/{self.run_id}"
        return f"{self.uri.rstrip('/')}/{page}" if self.uri.startswith(("http://", "https://")) else page


@dataclass(frozen=True)
class Found:
    """``content`` of the record at ``place`` (a folder, or a run of a store), or the ``problem`` that it has.

    ``folder`` is where the record's other files lie, where that is a folder of this machine, and ``home`` the harness
    home that it is part of, if any; ``run`` its MLflow run.
    """

    place: str
    content: bytes | None = None
    problem: str | None = None
    folder: Path | None = None
    home: Path | None = None
    run: Run | None = None
