"""What searches over crystals are asked to reach, and who judges whether they did.

A search is told cheap values of crystals as they are. The judge looks at a few of its best crystals
after relaxation, and for band gaps it is a regression that learnt from other crystals than the one
that the search asks.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError, SettingsError
from nucleate.crystals.geometry.comparison import ELEMENTS, STRUCTURE, CrystalComparison
from nucleate.crystals.geometry.describe import reduced_formula
from nucleate.crystals.properties import density, shortest_scaled_distance
from nucleate.regression.property_heads import (
    PropertyHead,
    explained_variance,
    fit_head,
    mean_prediction,
)
from nucleate_benchmarks.crystals.stability.energies import References
from nucleate_benchmarks.crystals.stability.stability import Relaxing, relax_rows
from nucleate_benchmarks.crystals.validity import SCALED, describe_one

FORMATION, DENSITY, GAP = "formation_energy", "density", "band_gap"
OBJECTIVES = (FORMATION, DENSITY, GAP)
LOWERED = 0.2
"""eV/atom by which the formation energy must have fallen."""
DENSITY_TOLERANCE = 0.05
"""Of the target."""
DENSITY_APART = 0.2
"""Least difference of the target from the start, of the start's density."""
GAP_TOLERANCE = 0.5
"""eV; about the error of the regressions."""
GAP_TARGETS = (1.0, 4.0)
"""eV, between which targets lie."""
GAP_APART = 1.0
"""eV between target and start at least."""
FARTHEST = 1.3
"""Shortest scaled distance above which nothing holds the atoms: a density of any size can be had by
widening a cell."""
LABELS = 1500
"""Crystals that each regression of an ensemble learns from at most."""
ASKED_HEADS, JUDGING_HEADS = 2, 3
Values = NDArray[np.float64]


class Calculator(Protocol):
    """Energies and relaxations; picklable, since worker processes use it."""

    def single_points(self, crystals: list[str]) -> list[float | None]:
        """Energies of crystals as they are, eV/atom."""

    def relax(self, crystals: list[str]) -> list[dict[str, Any]]:
        """Rows as of `crystals_stability.relax_rows`."""


@dataclass(frozen=True)
class Chgnet:
    """CHGNet as calculator.

    Attributes:
        how: relaxation.
    """

    how: Relaxing

    def single_points(self, crystals: list[str]) -> list[float | None]:
        from nucleate.crystals.energy.energy_model import energy_model
        from nucleate.crystals.properties import energies

        found = energies(crystals, energy_model(device=self.how.device))
        return [float(e) if np.isfinite(e) else None for e in found]

    def relax(self, crystals: list[str]) -> list[dict[str, Any]]:
        return relax_rows(crystals, self.how)


@dataclass(frozen=True)
class Start:
    """A test crystal that searches start from.

    Attributes:
        number: its place among the starts.
        crystal: as it is in the data.
        relaxed: after relaxation.
        energy: of that, eV/atom, by the calculator.
        near: training crystals nearest to it.
        judged: what the judges say of the relaxed crystal, by objective.
        targets: by objective that has one.
    """

    number: int
    crystal: str
    relaxed: str
    energy: float
    near: tuple[str, ...] = ()
    judged: Mapping[str, float] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)


class Objective(ABC):
    """One of `OBJECTIVES`."""

    name: ClassVar[str]
    unit: ClassVar[str]
    goal: ClassVar[str]

    @abstractmethod
    def search_values(self, crystals: Sequence[str]) -> Values:
        """Values of crystals as they are, [n]; NaN where there is none."""

    @abstractmethod
    def judge_values(self, crystals: Sequence[str], energies: Values) -> Values:
        """The judge's values of relaxed crystals [n], given the calculator's energies [n]."""

    def target(self, judged: float, rng: np.random.Generator) -> float | None:
        """A target for a start that is judged so; None if lower is better."""
        return None

    def score(self, values: Values, start: Start) -> Values:
        """What the search makes as large as it can."""
        return -np.abs(values - start.targets[self.name])

    @abstractmethod
    def is_reached(self, value: float, before: float, start: Start) -> bool:
        """Whether a value has reached the goal of a search from a start of value `before`."""


class FormationEnergy(Objective):
    """Formation energy by a calculator, on the data's scale; to be lowered."""

    name, unit = FORMATION, "eV/atom"
    goal = f"lower than the relaxed start's by more than {LOWERED:g} eV/atom"

    def __init__(self, references: References, calculator: Calculator):
        self.references, self.calculator = references, calculator

    def search_values(self, crystals: Sequence[str]) -> Values:
        found = self.calculator.single_points(list(crystals))
        return self.judge_values(crystals, np.array(found, np.float64))

    def judge_values(self, crystals: Sequence[str], energies: Values) -> Values:
        return self.references.formation(crystals, energies)

    def score(self, values: Values, start: Start) -> Values:
        return -values

    def is_reached(self, value: float, before: float, start: Start) -> bool:
        return value < before - LOWERED


class Density(Objective):
    """Mass density, to come near a target."""

    name, unit = DENSITY, "g/cm3"
    goal = f"within {DENSITY_TOLERANCE:.0%} of a test crystal's density"

    def __init__(self, targets: Values):
        self.targets = targets

    def search_values(self, crystals: Sequence[str]) -> Values:
        return np.array([_density(crystal) for crystal in crystals], np.float64)

    def judge_values(self, crystals: Sequence[str], energies: Values) -> Values:
        return self.search_values(crystals)

    def target(self, judged: float, rng: np.random.Generator) -> float | None:
        apart = self.targets[np.abs(self.targets - judged) > DENSITY_APART * judged]
        return float(rng.choice(apart)) if len(apart) else 1.5 * judged

    def is_reached(self, value: float, before: float, start: Start) -> bool:
        target = start.targets[self.name]
        return abs(value - target) <= DENSITY_TOLERANCE * target


class BandGap(Objective):
    """Band gap by a regression, to come near a target.

    Args:
        asks: told to the search.
        judges: learnt from other crystals.
    """

    name, unit = GAP, "eV"
    goal = f"within {GAP_TOLERANCE:g} eV of a target of {GAP_TARGETS[0]:g} to {GAP_TARGETS[1]:g} eV"

    def __init__(
        self,
        asks: Callable[[Sequence[str]], Values],
        judges: Callable[[Sequence[str]], Values],
    ):
        self.asks, self.judges = asks, judges

    def search_values(self, crystals: Sequence[str]) -> Values:
        return self.asks(crystals)

    def judge_values(self, crystals: Sequence[str], energies: Values) -> Values:
        return self.judges(crystals)

    def target(self, judged: float, rng: np.random.Generator) -> float | None:
        drawn = rng.uniform(*GAP_TARGETS, 1000)
        return float(drawn[int(np.argmax(np.abs(drawn - judged) >= GAP_APART))])

    def is_reached(self, value: float, before: float, start: Start) -> bool:
        return abs(value - start.targets[self.name]) <= GAP_TOLERANCE


def _density(crystal: str) -> float:
    try:
        return density(crystal)
    except (NucleateError, ValueError, ArithmeticError):
        return float("nan")


def acceptable(crystal: str) -> bool:
    """Valid (0.5 A, SMACT), without overlaps, and held together: else no value can be trusted."""
    one = describe_one(crystal)
    return one.valid and one.contacts and shortest_scaled_distance(crystal) <= FARTHEST


ACCEPTABLE = f"0.5 A, SMACT smact14, shortest distance {SCALED:g} to {FARTHEST:g} of the radii"


# Band gaps


@dataclass(frozen=True)
class Regression:
    """An ensemble of kernel ridge regressions on what crystals are compared by.

    Attributes:
        r2: of its mean, on the crystals that the other ensemble learnt from.
    """

    heads: tuple[PropertyHead, ...]
    labels: int
    r2: float | None = None

    def __call__(self, crystals: Sequence[str]) -> Values:
        """Means over the ensemble, eV; none below zero."""
        if not len(crystals):
            return np.zeros(0)
        return self.on(_points(crystals))

    def on(self, points: NDArray[np.float32]) -> Values:
        """Of features [n, F]."""
        return np.maximum(mean_prediction(self.heads, points), 0.0)


def _points(crystals: Sequence[str]) -> NDArray[np.float32]:
    found = CrystalComparison().features(crystals, [ELEMENTS, STRUCTURE])
    points: NDArray[np.float32] = np.concatenate([found[ELEMENTS], found[STRUCTURE]], axis=1)
    return points


def gap_regressions(
    crystals: Sequence[str], gaps: Values, seed: int
) -> tuple[Regression, Regression]:
    """The one that searches ask, and the judge. No formula is known to both.

    Args:
        crystals: with a label; test crystals must not be among them.
        gaps: eV, [n].

    Raises:
        SettingsError: too few labels.
    """
    points = _points(crystals)
    halves = np.array([zlib.crc32(reduced_formula(c).encode()) % 2 for c in crystals])
    found = []
    for half, count in ((0, ASKED_HEADS), (1, JUDGING_HEADS)):
        own, others = np.flatnonzero(halves == half), np.flatnonzero(halves != half)
        heads = []
        for number in range(count):
            rng = np.random.default_rng([seed, half, number])
            rows = rng.permutation(own)[:LABELS]
            heads.append(fit_head(GAP, points[rows], gaps[rows]))
        known = tuple(head for head in heads if head is not None)
        if not known:
            raise SettingsError(f"too few of the training crystals have a {GAP} to learn it")
        one = Regression(known, len(own))
        r2 = explained_variance(gaps[others], one.on(points[others]))
        found.append(Regression(known, len(own), r2))
    return found[0], found[1]
