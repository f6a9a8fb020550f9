"""Objectives computed by an external program.

The program reads one JSON object a line from its standard input,

    {"id": 0, "structure": "CCO", "smiles": "CCO"}

(crystals: `cif`, the text of a CIF; neither if `as = "structure"`) and writes, in any order, one a
line to its standard output:

    {"id": 0, "value": 1.23}
    {"id": 1, "error": "no conformer"}

Whatever it wrote before it crashed or its time was over counts, provided that it flushed its
output. Structures without an answer are asked again, one per call, `retries` times.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.objectives.exchange import Exchange
from nucleate.objectives.external.programs import Children, Finished, find_program
from nucleate.objectives.property import Answer, ObjectiveProperty, answering
from nucleate.settings.objectives import CommandSource

_SHOWN = 60


@dataclass(frozen=True)
class Output:
    """A program's output, read.

    Attributes:
        answers: by id.
        garbage: lines that are no answers.
    """

    answers: dict[int, Answer]
    garbage: tuple[str, ...]


def read_output(text: str, count: int) -> Output:
    """Answers of a program for ids below `count`; of two for the same id the later one counts."""
    answers: dict[int, Answer] = {}
    garbage = []
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            item = None
        number = _number(item, count)
        if number is None or not ("value" in item or "error" in item):
            garbage.append(line.strip())
        else:
            answers[number] = _answer(item)
    return Output(answers, tuple(garbage))


def _number(item: Any, count: int) -> int | None:
    """The id of an answer, or None if it has no valid one."""
    number = item.get("id") if isinstance(item, dict) else None
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number[:18])  # some programs quote whatever they were given
    valid = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < count
    return number if valid else None


def _answer(item: dict[str, Any]) -> Answer:
    if item.get("error"):
        return Answer.failed(str(item["error"]))
    value = item.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Answer.failed(f"the value is not a number: {json.dumps(value)[:_SHOWN]}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return Answer(number) if math.isfinite(number) else Answer.failed(f"the value is {number}")


def why_missing(finished: Finished, output: Output, timeout: float) -> str:
    """Why a structure has no answer, for a person to act upon."""
    parts = [f"no answer within {timeout:g} s" if finished.code is None else "no answer"]
    if output.garbage:
        count, first = len(output.garbage), output.garbage[0][:_SHOWN]
        parts.append(f"{count} line{'s' * (count > 1)} of output no answer, first: {first!r}")
    if finished.code is not None:
        parts.append(f"return code {finished.code}")
    # The end of the complaints is what tells; `Answer.failed` cuts at the other end.
    room = max(0, 390 - len("; ".join(parts)))
    if finished.complaints and room:
        parts.append(f"stderr: {finished.complaints[-room:]}")
    return "; ".join(parts)


class CommandObjective:
    """Runs a program on batches of structures.

    Args:
        source: the program and its limits.
        exchange: writes what a structure is given as besides `structure`.
        folder: that the program runs in; the working folder if None.

    Raises:
        SettingsError: see `find_program`.
    """

    def __init__(self, source: CommandSource, exchange: Exchange, folder: Path | None = None):
        self.source, self.exchange, self.folder = source, exchange, folder
        self.command = (str(find_program(source.command[0], folder)), *source.command[1:])

    def answers(self, structures: Sequence[str]) -> list[Answer]:
        """One answer per structure; never raises for what the program does."""
        answers: list[Answer] = [Answer.failed("not asked")] * len(structures)
        written = self.exchange.write(structures)
        for position, reason in written.reasons.items():
            answers[position] = Answer.failed(reason)
        items = {
            position: {"structure": structures[position]}
            | ({self.exchange.key: text} if self.exchange.key else {})
            for position, text in zip(written.kept, written.texts, strict=True)
        }
        asked = written.kept
        for attempt in range(self.source.retries + 1):
            size = self.source.batch if attempt == 0 else 1
            batches = [asked[i : i + size] for i in range(0, len(asked), size)]
            found = self._run([[items[i] for i in batch] for batch in batches])
            missing = []
            for batch, (given, reason) in zip(batches, found, strict=True):
                for place, position in enumerate(batch):
                    answers[position] = given.get(place) or Answer.failed(reason)
                    if place not in given:
                        missing.append(position)
            asked = missing
            if not asked:
                break
        return answers

    def _run(
        self, batches: Sequence[Sequence[dict[str, str]]]
    ) -> list[tuple[dict[int, Answer], str]]:
        """For each batch its answers by place, and why others are missing."""
        children = Children()
        pool = ThreadPoolExecutor(self.source.slots)
        try:
            calls = [pool.submit(self._call, children, batch) for batch in batches]
            return [call.result() for call in calls]
        except BaseException:  # Ctrl-C above all
            children.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _call(
        self, children: Children, batch: Sequence[dict[str, str]]
    ) -> tuple[dict[int, Answer], str]:
        lines = [json.dumps({"id": place, **item}) + "\n" for place, item in enumerate(batch)]
        timeout = self.source.timeout
        try:
            finished = children.run(self.command, "".join(lines), timeout, self.folder)
        except OSError as error:
            return {}, f"cannot be started: {error}"
        output = read_output(finished.output, len(batch))
        return output.answers, why_missing(finished, output, timeout)


def command_property(
    source: CommandSource, exchange: Exchange, folder: Path | None = None
) -> ObjectiveProperty:
    """A property computed by an external program; see `CommandObjective`.

    Raises:
        SettingsError: see `find_program`.
    """
    objective = CommandObjective(source, exchange, folder)
    description = f"external program {' '.join(source.command)}"
    return answering(source.column_name(), source.unit, description, objective.answers)
