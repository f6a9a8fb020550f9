"""Jobs of the tests' worker processes; a module of its own, since they must import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from nucleate.core.parallel import note_step
from nucleate.matter.checks import Candidate, EachCheck, Verdict

HANGS, EXITS, CRASHES = 7, 13, 21
_seen: dict[str, Any] = {}


def remember(value: Any) -> None:
    _seen["value"] = value


def squares(chunk: Sequence[int]) -> list[int]:
    out = []
    for number in chunk:
        note_step(number)
        if number == HANGS:
            time.sleep(100)
        if number == EXITS:
            os._exit(5)
        if number == CRASHES:
            os.kill(os.getpid(), signal.SIGSEGV)
        out.append(number * number)
    return out


def remembered(chunk: Sequence[int]) -> list[Any]:
    return [_seen.get("value") for _ in chunk]


def raising(chunk: Sequence[int]) -> list[int]:
    raise ZeroDivisionError("a bug, not an item's fault")


class Hostile(EachCheck):
    """Hangs on fluorine, dies on chlorine, raises on bromine, rejects iodine."""

    name = "hostile"
    description = "no halogen"

    def one(self, candidate: Candidate) -> Verdict:
        if "F" in candidate.structure:
            time.sleep(100)
        if "Cl" in candidate.structure:
            os._exit(9)
        if "Br" in candidate.structure:
            raise RuntimeError("bromine")
        return Verdict("I" not in candidate.structure, reason="holds iodine")


class Interrupted(EachCheck):
    """Is interrupted at the candidate that `stop_at` names, once."""

    name = "interrupted"
    description = "runs on, mostly"
    stop_at = ""
    judged: list[str] = []  # noqa: RUF012 (a test looks at it)

    def one(self, candidate: Candidate) -> Verdict:
        if candidate.structure == Interrupted.stop_at:
            Interrupted.stop_at = ""
            raise KeyboardInterrupt
        Interrupted.judged.append(candidate.structure)
        return Verdict("N" not in candidate.structure, len(candidate.structure), "holds nitrogen")


class NoCheck:
    """Something else."""
