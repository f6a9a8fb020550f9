"""Checks of what surrounds the atoms: coordination, bond valence, empty space, dimensionality."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from nucleate.core.settings import Settings
from nucleate.crystals.geometry.bond_valence import bond_valence
from nucleate.crystals.geometry.contacts import REACH, Contacts, contacts
from nucleate.crystals.geometry.describe import cell
from nucleate.crystals.geometry.voids import largest_void, widest_gap
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff
from nucleate.matter.checks import Candidate, EachCheck, Verdict

SHELL = 1.2
"""Neighbours up to so many times the scaled distance of the closest one are counted."""


class CoordinationOptions(Settings):
    isolated: PositiveFloat = 2.3
    """Largest ratio of an atom's closest contact to the sum of covalent radii (training crystals:
    one in two thousand has a larger one)."""
    most: Annotated[int, Field(ge=1)] = 42
    """Neighbours of one atom at most (caesium in cyanides has 40)."""


class CoordinationCheck(EachCheck):
    """Every atom has neighbours, and no more of them than there is room for."""

    name = "coordination"
    description = "No atom is alone; coordination numbers by element are shown"
    Options = CoordinationOptions
    limit = "1 to {most} neighbours"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the coordination numbers by element, `Na 6, Cl 6`."""
        limits: CoordinationOptions = self.options
        found = contacts(candidate.structure)
        closest, counts = found.closest(), coordination_numbers(found)
        lonely, crowded = int(closest.argmax()), int(counts.argmax())
        columns: dict[str, Any] = {}
        reason = ""
        if not np.isfinite(closest[lonely]):
            reason = f"{found.symbols[lonely]} has no neighbour within {REACH:g} A"
        elif closest[lonely] > limits.isolated:
            reason = (
                f"{found.symbols[lonely]} is isolated: its closest neighbour is at "
                f"{closest[lonely]:.2f} of the sum of covalent radii, more than {limits.isolated:g}"
            )
        elif counts[crowded] > limits.most:
            reason = (
                f"{found.symbols[crowded]} has {counts[crowded]} neighbours, more than "
                f"{limits.most}"
            )
        if np.isfinite(closest[lonely]):
            columns["loneliest_contact"] = round(float(closest[lonely]), 4)
        return Verdict(not reason, _coordination(found, counts), reason, columns)


def coordination_numbers(found: Contacts) -> NDArray[np.int64]:
    """Neighbours of each atom [n] up to `SHELL` times the scaled distance of its closest one.

    Where oxidation states are known those of the opposite charge count, if an atom has any.
    """
    i, j = found.first, found.second
    opposite = found.charges[i] * found.charges[j] < 0
    charged = np.bincount(i[opposite], minlength=len(found.numbers)) > 0
    counted = opposite | ~charged[i]
    closest = np.full(len(found.numbers), np.inf)
    np.minimum.at(closest, i[counted], found.scaled[counted])
    near = counted & (found.scaled <= SHELL * closest[i])
    return np.bincount(i[near], minlength=len(found.numbers))


def _coordination(found: Contacts, counts: NDArray[np.int64]) -> str:
    """`Ti 6, O 3`; several environments of an element as `Fe 4/6`."""
    by_element: dict[str, set[int]] = {}
    for symbol, count in zip(found.symbols, counts.tolist(), strict=True):
        by_element.setdefault(symbol, set()).add(count)
    return ", ".join(f"{s} {'/'.join(map(str, sorted(n)))}" for s, n in by_element.items())


class BondValenceOptions(Settings):
    instability: PositiveFloat = 2.2
    """Largest global instability index. Crystals of good quality have below .2; but the parameters
    are generic, and this is what 99 % of the training crystals keep that have such sums."""
    worst: PositiveFloat = 4.0
    """Largest deviation of one atom's sum, over its oxidation state if that is above one."""


class BondValenceCheck(EachCheck):
    """Bonds add up to the oxidation states that neutrality asks for."""

    name = "bond_valence"
    description = "Bond-valence sums (O'Keeffe and Brese 1991) are not far from oxidation states"
    Options = BondValenceOptions
    limit = "at most {instability:g}"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the global instability index, valence units. No value
        where oxidation states or parameters are missing, as in alloys: not judged."""
        limits: BondValenceOptions = self.options
        found = contacts(candidate.structure)
        sums = bond_valence(found)
        if sums is None:
            return Verdict.unjudged(self._missing(found))
        total, expected = float(sums.sums[sums.worst]), float(sums.expected[sums.worst])
        symbol = found.symbols[sums.worst]
        columns = {"worst_bond_valence": f"{symbol} {total:.2f} for {expected:.3g}"}
        off = np.abs(sums.sums - sums.expected) / np.maximum(sums.expected, 1)
        place = int(off.argmax())
        reason = ""
        if off[place] > limits.worst:
            reason = (
                f"bonds of {found.symbols[place]} add up to {sums.sums[place]:.2f} where its "
                f"oxidation state is {found.charges[place]:+.3g}"
            )
        elif sums.instability > limits.instability:
            reason = (
                f"global instability index {sums.instability:.2f}, more than "
                f"{limits.instability:g}: bonds of {symbol} add up to {total:.2f} for "
                f"{expected:.3g}"
            )
        return Verdict(not reason, round(sums.instability, 4), reason, columns)

    def _missing(self, found: Contacts) -> str:
        """What the sums would need and is not known."""
        if not np.isfinite(found.charges).all():
            return "no neutral oxidation states are known for it"
        neutral = [s for s, q in zip(found.symbols, found.charges, strict=True) if not q]
        if neutral:
            return f"{neutral[0]} has the oxidation state 0"
        return "no bond-valence parameters for one of its elements"


class VacuumOptions(Settings):
    void: PositiveFloat = 4.5
    """Largest radius (angstrom) of an empty sphere between covalent radii. Layers such as graphite
    and MoS2 have 1 to 2.5, open frameworks up to 6."""
    gap: PositiveFloat = 9.0
    """Largest width (angstrom) of a slab without an atom's centre."""


class VacuumCheck(EachCheck):
    """A crystal fills space; a slab or a molecule in a box is no crystal."""

    name = "vacuum"
    description = "No empty sphere or slab as wide as in a model of a surface"
    Options = VacuumOptions
    limit = "at most {void:g} A"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the radius of the largest empty sphere, angstrom."""
        limits: VacuumOptions = self.options
        lattice, coordinates, numbers = cell(candidate.structure)
        void = largest_void(lattice, coordinates, numbers)
        gap = widest_gap(lattice, coordinates)
        reason = ""
        if gap > limits.gap:
            reason = f"a slab of {gap:.1f} A holds no atom, more than {limits.gap:g} A: a vacuum"
        elif void > limits.void:
            reason = f"an empty sphere of {void:.1f} A, more than {limits.void:g} A: a vacuum"
        return Verdict(not reason, round(void, 3), reason, {"widest_gap": round(gap, 3)})


class DimensionalityOptions(Settings):
    allowed: tuple[Annotated[int, Field(ge=0, le=3)], ...] = (0, 1, 2, 3)
    """Dimensionalities that pass: 0 molecules, 1 chains, 2 layers, 3 frameworks."""


class DimensionalityCheck(EachCheck):
    """Bonds by CrystalNN, which takes about a second a crystal."""

    name = "dimensionality"
    description = "Molecules, chains, layers or framework (Larsen et al. 2019, with CrystalNN)"
    Options = DimensionalityOptions
    usual: ClassVar[bool] = False

    @property
    def threshold(self) -> str:
        return "one of " + ", ".join(map(str, self.options.allowed))

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the largest dimensionality of a bonded component."""
        from nucleate.core.quiet import silenced

        options: DimensionalityOptions = self.options
        structure = structure_from_wyckoff(candidate.structure)
        with silenced():
            from pymatgen.analysis.dimensionality import get_dimensionality_larsen
            from pymatgen.analysis.local_env import CrystalNN

            # Larsen, Pandey, Strange and Jacobsen, doi:10.1103/PhysRevMaterials.3.034003
            found = int(get_dimensionality_larsen(CrystalNN().get_bonded_structure(structure)))
        reason = ""
        if found not in options.allowed:
            reason = f"{found}-dimensional, allowed are {', '.join(map(str, options.allowed))}"
        return Verdict(not reason, value=found, reason=reason)
