"""Checks that compare crystals: with the known ones, and with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals.checks.geometry import failure
from nucleate.crystals.energy.hull import bundled
from nucleate.crystals.geometry.crystal_distance import STRUCTURE_UNIT, average_minimum_distances
from nucleate.crystals.geometry.describe import composition, fractions_of, reduced_formula
from nucleate.crystals.geometry.lookup import (
    composition_distances,
    features,
    prototype,
    reduced_composition,
)
from nucleate.crystals.wyckoff.matching import maps_onto
from nucleate.matter.checks import Candidate, Check, Verdict
from nucleate.novelty.common_checks import Accepted, BestFirstCheck, UnlikePicks
from nucleate.novelty.index import Hit, Reference, references_of
from nucleate.novelty.keys import digests

COMPARED = 50
"""Known crystals of a prototype, from each source, whose neighbour distances are compared."""


class NovelOptions(Settings):
    matches: Positive = 50
    """Known crystals of the same reduced composition, those of the nearest structure first, that
    StructureMatcher looks at (25 ms each); further ones count as different. Beyond a structure
    distance of 0.3, 3 of 300 pairs of Materials Project crystals match, and none of 240 carbons."""
    prototypes: bool = False
    """Whether to tell, too, which known crystals of other elements have the same prototype (space
    group and Wyckoff letters). It rejects nothing."""


class NovelCheck(Check):
    """Known are the training and reference structures and the bundled set.

    Columns: `nearest_known` (Wyckoff string), `nearest_known_formula`, `nearest_known_source`
    (file and row), `nearest_known_id`, `nearest_known_composition_distance` and, where the
    compositions are equal, `nearest_known_structure_distance` (`crystal_distance`). With
    `prototypes` also `prototype`, `prototype_known` (the formula of the known crystal of that
    prototype whose neighbour distances are the most alike) and `prototype_known_count`.
    """

    name = "novel"
    description = "No known crystal of its composition matches (gene, then StructureMatcher)"
    Options = NovelOptions
    limit = "no match"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`.

        The value is the distance to the nearest known composition: half the sum of differences of
        atomic fractions, 0 for the same formula, 1 for no common element.
        """
        return [self._guarded(candidate.structure) for candidate in candidates]

    @cached_property
    def _references(self) -> list[Reference]:
        found = references_of(self.context, "crystals")
        own = bundled()
        if own:
            found.append(_bundled_reference(tuple(own), tuple(own.values())))
        return found

    def _guarded(self, crystal: str) -> Verdict:
        try:
            return self._one(crystal)
        except StructureError as error:
            return failure(error)

    def _one(self, crystal: str) -> Verdict:
        own = fractions_of(crystal)
        columns = self._prototype(crystal) if self.options.prototypes else {}
        gene = digests([crystal])
        for reference in self._references:
            entry = int(reference.first("structure", gene)[0])
            if entry >= 0:
                found = _columns(reference.hit(entry), 0.0, 0.0)
                return Verdict(False, 0.0, "is known: the same gene", columns=found | columns)
        alike = self._of_composition(crystal)
        for distance, hit in alike[: self.options.matches]:
            if maps_onto(crystal, hit.structure):
                found = _columns(hit, 0.0, distance)
                reason = "StructureMatcher maps it onto a known crystal"
                return Verdict(False, 0.0, reason, columns=found | columns)
        if alike:
            distance, hit = alike[0]
            return Verdict(True, 0.0, columns=_columns(hit, 0.0, distance) | columns)
        nearest = self._nearest(own)
        if nearest is None:
            return Verdict.unjudged("no known crystals to compare with", columns=columns)
        value, hit = nearest
        return Verdict(True, value, columns=_columns(hit, value) | columns)

    def _of_composition(self, crystal: str) -> list[tuple[float, Hit]]:
        """Known crystals of the same reduced composition and how far their structures are, the
        nearest first."""
        key = reduced_composition(crystal)
        own = average_minimum_distances(crystal)
        found: dict[str, tuple[float, Hit]] = {}
        for reference in self._references:
            for entry in reference.every("composition", key).tolist():
                hit = reference.hit(entry)
                if hit.structure not in found:
                    there = _minimum_distances(hit.structure)
                    distance = float(np.abs(there - own).mean()) / STRUCTURE_UNIT
                    found[hit.structure] = distance, hit
        return sorted(found.values(), key=lambda one: (one[0], one[1].structure))

    def _nearest(self, own: NDArray[np.float64]) -> tuple[float, Hit] | None:
        """The known crystal of the nearest composition, and the exact distance."""
        best: tuple[float, Hit] | None = None
        for reference in self._references:
            if not reference.sketches.shape[1]:
                continue
            place = int(composition_distances(own, reference.sketches).argmin())
            hit = reference.hit(int(reference.sketched[place]))
            distance = float(np.abs(fractions_of(hit.structure) - own).sum() / 2)
            if best is None or distance < best[0]:
                best = round(distance, 4), hit
        return best

    def _prototype(self, crystal: str) -> dict[str, Any]:
        """Columns on known crystals of the same prototype and other elements."""
        key, composed = prototype(crystal), reduced_composition(crystal)
        own = average_minimum_distances(crystal)[0]
        count, best, nearest = 0, np.inf, ""
        for reference in self._references:
            entries = reference.every("prototype", key).tolist()
            count += len(entries)
            for entry in entries[:COMPARED]:
                known = reference.hit(entry).structure
                if reduced_composition(known) == composed:
                    continue
                distance = float(np.abs(_minimum_distances(known)[0] - own).mean())
                if distance < best:
                    best, nearest = distance, reduced_formula(known)
        told = {"prototype": key, "prototype_known_count": count}
        return told | {"prototype_known": nearest or None}


class StillNovelCheck(NovelCheck):
    """Relaxation can turn a new crystal into a known one."""

    name = "still_novel"
    description = "No known crystal matches the relaxed one either"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `NovelCheck.run`. The column `novel_value` becomes that of the relaxed crystal too;
        the former one stays as `novel_value_before_relaxation`."""
        return [
            replace(verdict, columns=dict(verdict.columns) | _renamed(candidate, verdict))
            for candidate, verdict in zip(candidates, super().run(candidates), strict=True)
        ]


def _renamed(candidate: Candidate, verdict: Verdict) -> dict[str, Any]:
    if "novel_value" not in candidate.columns or "relaxation_value" not in candidate.columns:
        return {}
    before = candidate.columns["novel_value"]
    return {"novel_value": verdict.value, "novel_value_before_relaxation": before}


@lru_cache(maxsize=100_000)
def _minimum_distances(crystal: str) -> NDArray[np.float64]:
    return average_minimum_distances(crystal)


@lru_cache(maxsize=1)
def _bundled_reference(crystals: tuple[str, ...], ids: tuple[str, ...]) -> Reference:
    return Reference.of("the bundled set", crystals, "crystals", ids=ids)


def _columns(hit: Hit, composition: float, structure: float | None = None) -> dict[str, Any]:
    return {
        **hit.columns(),
        "nearest_known_formula": reduced_formula(hit.structure),
        "nearest_known_composition_distance": composition,
        "nearest_known_structure_distance": None if structure is None else round(structure, 4),
    }


class DiverseOptions(Settings):
    per_formula: Positive = 2
    """Candidates of one reduced formula at most."""
    per_system: Positive = 5
    """Candidates of one set of elements at most."""


class DiverseCheck(BestFirstCheck):
    """The best of each kind rather than the best kind over and over."""

    name = "diverse"
    description = "Few of one formula and of one chemical system, no two the same"
    Options = DiverseOptions

    def beside(self, structure: str, place: int, accepted: Accepted) -> Verdict:
        """See `BestFirstCheck.beside`; the value is the place within the chemical system."""
        options: DiverseOptions = self.options
        formula = reduced_formula(structure)
        system = "-".join(sorted(composition(structure)))
        same = accepted.members[formula]
        if any(maps_onto(structure, other) for other in same):
            reason = "the same crystal as a better candidate"
        elif len(same) >= options.per_formula:
            reason = f"{options.per_formula} better candidates have the same formula"
        else:
            reason = accepted.full(system, options.per_system, "the same elements")
        if not reason:
            same.append(structure)
            accepted.groups[system] += 1
        columns = {"chemical_system": system}
        return Verdict(not reason, accepted.groups[system], reason, columns)


class PicksCheck(UnlikePicks):
    """Each pick is the one farthest from those picked before it (Gonzalez, Theor. Comput. Sci.
    1985, 38, 293), by the distance of compositions and structures (see
    `geometry.crystal_distance`); see `UnlikePicks`."""

    description = "So many crystals, each as unlike those picked before it as can be"

    def describe(self, structure: str) -> Any:
        """See `features`."""
        return features(structure)

    def pick(self, described: Sequence[Any], number: int) -> list[tuple[int, float | None]]:
        """See `UnlikePicks.pick`."""
        (first, _), *others = farthest_first(np.array(described), number)
        return [(first, None), *others]


def farthest_first(points: NDArray[np.float32], number: int) -> list[tuple[int, float]]:
    """Rows of points [n, k], the first one first, then the one farthest from all before, at most
    `number`; and the L1 distance of each to the nearest before it."""
    if not len(points):
        return []
    picked = [(0, float("inf"))]
    nearest = np.abs(points - points[0]).sum(1)
    nearest[0] = -1.0
    while len(picked) < min(number, len(points)):
        place = int(nearest.argmax())
        picked.append((place, float(nearest[place])))
        nearest = np.minimum(nearest, np.abs(points - points[place]).sum(1))
        nearest[place] = -1.0
    return picked
