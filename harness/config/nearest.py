"""The nearest valid choice, for messages that refuse something."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def nearest(given: str, choices: Iterable[str]) -> str | None:
    """The choice that was most likely meant, letters in another order first; None when none is near."""
    valid = sorted(choices)
    folded = {choice.casefold(): choice for choice in valid}
    found = difflib.get_close_matches(given.casefold(), folded, n=3, cutoff=0.6)
    swapped = [choice for choice in found if sorted(choice) == sorted(given.casefold())]
    if found:
        return folded[(swapped or found)[0]]
    beginnings = [choice for key, choice in folded.items() if len(given) > 1 and key.startswith(given.casefold())]
    return beginnings[0] if beginnings else None


def natural(text: str) -> list[tuple[bool, int, str]]:
    """A key to sort by as people do: ``swin99`` before ``swin100``, ``4`` before ``16``."""
    parts = re.split(r"([0-9]{1,18})", text)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def suggestion(given: str, choices: Iterable[str], kind: str = "choices") -> str:
    """The end of a refusal: the nearest choice and the list of all, as ``did you mean 'x'? (choices: a, b, x)``."""
    valid = sorted(choices, key=natural)
    if not valid:
        return f"there are no {kind} here"
    near = nearest(given, valid)
    listed = f"{kind}: {', '.join(valid)}"
    return f"did you mean '{near}'? ({listed})" if near else listed
