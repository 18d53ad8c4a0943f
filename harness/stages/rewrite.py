"""Stage rewrite: apply the rules that the model's YAML names to the simplified graph, or to the exported one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from harness.config.schema import Settings
from harness.records.schema import Artifact
from harness.stages.keys import graph_sources, stage_key
from harness.stages.request import Request

T = TypeVar("T")

VERSION = 1
OWN = ("apply", "arithmetic", "indices", "output_resize", "ranges", "roll")
"""The modules of ``harness.graph.rules`` that decide what a rule does."""
CONSUMES = ("simplified", "exported")
"""The first of them that there is, is rewritten."""


def key(settings: Settings, inputs: Mapping[str, Artifact]) -> str:
    """The cache key: the file, the rules in their order, and the source of all rules."""
    from harness.graph.rules import BUILT_IN, ENTRY_POINT_GROUP, KEY, NOUN
    from harness.plugins import target_of

    names = settings.model.graph.rules
    targets = [target_of(name, BUILT_IN, ENTRY_POINT_GROUP, KEY, NOUN) for name in names]
    foreign = {target.partition(":")[0] for target in targets if target not in BUILT_IN.values()}
    files = [importlib.import_module(module).__file__ for module in sorted(foreign)]
    own = graph_sources("batch", "constants", *(f"rules/{name}" for name in OWN))
    return stage_key(
        "rewrite",
        VERSION,
        inputs={"onnx": _first(inputs).sha256},
        config={"rules": list(zip(names, targets, strict=True))},
        tools=("onnxscript", "onnx-ir", "onnx"),
        sources=(*own, *(Path(file) for file in files if file)),
    )


def run(request: Request, inputs: Mapping[str, Path], folder: Path) -> tuple[dict[str, Path], dict[str, object]]:
    """Write ``rewritten`` (ONNX); the info says how often each rule fired, and notes those that never did."""
    from harness.graph.inspect import inspect_onnx
    from harness.graph.rules import rule
    from harness.graph.rules.apply import rewrite_onnx

    target = folder / "rewritten.onnx"
    fired = rewrite_onnx(_first(inputs), target, [rule(name) for name in request.settings.model.graph.rules])
    idle = ", ".join(name for name, count in fired.items() if not count)
    notes = [f"graph rules that never fired, for lack of what they change: {idle}"] if idle else []
    return {"rewritten": target}, {"graph": {**asdict(inspect_onnx(target)), "rules": fired}, "notes": notes}


def _first(inputs: Mapping[str, T]) -> T:
    return next(inputs[name] for name in CONSUMES if name in inputs)
