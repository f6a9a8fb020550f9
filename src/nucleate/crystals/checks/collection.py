"""Checks that compare crystals: with the known ones, and with each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.config import Positive, Settings
from nucleate.crystals.checks.geometry import failure
from nucleate.crystals.describe import composition, reduced_formula
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.gene import from_string
from nucleate.crystals.matching import match
from nucleate.errors import DatasetError, StructureError
from nucleate.matter import Candidate, Check, Verdict

Fractions = NDArray[np.float32]


def fractions_of(crystal: str) -> Fractions:
    """Atomic fractions by atomic number, [len(NUMBERS) + 1].

    Raises:
        StructureError: not a Wyckoff string.
    """
    gene = from_string(crystal)
    amounts = np.zeros(len(NUMBERS) + 1, dtype=np.float32)
    for site in gene.sites:
        amounts[site.number] += gene.group.position(site.letter).primitive_multiplicity
    return amounts / amounts.sum()


class NovelCheck(Check):
    """Known are the training and reference structures and the bundled set."""

    name = "novel"
    description = "No known crystal of its formula matches (StructureMatcher)"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`.

        The value is the distance to the nearest known composition: half the sum of differences of
        atomic fractions, 0 for the same formula, 1 for no common element.
        """
        return [self._one(candidate.structure) for candidate in candidates]

    @cached_property
    def _known(self) -> tuple[list[str], Fractions, dict[bytes, list[int]]]:
        """Known crystals, their atomic fractions [n, elements], and places by rounded fractions."""
        crystals: list[str] = []
        rows: list[Fractions] = []
        for crystal in dict.fromkeys([*self.context.known, *bundled()]):
            try:
                rows.append(fractions_of(crystal))
            except StructureError:
                continue
            crystals.append(crystal)
        places: dict[bytes, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            places[_rounded(row)].append(place)
        return crystals, np.array(rows).reshape(len(rows), -1), places

    def _one(self, crystal: str) -> Verdict:
        crystals, fractions, places = self._known
        try:
            mine = fractions_of(crystal)
        except StructureError as error:
            return failure(error)
        for place in places.get(_rounded(mine), ()):
            if match(crystal, crystals[place]):
                reason = "StructureMatcher maps it onto a known crystal"
                return Verdict(False, value=0.0, reason=reason, columns=_columns(crystals[place]))
        if not crystals:
            return Verdict(True)
        distance = np.abs(fractions - mine).sum(axis=1) / 2
        best = int(distance.argmin())
        return Verdict(
            True, value=round(float(distance[best]), 4), columns=_columns(crystals[best])
        )


class StillNovelCheck(NovelCheck):
    """Relaxation can turn a new crystal into a known one."""

    name = "still_novel"
    description = "No known crystal matches the relaxed one either"


def _rounded(fractions: Fractions) -> bytes:
    return np.round(fractions * 1e4).astype(np.int32).tobytes()


@cache
def bundled() -> dict[str, str]:
    """Wyckoff string -> id of the bundled set; empty where it is not installed."""
    from nucleate.crystals.hull import read_reference
    from nucleate.paths import data_folder

    try:
        found = read_reference(data_folder() / "prototypes.parquet")
    except DatasetError:
        return {}
    return dict(zip(found["crystal"], found["id"], strict=True))


def _columns(crystal: str) -> dict[str, Any]:
    return {
        "nearest_known": crystal,
        "nearest_known_formula": reduced_formula(crystal),
        "nearest_known_id": bundled().get(crystal, ""),
    }


class DiverseOptions(Settings):
    per_formula: Positive = 2
    """Candidates of one reduced formula at most."""
    per_system: Positive = 5
    """Candidates of one set of elements at most."""


class DiverseCheck(Check):
    """The best of each kind rather than the best kind over and over."""

    name = "diverse"
    description = "Few of one formula and of one chemical system, no two the same"
    Options = DiverseOptions

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the value is the place within the chemical system."""
        options: DiverseOptions = self.options
        kept: dict[str, list[str]] = defaultdict(list)
        systems: Counter[str] = Counter()
        verdicts = []
        for candidate in candidates:
            crystal = candidate.structure
            try:
                formula = reduced_formula(crystal)
                system = "-".join(sorted(composition(crystal)))
            except StructureError as error:
                verdicts.append(failure(error))
                continue
            reason = ""
            if any(match(crystal, other) for other in kept[formula]):
                reason = "the same crystal as a better candidate"
            elif len(kept[formula]) >= options.per_formula:
                reason = f"{options.per_formula} better candidates have the same formula"
            elif systems[system] >= options.per_system:
                reason = f"{options.per_system} better candidates have the same elements"
            else:
                kept[formula].append(crystal)
                systems[system] += 1
            columns = {"chemical_system": system}
            verdicts.append(Verdict(not reason, systems[system], reason, columns))
        return verdicts
