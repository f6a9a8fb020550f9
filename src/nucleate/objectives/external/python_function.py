"""Objectives computed by a person's Python function, in a worker process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nucleate.core.errors import SettingsError
from nucleate.core.processes import Worker
from nucleate.objectives.exchange import Exchange
from nucleate.objectives.external.function_worker import Reply, serve
from nucleate.objectives.property import Answer, ObjectiveProperty, answering
from nucleate.settings.objectives import PythonSource

_DIED = "died"


class FunctionHost:
    """A worker process that imports the function and calls it, replaced when it hangs or dies.

    Args:
        source: the function and its limits.
        folder: see `load_function`.

    Attributes:
        each: whether the function takes one structure; known once it was started.
        description: first line of its docstring; likewise.
    """

    def __init__(self, source: PythonSource, folder: Path | None = None):
        self.source, self.folder = source, folder
        self.each, self.description = False, ""
        self._worker: Worker | None = None

    def start(self) -> Worker:
        """Start the worker unless it runs.

        Raises:
            SettingsError: the function cannot be imported, or not in time.
        """
        if self._worker is not None and self._worker.process.is_alive():
            return self._worker
        self.close()
        folder = None if self.folder is None else str(self.folder)
        source = self.source
        worker = Worker(serve, source.python, folder, source.arguments, source.each)
        self._worker = worker
        kind, value = self._reply(source.start_timeout)
        if kind != "ready":
            self.close()
            raise SettingsError(
                value
                if kind == "refused"
                else f"objective {source.python!r}: importing it failed: {value}"
            )
        self.each, self.description = value["each"], value["description"]
        return worker

    def answers(self, structures: Sequence[str]) -> list[Answer]:
        """One answer per structure.

        Args:
            structures: as the function is given them.

        Raises:
            SettingsError: the function cannot be imported, or returns something else than one
                number per structure.
        """
        try:
            self.start()
            if self.each:
                return self._one_by_one(structures)
            found = self._call(structures)
            if isinstance(found, list):
                return found
            if len(structures) == 1:
                return [Answer.failed(found)]
            # One structure is to blame; the others shall not pay for it.
            return [answer for structure in structures for answer in self.answers([structure])]
        except BaseException:
            self.close()
            raise

    def _call(self, structures: Sequence[str]) -> list[Answer] | str:
        """Answers of one call, or why it failed."""
        reply = self._ask(structures) or self._reply(self.source.timeout)
        return self._read(reply)

    def _one_by_one(self, structures: Sequence[str]) -> list[Answer]:
        answers: list[Answer] = []
        while len(answers) < len(structures):
            self.start()
            reply = self._ask(structures[len(answers) :])
            while len(answers) < len(structures):
                reply = reply or self._reply(self.source.timeout)
                found = self._read(reply)
                answers += found if isinstance(found, list) else [Answer.failed(found)]
                if reply[0] == _DIED:
                    break  # a new worker gets the rest
                reply = None
        return answers

    def _ask(self, structures: Sequence[str]) -> Reply | None:
        """Send structures; a reply only where the worker is gone."""
        try:
            self.start().connection.send(list(structures))
        except OSError:
            return self._gone()
        return None

    def _reply(self, timeout: float) -> Reply:
        """What the worker says, or `_DIED` and why; then it is gone."""
        if self._worker is None:
            return self._gone()
        try:
            if not self._worker.connection.poll(timeout):
                self.close()
                return _DIED, f"took longer than {timeout:g} s"
            reply: Reply = self._worker.connection.recv()
        except (EOFError, OSError):
            return self._gone()
        return reply

    def _gone(self) -> Reply:
        code = None if self._worker is None else self._worker.exit_code()
        self.close()
        return _DIED, f"its process died (exit code {code})"

    def _read(self, reply: Reply) -> list[Answer] | str:
        kind, value = reply
        if kind == "wrong":
            raise SettingsError(f"objective {self.source.python!r}: the function {value}")
        if kind == "values":
            return [
                Answer.failed("the function returned None")
                if number is None
                else Answer(number, "" if math.isfinite(number) else f"returned {number}")
                for number in value
            ]
        return str(value)

    def close(self) -> None:
        """Kill the worker and all that the function started."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()


def python_property(
    source: PythonSource, exchange: Exchange, folder: Path | None = None
) -> ObjectiveProperty:
    """A property computed by a person's function; its worker is started at once.

    Args:
        exchange: writes structures for it.
        folder: see `load_function`.

    Raises:
        SettingsError: the function cannot be imported; names it.
    """
    host = FunctionHost(source, folder)
    host.start()
    about: Any = host.description
    description = f"Python function {source.python}" + (f": {about}" if about else "")

    def answers(structures: Sequence[str]) -> list[Answer]:
        return exchange.answers(structures, host.answers)

    return answering(source.column_name(), source.unit, description, answers, host.close)
