"""Canonical strings: the same for every cell, and errors for what is no crystal."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import DummySpecies, Lattice, Structure

from nucleate.core.errors import StructureError
from nucleate.crystals.wyckoff.canonical import (
    arrays_of,
    canonical_wyckoff,
    symmetry_dataset,
    wyckoff_from_structure,
)
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string, to_string

QUARTZ = "154 a:Si(0.4697) c:O(0.4135,0.2669,0.1191) | 4.916 5.4054"


def test_cells_origins_and_orders_share_a_string() -> None:
    lattice, points, numbers = expand(from_string(QUARTZ))
    first = to_string(canonical_wyckoff(lattice, points, numbers))
    cell = np.array([[1, 1, 0], [0, 1, 0], [0, 2, 1]])
    order = np.argsort(numbers, kind="stable")[::-1]
    other = canonical_wyckoff(
        cell @ lattice, (points @ np.linalg.inv(cell) + 0.123)[order], numbers[order]
    )
    assert to_string(other) == first
    assert symmetry_dataset(lattice, points, numbers, 0.01).number in (152, 154)


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        (Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]]), "disorder"),
        (Structure(Lattice.cubic(4), [{"Na": 0.5}], [[0, 0, 0]]), "partial_occupancy"),
        (Structure(Lattice.cubic(4), [DummySpecies("X")], [[0, 0, 0]]), "unknown_element"),
        (Structure(Lattice.cubic(4), [], []), "empty"),
        (Structure(Lattice.cubic(4), ["Na", "Na"], [[0, 0, 0], [0, 0, 0.01]]), "overlapping_atoms"),
        (Structure(Lattice.cubic(0.1), ["Na"], [[0, 0, 0]]), "zero_volume"),
        (Structure(Lattice.orthorhombic(534636, 7.7, 2.8), ["Na"], [[0, 0, 0]]), "too_long_cell"),
    ],
)
def test_what_is_no_crystal_is_refused(structure: Structure, reason: str) -> None:
    with pytest.raises(StructureError) as caught:
        wyckoff_from_structure(structure)
    assert caught.value.reason == reason


def test_arrays_keep_the_order_of_atoms() -> None:
    structure = Structure(Lattice.cubic(4), ["Cl", "Na"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert arrays_of(structure)[2].tolist() == [17, 11]
    with pytest.raises(StructureError, match="not_finite"):
        canonical_wyckoff(np.full((3, 3), np.nan), np.zeros((1, 3)), np.array([1]))
