"""Progress bars on a terminal, silence elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def loss_bar(description: str, steps: int) -> Iterator[Callable[[int, float], None]]:
    """A bar over the steps of an optimisation; give what it yields each step's number and loss."""
    with bar(description=description, total=steps) as progress:

        def report(_step: int, loss: float) -> None:
            progress.update()
            progress.set_postfix(loss=f"{loss:.3f}", refresh=False)

        yield report
