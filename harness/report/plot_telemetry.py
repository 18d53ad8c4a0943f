"""The curve of a cell's telemetry: a panel for each quantity that its device tells, a line for each round."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from harness.records.schema import Record

PANELS = {
    "power_w": ("power", "W", 1.0),
    "temperature_c": ("temperature", "°C", 1.0),
    "clock_mhz": ("clock", "MHz", 1.0),
    "utilisation_percent": ("utilisation", "%", 1.0),
    "memory_used_bytes": ("memory in use", "GB", 1e-9),
    "host_load": ("host load (1 min)", "", 1.0),
}
"""What is drawn, from top to bottom: title, unit, and the factor from the series to it."""
DOTS_PER_INCH = 150

Curve = tuple[list[float], list[float]]


def telemetry_plot(record: Record, folder: Path) -> bytes | None:
    """The PNG file, over the seconds since each round's first reading; None for a record without a series."""
    curves = {repeat.round: _curves(folder / repeat.telemetry.file) for repeat in record.repeats if repeat.telemetry}
    shown = [name for name in PANELS if any(name in each for each in curves.values())]
    if not shown:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from harness.report.plot_style import COLOURS, DASHES, FAINT, style

    with style():
        figure = Figure(figsize=(8, 1.1 + 1.35 * len(shown)), layout="constrained", dpi=DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for plot, name in zip(axes, shown, strict=True):
            title, unit, factor = PANELS[name]
            for place, (number, each) in enumerate(sorted(curves.items())):
                if name in each:
                    times, values = each[name]
                    plot.plot(
                        times,
                        [value * factor for value in values],
                        color=COLOURS[place % len(COLOURS)],
                        linestyle=DASHES[place % len(DASHES)],
                        linewidth=1.1,
                        label=f"round {number}",
                    )
            plot.set_title(f"{title}, {unit}" if unit else title, loc="left", fontsize=9, color=FAINT)
            plot.grid(axis="y")
            plot.margins(x=0)
            if name == "utilisation_percent":
                plot.set_ylim(-3, 103)
        axes[-1].set_xlabel("seconds since the sampler's first reading: rest, loading, warm-up, timed iterations")
        figure.suptitle(f"{record.name}: telemetry", x=0.01, ha="left", fontsize=11)
        if len(curves) > 1:
            axes[0].legend(
                loc="lower right", bbox_to_anchor=(1, 1), ncols=min(len(curves), 5), frameon=False, fontsize=8
            )
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _curves(file: Path) -> dict[str, Curve]:
    """Seconds since the first reading and values by quantity; nothing where the file is not there."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row.get("time_s")]
    except OSError:
        return {}
    found: dict[str, Curve] = {}
    for row in rows:
        since = float(row["time_s"]) - float(rows[0]["time_s"])
        for name in PANELS:
            if row.get(name):
                times, values = found.setdefault(name, ([], []))
                times.append(since)
                values.append(float(row[name]))
    return found
