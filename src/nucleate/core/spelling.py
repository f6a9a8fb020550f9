"""Names like a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that are likest to a misspelt one, whatever their case; the likest first."""
    by_case: dict[str, str] = {}
    for own in known:
        by_case.setdefault(own.lower(), own)
    found = difflib.get_close_matches(name.lower(), by_case, n=most)
    return [by_case[lowered] for lowered in found]
