"""Progress: bars on a terminal and in a notebook, a line now and then in the log of a command.

Code that takes long opens a `bar` over what it counts, or a `phase` where it counts nothing, and
knows nothing of where they show. Python sessions see bars on a terminal only; commands are
`listening`, so that their log files get lines.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from tqdm import tqdm

_LOG = logging.getLogger(__name__)
FIRST = 2.0
"""Seconds that something takes before it shows."""
COMMAND = "nucleate"
"""Description of the bar that stands for a command as a whole and speaks where no other does."""
Say = Callable[[str], None]
"""Takes a line for people."""


class _Command:
    """Whether a command is running, which shows lines too, or nothing if it is quiet."""

    listening = False
    quiet = False


@contextmanager
def listening() -> Iterator[None]:
    """Show what is done inside as a command does: bars, or lines where there is no terminal."""
    before = _Command.listening, _Command.quiet
    _Command.listening, _Command.quiet = True, False
    alive = None if _terminal() else bar(description=COMMAND)
    try:
        yield
    finally:
        if alive is not None:
            alive.close()
        _Command.listening, _Command.quiet = before


def be_quiet() -> None:
    """Show nothing to the end of the command."""
    _Command.quiet = True


def log(text: str) -> None:
    """Say it to the log, which is silent unless a program listens."""
    _LOG.info("%s", text)


def say(text: str) -> None:
    """Say it on standard error, bars left whole."""
    tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()


def tell(text: str) -> None:
    """Say it to whoever runs a command, else to the log."""
    (say if _Command.listening and not _Command.quiet else log)(text)


class _Bar(tqdm):  # type: ignore[misc]
    """A bar that moves while nothing is counted, too."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        if not self.disable:
            _open.append(self)
            _start_ticking()

    def close(self) -> None:
        _open[:] = [other for other in _open if other is not self]  # tqdm's own == is by position
        super().close()

    def tick(self) -> None:
        """Show how far it is."""
        if time.time() - self.start_t >= FIRST:
            self.delay = 0.0  # it has shown itself and must be wiped away at the end
            self.refresh(nolock=True)


class _Lines(_Bar):
    """A bar as lines: after some seconds, then ever more rarely, and at its end if it took long.

    Of several that are open one speaks: the outermost that knows its end, else the innermost.
    """

    def __init__(self, *arguments: Any, **options: Any):
        # What is over soon gets a line at its end only.
        self._due = FIRST if options.get("desc") == COMMAND else 2 * FIRST
        super().__init__(*arguments, **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        told = self.format_dict
        if told["elapsed"] >= self._due and self._speaks():
            self._due = told["elapsed"] + min(600.0, 10.0 + 0.2 * told["elapsed"])
            _print(state_line(told | {"prefix": self._place()}))
        return True

    def clear(self, *_: Any, **__: Any) -> None:
        """Wipe nothing: lines stay."""

    def close(self) -> None:
        if self.disable:
            return
        told = self.format_dict | {"prefix": self._place()}
        last = told["elapsed"] >= FIRST and self.desc != COMMAND and self._speaks()
        self.delay = float("inf")  # tqdm then writes nothing at the end
        super().close()
        if last:
            _print(end_line(told))

    def _speaks(self) -> bool:
        counted = (other for other in _open if other.total)
        return next(counted, _open[-1] if _open else None) is self

    def _place(self) -> str:
        """Its description after those of the phases around it."""
        around = takewhile(lambda other: other is not self, _open)
        named = [other.desc for other in around if not other.total and other.desc != COMMAND]
        return ": ".join([*named, self.desc])


_open: list[_Bar] = []
_ticking = threading.Lock()


def _start_ticking() -> None:
    if _ticking.acquire(blocking=False):
        threading.Thread(target=_tick, daemon=True, name="progress").start()


def _tick() -> None:
    """Move what is open, once a second."""
    while True:
        time.sleep(1.0)
        with tqdm.get_lock():
            for shown in _open:
                if not shown.disable:
                    shown.tick()


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def state_line(told: dict[str, Any]) -> str:
    """A bar's `format_dict` as a line: `screen: 40 %, 4,000 of 10,000 rows, 245/s, 00:24 left`."""
    done, total, elapsed = told["n"], told["total"], max(told["elapsed"], 1e-9)
    parts = []
    if total:
        parts += [
            f"{100 * done / total:.0f} %",
            f"{_count(done, told['unit'])} of {_counted(total, told)}",
        ]
    elif done:
        parts.append(_counted(done, told))
    rate = told["rate"] or (done - told["initial"]) / elapsed
    if done and rate > 0:
        parts.append(_rate(rate, told))
    if total and done and rate > 0:
        parts.append(f"{tqdm.format_interval(max(0.0, total - done) / rate)} left")
    else:
        parts.append(f"{tqdm.format_interval(elapsed)} so far")
    return _with_postfix(f"{told['prefix']}: {', '.join(parts)}", told)


def end_line(told: dict[str, Any]) -> str:
    """What was done in the end: `screen: 10,000 rows in 00:41, 245/s`."""
    done, elapsed = told["n"], max(told["elapsed"], 1e-9)
    took = tqdm.format_interval(elapsed)
    if not done:
        return f"{told['prefix']}: took {took}"
    parts = f"{_counted(done, told)} in {took}, {_rate(done / elapsed, told)}"
    return _with_postfix(f"{told['prefix']}: {parts}", told)


def _count(number: float, unit: str) -> str:
    return tqdm.format_sizeof(number) if unit == "B" else f"{number:,.0f}"


def _counted(number: float, told: dict[str, Any]) -> str:
    unit = told["unit"]
    if unit == "B":
        return f"{_count(number, unit)}B"
    return f"{_count(number, unit)} {unit}" + ("" if number == 1 else "s")


def _rate(rate: float, told: dict[str, Any]) -> str:
    if told["unit"] == "B":
        return f"{_count(rate, 'B')}B/s"
    return f"{rate:,.{0 if rate >= 100 else 1}f}/s" if rate >= 1 else f"{1 / rate:.3g} s each"


def _with_postfix(line: str, told: dict[str, Any]) -> str:
    return f"{line}; {told['postfix']}" if told["postfix"] else line


def bar(
    items: Iterable[Any] | None = None,
    *,
    description: str,
    total: float | None = None,
    unit: str = "step",
    **options: Any,
) -> tqdm[Any]:
    """A bar over the items, or to be updated by hand.

    Args:
        options: further ones of tqdm's.
    """
    terminal = _terminal()
    kind = _Bar if terminal else _Lines
    return kind(
        items,
        desc=description,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        disable=_Command.quiet or not (terminal or _Command.listening),
        leave=False,
        smoothing=0.1,
        delay=FIRST if _Command.listening else 0.0,
        **options,
    )


@contextmanager
def phase(description: str) -> Iterator[None]:
    """Show that something is at work that counts nothing."""
    with bar(description=description, bar_format="{desc} [{elapsed}]"):
        yield


def _terminal() -> bool:
    """Whether bars can be shown."""
    return sys.stderr.isatty() or _in_notebook()


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
