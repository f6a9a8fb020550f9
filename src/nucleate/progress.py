"""Progress bars on a terminal, silence elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def bar(
    items: Iterable[Any] | None = None,
    *,
    description: str,
    total: int | None = None,
    unit: str = "it",
) -> tqdm[Any]:
    """A bar over the items (or to be updated by hand) that shows only on a terminal."""
    return tqdm(
        items, desc=description, total=total, unit=unit, disable=None, leave=False, smoothing=0.1
    )
