"""By what a crystal is known: its Wyckoff string, its reduced composition, its prototype.

Equal strings are equal crystals. Crystals of one reduced composition may be the same to
StructureMatcher, others never. A *prototype* here is a space group with occupied Wyckoff positions
whatever the elements: for each element the letters of its sites, the least such list over the
group's normaliser, since another origin exchanges letters. Triclinic and monoclinic groups have no
normaliser that all their lattices share: there the letters of the canonical string stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.energy.hull import bundled
from nucleate.crystals.geometry.crystal_distance import STRUCTURE_UNIT, average_minimum_distances
from nucleate.crystals.geometry.describe import composition, fractions_of, reduced_formula
from nucleate.crystals.io.standardise import HoldOutOptions
from nucleate.crystals.wyckoff.matching import (
    CDVAE_MATCHER,
    far_apart,
    maps_onto,
    same_crystal,
)
from nucleate.crystals.wyckoff.normaliser import generic_normaliser
from nucleate.crystals.wyckoff.symmetry import LETTERS
from nucleate.crystals.wyckoff.wyckoff_string import anonymous_key, prototype_key
from nucleate.matter.identity import Identified, Identity, version_of

MONOCLINIC = 15
"""Last number of a monoclinic space group."""
DIFFERENT = 1.0
"""Structure distance from which crystals are not the same. Of 216 pairs of equal composition of
MPTS-52 StructureMatcher maps 57 of 111 below 0.3, 5 of 89 up to 0.8 and none of 16 above."""
COMPARED = 50
"""Crystals of one composition that StructureMatcher looks at, at most: the nearest. Only sets of
one composition have more."""
SHARES = 255
"""Steps in which a sketch counts atomic fractions."""


def reduced_composition(crystal: str) -> str:
    """Elements by atomic number, each with its number of atoms in lowest terms: `Cl1 Na1`.

    Raises:
        StructureError: not a Wyckoff string.
    """
    count = composition(crystal)
    divisor = gcd(*count.values())
    ordered = sorted(count, key=lambda symbol: NUMBERS[symbol])
    return " ".join(f"{symbol}{count[symbol] // divisor}" for symbol in ordered)


def prototype(crystal: str) -> str:
    """Space group and, for each element, the letters of its sites: `225 a|b` for rock salt."""
    return _prototype(anonymous_key(crystal))


@lru_cache(maxsize=65536)
def _prototype(key: str) -> str:
    group, *sites = key.split()
    letters = np.array([LETTERS.index(site.split(":")[0]) for site in sites])
    kinds = [site.split(":")[1] for site in sites]
    moved = letters[None]
    if int(group) > MONOCLINIC:
        moved = np.unique(generic_normaliser(int(group)).letters[:, letters], axis=0)

    def of_elements(row: list[int]) -> list[list[int]]:
        by_kind: dict[str, list[int]] = {}
        for kind, letter in zip(kinds, row, strict=True):
            by_kind.setdefault(kind, []).append(letter)
        return sorted(sorted(one) for one in by_kind.values())

    least = min(of_elements(row) for row in moved.tolist())
    return f"{group} " + "|".join("".join(LETTERS[i] for i in one) for one in least)


def features(crystal: str) -> NDArray[np.float32]:
    """Numbers whose L1 distance is the `crystal_distance`: of composition, then of structure."""
    arranged = average_minimum_distances(crystal).ravel()
    weighted = arranged / (2 * len(arranged) * STRUCTURE_UNIT)
    return np.concatenate([0.25 * fractions_of(crystal), weighted]).astype(np.float32)


@lru_cache(maxsize=100_000)
def _minimum_distances(crystal: str) -> NDArray[np.float64]:
    return average_minimum_distances(crystal)


class CrystalIdentity(Identity):
    """Keys `structure` (the string), `composition` and `prototype`; rounded fractions as sketch."""

    kinds = ("structure", "composition", "prototype")
    sketch_size = len(NUMBERS) + 1
    sketch_type = np.uint8
    split_kinds = ("random", "formula")
    HoldOutOptions = HoldOutOptions

    def are_same(self, first: str, second: str) -> bool:
        """Whether StructureMatcher, with CDVAE's tolerances, maps one onto the other."""
        return same_crystal(first, second, **CDVAE_MATCHER)

    def are_duplicates(self, first: str, second: str) -> bool:
        """Whether StructureMatcher, with its own tolerances, matches them."""
        return not far_apart(first, second) and same_crystal(first, second)

    def bucket(self, structure: str) -> str:
        """The reduced composition."""
        return reduced_composition(structure)

    def first_same(self, structure: str, others: Sequence[str]) -> int | None:
        """The nearest of those that StructureMatcher, with its own tolerances, maps it onto.

        What differs by more than `DIFFERENT` in structure is not handed to the matcher, nor, of
        many crystals of one composition, any but the `COMPARED` nearest.
        """
        own = _minimum_distances(structure)
        apart = np.array([np.abs(_minimum_distances(one) - own).mean() for one in others])
        near = np.argsort(apart, kind="stable")[:COMPARED].tolist()
        close = (place for place in near if apart[place] < DIFFERENT * STRUCTURE_UNIT)
        return next((place for place in close if maps_onto(structure, others[place])), None)

    def bundled(self) -> Collection[str]:
        """Of the bundled prototypes."""
        return bundled()

    def key(self, structure: str) -> str:
        """Space group, letters and elements without numbers."""
        return prototype_key(structure)

    def split_key(self, structure: str, kind: str) -> str:
        """The structure itself, or its reduced formula."""
        return reduced_formula(structure) if kind == "formula" else structure

    def may_hold_out(self, structure: str, options: Any) -> bool:
        return bool(options.allows(composition(structure)))

    def groups(self) -> dict[str, Callable[[str], str]]:
        """`chemical_system`, `formula` (reduced), `prototype` (space group and letters, each
        element as a number)."""
        return {
            "chemical_system": lambda crystal: "-".join(sorted(composition(crystal))),
            "formula": reduced_formula,
            "prototype": anonymous_key,
        }

    def of(self, structure: str) -> Identified | None:
        try:
            keys = (structure, reduced_composition(structure), prototype(structure))
        except StructureError:
            return None
        return Identified(keys, np.round(fractions_of(structure) * SHARES).astype(np.uint8))

    def version(self) -> str:
        """Of what finds the symmetry, and of what makes a string canonical."""
        symmetry = ("canonical", "wyckoff_string", "normaliser", "preferred_setting")
        reading = (
            "plain",
            "interpreted",
            "symmetry",
            "space_group",
            "atom_sites",
            "labels",
            "orbits",
        )
        own = (
            *(f"wyckoff.{name}" for name in symmetry),
            *(f"io.cif.{name}" for name in reading),
            *("geometry.lookup", "io.standardise"),
        )
        return version_of("moyopy", *(f"nucleate.crystals.{name}" for name in own))


def composition_distances(
    own: NDArray[np.float64], sketches: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Share of atoms to replace by other elements, [m], to the rounding of the sketches.

    Args:
        own: `fractions_of` a crystal.
        sketches: of m others, [103 + 1, m].
    """
    present = np.flatnonzero(own)
    theirs = sketches[present].astype(np.float32) / SHARES
    # Both sum up to one, so that half of the difference is what is lacking of one's own.
    lacking = np.maximum(own[present, None] - theirs, 0)
    total: NDArray[np.float32] = lacking.sum(0).astype(np.float32)
    return total
