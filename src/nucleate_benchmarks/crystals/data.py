"""A featurized set of crystals as the benchmarks use it: strings and energies by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import InputError, SettingsError
from nucleate.crystals.geometry.describe import composition

RECORDS = "records.parquet"
ENERGIES = ("formation_energy_per_atom", "energy_per_atom")
"""Columns taken for the energy per atom, in this order, unless one is named."""
HEIGHTS = ("e_above_hull", "energy_above_hull")
"""Columns that tell how far an entry lies above its publisher's hull, eV/atom."""
Cutoffs = Literal["mp20", "perov5", "carbon24"]
COVERAGE_CUTOFFS: dict[str, tuple[float, float]] = {
    "mp20": (0.4, 10.0),
    "perov5": (0.2, 4.0),
    "carbon24": (0.2, 4.0),
}
"""Largest distance of structure and of composition fingerprints (CDVAE's compute_metrics.py)."""
PEROVSKITE_ATOMS = 5


@dataclass(frozen=True)
class CrystalSet:
    """Crystals of one split.

    Attributes:
        crystals: n canonical Wyckoff strings.
        energies: float64 [n], eV/atom as labelled; NaN where missing.
        heights: float64 [n], eV/atom above the publisher's hull; NaN where missing.
    """

    crystals: list[str]
    energies: NDArray[np.float64]
    heights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.crystals)

    def rows(self, places: NDArray[np.int64]) -> CrystalSet:
        """The chosen crystals, in the given order."""
        chosen = [self.crystals[i] for i in places.tolist()]
        return CrystalSet(chosen, self.energies[places], self.heights[places])


@dataclass(frozen=True)
class Region:
    """Which crystals are of a kind with those of a set: numbers of elements and of atoms.

    Attributes:
        elements: fewest and most different elements; None for no bounds at all.
        atoms: most atoms of a primitive cell.
    """

    elements: tuple[int, int] | None = None
    atoms: int = 0

    @classmethod
    def of(cls, crystals: Sequence[str]) -> Region:
        """The smallest region that holds all of some crystals."""
        amounts = [composition(crystal) for crystal in crystals]
        counts = [len(one) for one in amounts]
        return cls((min(counts), max(counts)), max(sum(one.values()) for one in amounts))

    def holds(self, crystal: str) -> bool:
        """Whether a crystal lies inside."""
        if self.elements is None:
            return True
        amounts = composition(crystal)
        few, many = self.elements
        return few <= len(amounts) <= many and sum(amounts.values()) <= self.atoms

    def those_inside(self, crystals: Sequence[str]) -> list[str]:
        """The crystals that lie inside, in their order."""
        return [crystal for crystal in crystals if self.holds(crystal)]

    def __str__(self) -> str:
        if self.elements is None:
            return "any crystals"
        few, many = self.elements
        return f"crystals of {few} to {many} elements and at most {self.atoms} atoms"


@dataclass(frozen=True)
class CrystalData:
    """A featurized set.

    Attributes:
        name: as it was given.
        energy: column of the energies; empty if there is none.
    """

    name: str
    train: CrystalSet
    validation: CrystalSet
    test: CrystalSet
    energy: str = ""

    @property
    def parts(self) -> tuple[CrystalSet, CrystalSet, CrystalSet]:
        return self.train, self.validation, self.test

    @property
    def formation(self) -> bool:
        """Whether energies are relative to the elements, which then lie at zero."""
        return self.energy.startswith("formation")

    def summary(self) -> dict[str, Any]:
        """For the report."""
        return {
            "name": self.name,
            "training": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
            "energies": self.energy or "none",
        }

    def cutoffs(self) -> Cutoffs:
        """CDVAE's cut-offs that suit the set, guessed from its test crystals."""
        first = [composition(crystal) for crystal in self.test.crystals[:200]]
        if all(set(amounts) == {"C"} for amounts in first):
            return "carbon24"
        if all(sum(amounts.values()) == PEROVSKITE_ATOMS for amounts in first):
            return "perov5"
        return "mp20"


def load(features: str, energy: str | None = None, limit: int | None = None) -> CrystalData:
    """Read the folder of `nucleate featurize`.

    Args:
        energy: property column to take for the energy per atom; else the first of `ENERGIES`.
        limit: keep the first so many crystals of each split.

    Raises:
        InputError: no such folder, or no test or training crystal in it.
        SettingsError: the folder holds another kind of matter, or lacks the column.
        CheckpointError: its codec is damaged.
    """
    from nucleate.datasets import tables
    from nucleate.latent.latent_model import load_codec

    folder = Path(features).expanduser()
    if not (folder / RECORDS).is_file():
        raise InputError("is not the output of `nucleate featurize`", file=features)
    matter, _ = load_codec(folder)
    if matter.name != "crystals":
        raise SettingsError(f"{features}: holds {matter.name}, not crystals")
    table = tables.read(folder / RECORDS).to_pandas()
    known = [name for name in table.columns if name not in tables.RECORD_COLUMNS]
    if energy is not None and energy not in known:
        shown = ", ".join(known) or "none"
        raise SettingsError(f"{features}: no property column {energy!r}; there are: {shown}")
    wanted = ENERGIES if energy is None else (energy,)
    label = next((name for name in wanted if name in known and table[name].notna().any()), "")
    height = next((name for name in HEIGHTS if name in known), "")

    def part(split: str) -> CrystalSet:
        rows = table[table["split"] == split][:limit]
        missing = np.full(len(rows), np.nan)
        return CrystalSet(
            rows["structure"].tolist(),
            rows[label].to_numpy(np.float64) if label else missing,
            rows[height].to_numpy(np.float64) if height else missing,
        )

    found = CrystalData(features, part("train"), part("validation"), part("test"), label)
    for name, crystals in (("training", found.train), ("test", found.test)):
        if not len(crystals):
            raise InputError(f"holds no crystal for {name}", file=features)
    return found
