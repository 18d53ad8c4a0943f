"""The charts of a sweep, from its records only: throughput and latency as PNG files.

matplotlib is imported when a chart is drawn: it takes a second, and the table is on the screen by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from harness.records.schema import Record
from harness.report.charts import draw
from harness.report.plot_series import Quantity, chart
from harness.report.reading import record_row


def sweep_plots(records: Sequence[Record]) -> dict[str, bytes]:
    """The PNG files by name, ``throughput.png`` and ``latency.png``; none where nothing was measured.

    Over batch sizes each series (model, device, precision, backend, whatever else was swept) is a line; with a single
    batch size each cell is one. Estimates bear their 95 % intervals, cells without figures are marked, and so is what
    was simulated or published by somebody else. Equal records give equal bytes with equal fonts and matplotlib.
    """
    rows = [record_row(record, record.name) for record in records]
    drawn = {}
    for quantity in get_args(Quantity):
        wanted = chart(rows, quantity)
        if wanted is not None:
            drawn[f"{quantity}.png"] = draw(wanted, "en", ("png",))["png"]
    return drawn
