"""The progress of a download as a bar in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from harness.models import download


@contextmanager
def download_bar(console: Console) -> Iterator[download.Progress | None]:
    """What `harness.models.pretrained.resolve` takes as ``progress``; None where ``console`` is no terminal.

    The bar appears with the first byte and stands above what is printed on ``console`` meanwhile.
    """
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        tasks = {}

        def progress(name: str, done_bytes: int, total_bytes: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total_bytes)
            bar.update(tasks[name], completed=done_bytes, total=total_bytes)

        yield progress
