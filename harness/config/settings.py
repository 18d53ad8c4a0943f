"""A composed cell becomes its settings: the schema first, then the options that a model family or a backend checks."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from harness.config.schema import DatasetSettings, Settings
from harness.config.validate import refusal, validated
from harness.errors import ConfigError
from harness.graph.rules import check_rules
from harness.models.files import check_model, is_file, with_name


def settings_from(
    values: Mapping[str, Any], *, given: Collection[str] = (), origins: Mapping[str, str] | None = None
) -> Settings:
    """Validate one composed cell, the options of its model family and of its backend included."""
    origins = origins or {}
    if isinstance(values.get("model"), Mapping):
        values = {**values, "model": with_name(values["model"])}
    settings = validated(Settings, values, given=given, origins=origins)
    from harness.backends.registry import given_options

    model, backend = settings.model, settings.backend
    check_model(model)
    check_rules(model.graph.rules)
    if not is_file(model):
        _check_options("model", model.kind, json.dumps(dict(model.options)), frozenset(given), origins.get("model"))
    data = settings.dataset
    _check_options("dataset", data.kind, json.dumps(dict(data.options)), frozenset(given), origins.get("dataset"))
    given_backend = json.dumps(given_options(backend))
    _check_options("backend", backend.kind, given_backend, frozenset(given), origins.get("backend"))
    return settings


@functools.lru_cache(maxsize=256)
def _check_options(owner: str, kind: str, options_json: str, given: frozenset[str], origin: str | None) -> None:
    """Let a model's family or a backend check its options; remembered, as the cells of a sweep share most of them."""
    options = json.loads(options_json)
    root: type | None = None
    try:
        if owner == "model":
            from harness.models.family import family

            family(kind).parse_options(options)
        elif owner == "dataset":
            from harness.datasets.registry import check_options

            check_options(DatasetSettings(kind=kind, options=options))
        else:
            from harness.backends.registry import backend_options, backend_type

            root = getattr(backend_type(kind), "Options", None)
            backend_options(kind).validate_python(options)
    except ValidationError as error:
        origins = {owner: origin} if origin else None
        raise ConfigError(refusal(error, root, prefix=f"{owner}.options.", given=given, origins=origins)) from error
