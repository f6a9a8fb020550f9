"""Features by which a surrogate compares crystals: composition, elements, arrangement.

Compositions are compared by min-max similarity of atomic fractions: written in unary, it is the
Tanimoto similarity of bits (Tripp et al., arXiv:2306.14809, section 2). The statistics are those of
Magpie (Ward et al. 2016, doi:10.1038/npjcompumats.2016.28), the arrangement is told by average
minimum distances (Widdowson et al. 2022) and by who is next to whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.crystals import elements
from nucleate.crystals.geometry.crystal_distance import averages
from nucleate.crystals.geometry.distances import pairs_within
from nucleate.crystals.wyckoff.symmetry import FREE_LATTICE
from nucleate.crystals.wyckoff.wyckoff_string import WyckoffStructure, expand, from_string
from nucleate.matter.variation import Comparison

COMPOSITION, ELEMENTS, STRUCTURE = "composition", "elements", "structure"
STEPS = 20
"""Bits of an element: its atomic fraction in so many parts, rounded up."""
BLOCKS = 18 + 7
"""Groups and rows of the periodic table, which have bits as elements have."""
BITS = STEPS * (elements.LARGEST + BLOCKS)
DESCRIPTORS = 12
"""Numbers of an element: the last eleven of `elements.features`, and its volume."""
ELEMENT_NUMBERS = 4 * DESCRIPTORS + 1
REACH = 2.5
"""Distances are cut here, in units of (volume / atom)^(1/3); a sphere of this radius holds 65
atoms on average."""
SHELLS = (1, 2, 4, 6, 8, 12, 16, 24)
"""Neighbours whose average minimum distances are told."""
SHARPNESS = 8
"""Power with which a neighbour counts less by its distance."""
STRUCTURE_NUMBERS = 2 * len(SHELLS) + 9 + len(FREE_LATTICE)
SYSTEMS = tuple(FREE_LATTICE)
Atoms = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
"""Lattice [3, 3], fractional coordinates [n, 3], atomic numbers [n] of a primitive cell."""


@cache
def _descriptors() -> NDArray[np.float64]:
    """Of each element, of order one, [94, DESCRIPTORS]."""
    volume = np.log(elements.volumes())[:, None]
    scaled = (volume - volume.mean()) / volume.std()
    return np.concatenate([elements.features()[:, 1 - DESCRIPTORS :], scaled], 1).astype(np.float64)


def composition_bits(kinds: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bits [BITS] of elements (atomic number - 1) and their atomic fractions."""
    flags = elements.features()[kinds, : 7 + 18] > 0.5
    every = np.zeros(elements.LARGEST + BLOCKS)
    every[kinds] = shares
    every[elements.LARGEST :] = shares @ flags
    counts = np.ceil(every * STEPS - 1e-6)
    bits: NDArray[np.uint8] = (np.arange(STEPS) < counts[:, None]).astype(np.uint8).ravel()
    return bits


def element_numbers(kinds: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, deviation, least and greatest of each descriptor, and the number of elements."""
    rows = _descriptors()[kinds]
    mean = shares @ rows
    deviation = np.sqrt(shares @ (rows - mean) ** 2)
    return np.concatenate([mean, deviation, rows.min(0), rows.max(0), [len(kinds)]])


def structure_numbers(gene: WyckoffStructure, atoms: Atoms) -> NDArray[np.float64]:
    """Density, packing, shells of neighbours and of equal neighbours, bonds, symmetry, size."""
    lattice, coordinates, numbers = atoms
    count = len(numbers)
    volume = abs(float(np.linalg.det(lattice))) / count
    unit = volume ** (1 / 3)
    lattice = np.ascontiguousarray(lattice / unit)
    points = np.ascontiguousarray(coordinates @ lattice)
    first, second, distance = pairs_within(points, lattice, REACH)
    distance = np.maximum(distance, 1e-3)
    like = numbers[first] == numbers[second]
    places = np.array(SHELLS) - 1
    shells = [
        averages(first[chosen], distance[chosen], count, REACH)[places]
        for chosen in (np.ones(len(like), bool), like)
    ]
    expected = float(elements.volumes()[numbers - 1].mean())
    return np.concatenate(
        [
            *shells,
            [np.log(volume), np.log(volume / expected)],
            _bonds(first, second, distance * unit, numbers),
            [np.log(count), len(gene.sites)],
            [float(gene.group.system == system) for system in SYSTEMS],
        ]
    )


def _bonds(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    distance: NDArray[np.float64],
    numbers: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Shortest scaled distance (least, mean), effective coordination (mean, deviation), and the
    difference of electronegativity between neighbours, [5].

    Args:
        first, second, distance: of pairs of atoms, angstrom.
    """
    count = len(numbers)
    radii = elements.radii()[numbers - 1].astype(np.float64)
    negativity = _descriptors()[numbers - 1, 0]
    scaled = distance / (radii[first] + radii[second])
    shortest = np.full(count, 4.0)
    np.minimum.at(shortest, first, scaled)
    weight = (shortest[first] / scaled) ** SHARPNESS
    coordination = np.bincount(first, weight, count)
    apart = np.bincount(first, weight * np.abs(negativity[first] - negativity[second]), count)
    difference = float((apart / np.maximum(coordination, 1e-9)).mean())
    return np.array(
        [shortest.min(), shortest.mean(), coordination.mean(), coordination.std(), difference]
    )


class CrystalComparison(Comparison):
    """Groups `composition` (bits), `elements` and `structure` (numbers)."""

    def features(
        self, structures: Sequence[str], groups: Sequence[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        wanted = (COMPOSITION, ELEMENTS, STRUCTURE) if groups is None else tuple(groups)
        n = len(structures)
        out: dict[str, NDArray[Any]] = {
            COMPOSITION: np.zeros((n, BITS), np.uint8),
            ELEMENTS: np.zeros((n, ELEMENT_NUMBERS), np.float32),
            STRUCTURE: np.zeros((n, STRUCTURE_NUMBERS), np.float32),
        }
        out = {name: rows for name, rows in out.items() if name in wanted}
        for row, text in enumerate(structures):
            try:
                gene = from_string(text)
            except NucleateError:
                continue
            sizes = [gene.group.position(s.letter).primitive_multiplicity for s in gene.sites]
            # In the order of atomic numbers: sums in another order would differ by rounding.
            kinds, place = np.unique([s.number - 1 for s in gene.sites], return_inverse=True)
            if kinds.max() >= elements.LARGEST:
                continue
            shares = np.bincount(place, sizes) / sum(sizes)
            if COMPOSITION in out:
                out[COMPOSITION][row] = composition_bits(kinds, shares)
            if ELEMENTS in out:
                out[ELEMENTS][row] = element_numbers(kinds, shares)
            if STRUCTURE in out:
                out[STRUCTURE][row] = structure_numbers(gene, expand(gene))
        return out
