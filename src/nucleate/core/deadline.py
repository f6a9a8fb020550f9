"""The time that a command may take, all that it does included."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Deadline:
    """Tells how much of a limit is left.

    Args:
        minutes: that a command may take; None for as long as it needs.

    Attributes:
        seconds: the limit; infinite if there is none.
    """

    def __init__(self, minutes: float | None):
        self.seconds = math.inf if minutes is None else 60.0 * minutes
        self._begun = time.monotonic()

    def spent(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._begun

    def left(self) -> float:
        """Seconds; below 0 where it is over."""
        return self.seconds - self.spent()


class Costs:
    """Seconds that parts of a command took, so that time can be kept for doing them again."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun

    def __getitem__(self, name: str) -> float:
        return self.seconds[name]
