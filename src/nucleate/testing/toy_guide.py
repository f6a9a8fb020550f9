"""The toy matter with conditions: nearness to a lead, a part to keep, allowed numbers, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings
from nucleate.matter.conditions import Columns, Constraint, Guide, ScaffoldConstraint
from nucleate.matter.identity import Identity
from nucleate.matter.part import part
from nucleate.testing.toy_matter import ToyMatter, parse, write


class ToyConditions(Settings):
    exclude: tuple[int, ...] = ()


class ToyGrowth(ScaffoldConstraint):
    """Keeps the first number: "3,*"."""

    minimum_size = 1

    def __init__(self, text: str):
        self.first = int(text.partition(",")[0])
        self.part = write([self.first, 0, 0, 0])

    def legality(self, count: int, generator: np.random.Generator) -> Any:
        raise NotImplementedError

    def holds(self, structures: Sequence[str]) -> np.ndarray:
        return np.array([parse(s)[0] == self.first for s in structures], np.bool_)


class ToyConstraint(Constraint):
    def __init__(self, exclude: tuple[int, ...]):
        self.exclude = exclude

    def starting_points(self, structures: Sequence[str]) -> tuple[list[str], np.ndarray]:
        kept = [write([v + (v in self.exclude) for v in parse(s)]) for s in structures]
        return kept, np.zeros(len(kept), np.int64)

    def legality(self, ways: np.ndarray) -> Any:
        raise NotImplementedError

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        held = [bool(set(parse(s)) & set(self.exclude)) for s in structures]
        return {}, ["excluded" if h else "" for h in held]


class ToyGuide(Guide):
    Options = ToyConditions

    def read(self, text: str, where: str) -> str:
        try:
            return write(parse(text))
        except ValueError:
            raise SettingsError(f"{where}: {text!r} is not a list of numbers") from None

    def constraint(self, conditions: Any, codec: Any) -> Constraint | None:
        asked = self.options(conditions)
        return ToyConstraint(asked.exclude) if asked.exclude else None

    def similarities(self, structures: Sequence[str], reference: str) -> np.ndarray:
        lead = np.array(parse(reference))
        found = [1 / (1 + np.abs(np.array(parse(s)) - lead).sum()) for s in structures]
        return np.array(found, np.float64)

    def growth(self, text: str, codec: Any, where: str) -> ScaffoldConstraint:
        return ToyGrowth(text)


class GuidedIdentity(Identity):
    split_kinds = ("random", "first", "last")

    def split_key(self, structure: str, kind: str) -> str:
        return str(parse(structure)[0 if kind == "first" else -1])


class GuidedMatter(ToyMatter):
    identity = part(GuidedIdentity)
    guide = part(ToyGuide)
