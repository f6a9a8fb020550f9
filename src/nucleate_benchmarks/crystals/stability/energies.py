"""CHGNet's energies on the scale of a data set's own: regressed references, and the set's hull.

CHGNet (Deng et al. 2023) and a data set differ by a reference energy for each element. Those are
fitted to crystals of the set, E_CHGNet - E_set = sum of x_Z mu_Z (eV/atom, x_Z atomic fractions),
by least absolute deviations, since a few odd crystals must not decide: iteratively reweighted least
squares. Then CHGNet's energies can be held against the hull of the set's own entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError, SettingsError
from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.energy.hull import Hull
from nucleate.crystals.geometry.describe import composition, fractions_of
from nucleate.datasets.resumable import map_to_lines
from nucleate_benchmarks.crystals.data import CrystalData, CrystalSet

ENOUGH = 8
"""Crystals with an element that the choice of fitting crystals tries to have."""
FEWEST = 3
"""Crystals with an element from which its reference counts."""
ITERATIONS = 60
SMALLEST_RESIDUAL = 1e-4
"""eV/atom below which a residual has its full weight."""
RIDGE = 1e-8
HELD_OUT = 0.2
"""Share of the crystals on which the fit is judged."""
Progress = Callable[[int], object]


def choose(crystals: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Places of `count` crystals: those that rare elements need first, then at random."""
    order = np.random.default_rng(seed).permutation(len(crystals)).tolist()
    if count >= len(crystals):
        return np.array(order, np.int64)
    seen: Counter[str] = Counter()
    needed: list[int] = []
    others: list[int] = []
    for place in order:
        present = set(composition(crystals[place]))
        wanted = len(needed) < count and any(seen[symbol] < ENOUGH for symbol in present)
        (needed if wanted else others).append(place)
        seen.update(present if wanted else ())
    return np.array([*needed, *others][:count], np.int64)


def least_absolute(
    fractions: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients [m] that minimise the sum of |values - fractions @ coefficients|.

    Args:
        fractions: [n, m].
        values: [n].
    """
    weights: NDArray[np.float64] = np.ones(len(values))
    coefficients: NDArray[np.float64] = np.zeros(fractions.shape[1])
    for _ in range(ITERATIONS):
        weighed = fractions * weights[:, None]
        matrix = fractions.T @ weighed + RIDGE * np.eye(fractions.shape[1])
        coefficients = np.linalg.solve(matrix, weighed.T @ values).astype(np.float64)
        residual = np.abs(values - fractions @ coefficients)
        weights = 1 / np.maximum(residual, SMALLEST_RESIDUAL)
    return coefficients


@dataclass(frozen=True)
class References:
    """Energies of the elements that take CHGNet's scale to the data set's.

    Attributes:
        values: float64 [len(NUMBERS) + 1] by atomic number, eV/atom; NaN without a reference.
        crystals: how many the fit rests on.
        median_error: absolute, on crystals held out of a fit to the others, eV/atom.
        mean_error: likewise.
    """

    values: NDArray[np.float64]
    crystals: int
    median_error: float
    mean_error: float

    @classmethod
    def fit(cls, crystals: Sequence[str], differences: NDArray[np.float64]) -> References:
        """References from crystals and CHGNet's energy less the set's, eV/atom, NaN left out.

        Raises:
            SettingsError: fewer than ten crystals have both energies.
        """
        known = np.flatnonzero(np.isfinite(differences))
        if len(known) < 10:
            raise SettingsError(
                f"only {len(known)} crystals have both a CHGNet energy and one in the data; "
                "regressing references needs ten"
            )
        rows = np.array([fractions_of(crystals[i]) for i in known.tolist()], np.float64)
        values = differences[known]
        held = np.arange(len(known)) % round(1 / HELD_OUT) == 0
        judged = _fit(rows[~held], values[~held])
        errors = np.abs(values[held] - _apply(judged, rows[held]))
        errors = errors[np.isfinite(errors)]
        median, mean = (float(f(errors)) if len(errors) else np.nan for f in (np.median, np.mean))
        return cls(_fit(rows, values), len(known), float(median), float(mean))

    def formation(
        self, crystals: Sequence[str], energies: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """CHGNet energies [n] on the data's scale, eV/atom; NaN without a reference."""
        if not len(crystals):
            return np.zeros(0)
        rows = np.array([fractions_of(crystal) for crystal in crystals], np.float64)
        return energies - _apply(self.values, rows)

    def summary(self) -> dict[str, Any]:
        """For the report."""
        return {
            "crystals": self.crystals,
            "held-out median error": round(self.median_error, 4),
            "held-out mean error": round(self.mean_error, 4),
            "elements": int(np.isfinite(self.values).sum()),
        }


def _fit(rows: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = (rows > 0).sum(axis=0)
    present = counts > 0
    out = np.full(rows.shape[1], np.nan)
    out[present] = least_absolute(rows[:, present], values)
    out[counts < FEWEST] = np.nan
    return out


def _apply(values: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of fractions times references [n]; NaN where one is missing."""
    total: NDArray[np.float64] = rows @ np.nan_to_num(values)
    total[((rows > 0) & np.isnan(values)).any(axis=1)] = np.nan
    return total


def single_points(crystals: list[str], device: str) -> list[float | None]:
    """CHGNet energies as they are, eV/atom, as plain values for worker processes."""
    from nucleate.crystals.energy.energy_model import energy_model
    from nucleate.crystals.properties import energies

    found = energies(crystals, energy_model(device=device))
    return [float(e) if np.isfinite(e) else None for e in found]


def chgnet_energies(
    crystals: Sequence[str],
    file: Path | None = None,
    processes: int = 1,
    device: str = "cpu",
    done: Progress = lambda count: None,
) -> NDArray[np.float64]:
    """CHGNet energies of crystals as they are, eV/atom; NaN where CHGNet is not asked."""
    found = map_to_lines(
        partial(single_points, device=device),
        crystals,
        file,
        processes=processes if device == "cpu" else 1,
        chunk=32,
        done=done,
    )
    return np.array([np.nan if e is None else e for e in found], np.float64)


def labelled(data: CrystalData) -> CrystalSet:
    """All crystals of a set that have an energy.

    Raises:
        SettingsError: none has.
    """
    crystals = [c for part in data.parts for c in part.crystals]
    energies = np.concatenate([part.energies for part in data.parts])
    heights = np.concatenate([part.heights for part in data.parts])
    places = np.flatnonzero(np.isfinite(energies))
    if not len(places):
        raise SettingsError(
            f"{data.name}: no energies, which this suite needs; featurize with `--property "
            "formation_energy_per_atom`, or name a column of energies per atom with `--energy`"
        )
    return CrystalSet(crystals, energies, heights).rows(places)


def data_hull(data: CrystalData) -> Hull:
    """Hull of a set's entries, of all splits.

    Formation energies put the elements at zero. Where the set tells how far its entries lie above
    their publisher's hull, that hull's energy at their compositions counts as well.
    """
    entries = labelled(data)
    formulas: list[dict[str, int]] = [composition(c) for c in entries.crystals]
    energies = entries.energies.tolist()
    below = entries.energies - entries.heights
    for place in np.flatnonzero(np.isfinite(below) & (entries.heights > 0)).tolist():
        formulas.append(formulas[place])
        energies.append(float(below[place]))
    if data.formation:
        present = {symbol for amounts in formulas for symbol in amounts}
        formulas += [{symbol: 1} for symbol in sorted(present, key=NUMBERS.__getitem__)]
        energies += [0.0] * len(present)
    return _hull(formulas, energies)


def _hull(formulas: Sequence[dict[str, int]], energies: Sequence[float]) -> Hull:
    names = ["".join(f"{s}{n}" for s, n in amounts.items()) for amounts in formulas]
    return Hull(names, energies)


@dataclass(frozen=True)
class EnergyReference:
    """CHGNet's energies and a set's hull on one scale."""

    references: References
    hull: Hull

    def heights(
        self, crystals: Sequence[str], energies: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """eV/atom above the hull [n] of CHGNet energies [n]; NaN without reference or hull."""
        formation = self.references.formation(crystals, energies)
        out = np.full(len(crystals), np.nan)
        for place, crystal in enumerate(crystals):
            if np.isfinite(formation[place]):
                try:
                    out[place] = formation[place] - self.hull.hull_energy(composition(crystal))
                except (NucleateError, ValueError):
                    continue
        return out


def build_ruler(
    data: CrystalData,
    count: int,
    seed: int,
    file: Path | None = None,
    processes: int = 1,
    device: str = "cpu",
    done: Progress = lambda count: None,
) -> EnergyReference:
    """Fit the references to `count` crystals of the set and build its hull.

    Args:
        file: CHGNet energies that are kept.

    Raises:
        SettingsError: the set has no energies, or too few that CHGNet can compute.
    """
    entries = labelled(data)
    chosen = entries.rows(choose(entries.crystals, count, seed))
    energies = chgnet_energies(chosen.crystals, file, processes, device, done)
    return EnergyReference(
        References.fit(chosen.crystals, energies - chosen.energies), data_hull(data)
    )


def missing_elements(references: References) -> list[str]:
    """Symbols without a reference, of those that crystals are made of."""
    return [s for s in SYMBOLS[:94] if not np.isfinite(references.values[NUMBERS[s]])]
