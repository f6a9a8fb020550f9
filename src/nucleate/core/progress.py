"""Progress: bars on a terminal, a line now and then elsewhere if somebody listens."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

_LOG = logging.getLogger(__name__)
SHARE, SECONDS = 0.1, 120.0
"""Between two lines lie at least this share of the whole and this time."""

Say = Callable[[str], None]
"""Takes a line for people."""


def log(text: str) -> None:
    """Say it to the log, which is silent unless a program listens."""
    _LOG.info("%s", text)


def say(text: str) -> None:
    """Say it on standard error, bars left whole."""
    tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()


class Lines:
    """Lines now and then, for log files; none where a terminal shows a bar.

    Args:
        what: is done, in words.
        total: that is to be done.
    """

    def __init__(self, what: str, total: int, say: Say):
        self.what, self.total = what, total
        self._say = None if sys.stderr.isatty() else say
        self._last: tuple[int, float] | None = None  # done, and when

    def report(self, done: int, more: str = "") -> None:
        """Say how far it is: at the start, and then where enough is done and time has passed."""
        now = time.monotonic()
        if self._say is None or done >= self.total:
            return
        if self._last is not None:
            before, then = self._last
            if done - before < SHARE * self.total or now - then < SECONDS:
                return
        self._last = (done, now)
        self._say(f"{self.what}: {done:,} of {self.total:,} scored{more}.")


def bar(
    items: Iterable[Any] | None = None,
    *,
    description: str,
    total: int | None = None,
    unit: str = "it",
) -> tqdm[Any]:
    """A bar over the items (or to be updated by hand), shown on a terminal and in a notebook."""
    hidden = False if _in_notebook() else None  # None: where standard error is no terminal
    return tqdm(
        items, desc=description, total=total, unit=unit, disable=hidden, leave=False, smoothing=0.1
    )


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    interactive = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(interactive).__name__ == "ZMQInteractiveShell"


@contextmanager
def loss_bar(description: str, steps: int) -> Iterator[Callable[[int, float], None]]:
    """A bar over the steps of an optimisation; give what it yields each step's number and loss."""
    with bar(description=description, total=steps) as progress:

        def report(_step: int, loss: float) -> None:
            progress.update()
            progress.set_postfix(loss=f"{loss:.3f}", refresh=False)

        yield report
