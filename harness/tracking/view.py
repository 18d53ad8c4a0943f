"""How the experiment presents itself in MLflow's page: its kind, its headline columns, its charts, its description.

The page of MLflow 3.13-3.17 has fixed default columns; other columns come from a *saved view*, an experiment tag
``mlflow.sharedViewState.<id>`` that is listed under "Views" and opens with ``?viewStateShareKey=<id>``. Its format was
read in the page's own code (``server/js``, MLflow 3.17.2): an envelope with ``name``, ``createdAt`` and a ``state`` in
JSON. Versions without that list read the tag itself as the state, so the state's keys stand in the envelope as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

VIEW_ID = "harness"
VIEW_NAME = "Benchmark"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_ID}"

_CREATED_MS = 1_767_225_600_000  # a constant: the tag's value changes with the view only, never with the time
# Column -> width in pixels, in the order of the page.
_COLUMNS = {
    "params.`batchsize`": 90,
    "metrics.`throughput`": 105,
    "metrics.`latency_ms`": 105,
    "params.`device`": 170,
    "params.`precision`": 85,
    "params.`backend`": 110,
    "tags.`harness.source`": 120,
    "tags.`harness.outcome`": 125,
    "tags.`harness.verdict`": 120,
    "metrics.`interval_percent`": 125,
    "metrics.`peak_memory_gb`": 130,
    "params.`weights`": 130,
    "tags.`harness.sweep`": 190,
}
_BARS = ("throughput", "latency_ms", "interval_percent", "peak_memory_gb")
_AXES = (("precision", "batchsize"), ("latency_ms", "throughput"))


def view_query() -> str:
    """The query that opens the saved view, to be appended to ``/#/experiments/<id>/runs``."""
    return f"?workflowType=machine_learning&viewStateShareKey={VIEW_ID}"


def experiment_tags() -> dict[str, str]:
    """The tags that an experiment is created with. ``mlflow.experimentKind`` opens it in the "Model training" view."""
    return {
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": "throughput",
        "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
        VIEW_TAG: _view(),
    }


def description(experiment_id: str) -> str:
    """The Markdown at the top of the experiment's page: how to see the benchmark's columns, and what a run is."""
    page = f"#/experiments/{experiment_id}/runs{view_query()}"
    return (
        f"Benchmark sweeps, one run a cell. **[Open the benchmark table]({page})** "
        "with throughput, latency, batch size and device as columns (also under *Views*).\n\n"
        "`throughput` is in samples/s, `latency_ms` the median per batch; both are means over processes with 95 % "
        "intervals (`interval_percent` is the half width of the throughput's). Runs are filled from records; "
        "group them by the tag `harness.sweep`."
    )


def _view() -> str:
    state = _state()
    envelope = {"name": VIEW_NAME, "createdAt": _CREATED_MS, "updatedAt": _CREATED_MS, "state": json.dumps(state)}
    return json.dumps({**state, **envelope})


def _state() -> Mapping[str, Any]:
    return {
        "selectedColumns": list(_COLUMNS),
        "columnOrder": list(_COLUMNS),
        "columnWidths": _COLUMNS,
        "hideEmptyCharts": True,
        "isAccordionReordered": True,
        "compareRunSections": [
            _section("Benchmark"),
            _section("repeat"),
            _section("Model metrics"),
            _section("wall_s"),
        ],
        "compareRunCharts": _charts(),
    }


def _section(name: str) -> dict[str, Any]:
    """A fold of the chart page; ``Model metrics`` is the page's own name for metrics without a path."""
    return {
        "uuid": f"harness-{name}",
        "name": name,
        "display": True,
        "isReordered": name == "Benchmark",
        "deleted": False,
        "isGenerated": name != "Benchmark",
    }


def _charts() -> list[dict[str, Any]]:
    """The charts that stand first; the page adds one for every other metric."""
    bars = [_chart("BAR", metric, {"metricKey": metric}) for metric in _BARS]
    line = {
        "metricKey": "repeat/throughput",
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisScaleType": "linear",
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "useGlobalXaxisKey": False,
        "range": {},
    }
    parallel = {"selectedParams": list(_AXES[0]), "selectedMetrics": list(_AXES[1]), "showAllRuns": False}
    return [
        *bars,
        _chart("LINE", "throughput by round", line),
        _chart("PARALLEL", "what the throughput depends on", parallel),
    ]


def _chart(kind: str, name: str, details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uuid": f"harness-{kind}-{name}",
        "type": kind,
        "runsCountToCompare": 20,
        "metricSectionId": "harness-Benchmark",
        "deleted": False,
        "isGenerated": False,
        "displayName": name,
        **details,
    }
