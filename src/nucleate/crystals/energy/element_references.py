"""Formation energies from CHGNet: element references regressed on the Materials Project.

The numbers lie in `references.json`, made by `nucleate_benchmarks.crystals.stability.references`:
the least
sum of |E_CHGNet - E_formation - sum of x_Z mu_Z| over training crystals, x_Z atomic fractions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REFERENCES_PATH = Path(__file__).with_name("references.json")


@dataclass(frozen=True)
class ElementReferences:
    """Energies of the elements on CHGNet's scale.

    Attributes:
        name: what they were fitted to.
        energies: eV/atom by symbol; elements too rare in the data are missing.
        crystals: how many the fit rests on.
        median_error: absolute, on crystals held out of the fit, eV/atom.
        mean_error: likewise.
    """

    name: str
    energies: Mapping[str, float]
    crystals: int
    median_error: float
    mean_error: float

    def formation_energy(self, amounts: Mapping[str, int], energy: float) -> float:
        """Formation energy of a crystal, eV/atom; NaN where an element has no reference.

        Args:
            amounts: atoms by symbol.
            energy: CHGNet's, eV/atom.
        """
        total = sum(amounts.values())
        missing = float("nan")
        mixture = sum(n * self.energies.get(symbol, missing) for symbol, n in amounts.items())
        return energy - mixture / total


@cache
def element_references() -> ElementReferences:
    """The references that come with the package."""
    found = json.loads(REFERENCES_PATH.read_text(encoding="utf-8"))
    return ElementReferences(
        found["name"],
        found["energies"],
        found["crystals"],
        found["median_error"],
        found["mean_error"],
    )
