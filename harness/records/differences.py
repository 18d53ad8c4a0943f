"""What differs between what a record was made with and what is here now, as old and new of one thing each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.records.schema import Artifact

ABSENT = "absent"
_COMMIT = 12
_LEFT_OUT = frozenset({"user", "platform", "harness.git.branch", "harness.git.remote", "variables.HARNESS_HOME"})
"""Facts of the environment that say nothing of how a cell runs, or that others say as well."""
_DEVICE_LEFT_OUT = frozenset({"health", "name", "kind", "kernel", "memory_total_bytes", "host.memory_total_bytes"})


@dataclass(frozen=True)
class Difference:
    """One thing, such as ``torch`` or ``checkpoint``, as it was then and as it is now."""

    what: str
    old: str
    new: str


def environment_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What differs between two environments as :func:`harness.records.provenance.environment` gives them.

    A fact that either side does not know is no difference, but a package or variable is absent where it is not named.
    """
    found = []
    was, here = dict(_flat(old)), dict(_flat(new))
    for key in dict.fromkeys([*was, *here]):
        listed = key.startswith(("packages.", "variables."))
        if key in _LEFT_OUT or key == "harness.git.dirty" or (not listed and not (key in was and key in here)):
            continue
        if was.get(key) != here.get(key):
            name = key.removeprefix("packages.").removeprefix("variables.").replace("harness.git.", "harness ")
            found.append(Difference(name.replace(".", " "), _shown(was.get(key)), _shown(here.get(key))))
    dirty = [bool(each.get("harness.git.dirty")) for each in (was, here)]
    if any(dirty):
        words = ["changed by hand" if each else "as committed" for each in dirty]
        found.append(Difference("harness checkout", *words))
    return found


def device_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What differs between two identities of a device: its model, driver, firmware, clocks that were fixed."""
    was, here = dict(_flat(old)), dict(_flat(new))
    common = [key for key in was if key in here and key not in _DEVICE_LEFT_OUT and not key.endswith(".kernel")]
    changed = [key for key in common if was[key] != here[key]]
    return [Difference(f"device {key.replace('.', ' ')}", _shown(was[key]), _shown(here[key])) for key in changed]


def tool_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What differs between the tools and options that two measurements named; one that is not named yet is none."""
    return [
        Difference(f"tool {name}", _shown(old[name]), _shown(new[name]))
        for name in old
        if name in new and old[name] != new[name]
    ]


def package_differences(old: Sequence[str], new: Sequence[str], known: Iterable[str]) -> list[Difference]:
    """One line on all other packages than the ``known`` ones, both lists as ``name==version``."""
    was, here = (dict(each.partition("==")[::2] for each in listed) for listed in (old, new))
    skipped = set(known)
    names = [name for name in sorted({*was, *here}) if name not in skipped and was.get(name) != here.get(name)]
    if not names or not was:
        return []
    before = ", ".join(f"{name} {was.get(name, ABSENT)}" for name in names[:3])
    now = ", ".join(f"{name} {here.get(name, ABSENT)}" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [Difference("other packages", before + more, now + more)]


def artifact_differences(
    old: Mapping[str, Artifact], new: Mapping[str, Artifact]
) -> tuple[list[Difference], list[str]]:
    """The artifacts that are other files now, by their SHA-256, and the names of those that are the same."""
    names = [name for name in dict.fromkeys([*old, *new]) if name != "reference"]  # what parity compares with
    changed = [name for name in names if _hash(old.get(name)) != _hash(new.get(name))]
    found = [
        Difference(f"artifact {name}", _shown(_hash(old.get(name))), _shown(_hash(new.get(name)))) for name in changed
    ]
    return found, [name for name in names if name not in changed]


def _hash(artifact: Artifact | None) -> str | None:
    return artifact.sha256 if artifact else None


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _shown(value: Any) -> str:
    """A value on one line; hashes and commits by their beginning."""
    if value is None:
        return ABSENT
    text = " ".join(str(value).split())
    return text[:_COMMIT] if len(text) in {40, 64} and all(each in "0123456789abcdef" for each in text) else text
