"""`constraints.txt` pins everything the project asks for, inside the ranges of pyproject.toml, on every Python."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(python: str) -> dict[str, str]:
    """Name to version on one Python."""
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate({"python_version": python}):
                (specifier,) = pin.specifier
                assert specifier.operator == "=="
                name = canonicalize_name(pin.name)
                assert name not in found, f"{name} is pinned twice on Python {python}"
                found[name] = specifier.version
    return found


def requirements() -> list[Requirement]:
    listed = project()
    extras = listed["project"]["optional-dependencies"].values()
    texts = listed["project"]["dependencies"] + listed["dependency-groups"]["dev"] + listed["build-system"]["requires"]
    texts += [text for extra in extras for text in extra]
    return [Requirement(text) for text in texts if not text.startswith(listed["project"]["name"])]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_within_its_range(python: str) -> None:
    pinned = pins(python)
    for requirement in requirements():
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            version = pinned.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement.name} has no pin on Python {python}"
            assert requirement.specifier.contains(version), f"{requirement} does not allow {version}"


def test_torch_is_pinned_exactly() -> None:
    assert {pins(python)["torch"] for python in PYTHONS} == {"2.13.0"}


def test_what_the_pinned_packages_need_is_pinned_too() -> None:
    """As far as this environment tells: every installed dependency of a requirement, and of theirs, has a pin."""
    pinned = pins(f"{sys.version_info.major}.{sys.version_info.minor}")
    waiting = [requirement.name for requirement in requirements()]
    seen: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        assert name in pinned, f"{name} has no pin"
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in needed:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    assert {"numpy", "sqlalchemy"} <= seen
