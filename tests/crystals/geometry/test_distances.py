"""Nearest contacts and pairs, against pymatgen's neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.core.errors import StructureError
from nucleate.crystals.geometry.distances import (
    covalent_radii,
    nearest,
    pairs_within,
    refuse_flat,
)
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string, structure_from_wyckoff

CRYSTALS = [
    "229 a:W | 3.165",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "12 a:K d:K g:K(0.34526) i:Br(0.23,0.7) | 13.1 6.5 7.2 105",
]


@pytest.mark.parametrize("text", CRYSTALS)
def test_pairs_are_pymatgens(text: str) -> None:
    lattice, coordinates, numbers = expand(from_string(text))
    points = np.ascontiguousarray(coordinates @ lattice)
    distance = pairs_within(points, np.ascontiguousarray(lattice), 5.0)[2]
    expected = structure_from_wyckoff(from_string(text)).get_neighbor_list(5.0)[3]
    assert np.sort(distance) == pytest.approx(np.sort(expected))
    found = nearest(lattice, coordinates, numbers)
    assert found.distance == pytest.approx(expected.min())


def test_the_nearest_is_by_radii_not_by_length() -> None:
    found = nearest(*expand(from_string("225 a:Cs b:H | 6.38")))
    assert found.distance == pytest.approx(3.19)  # Cs-H
    assert found.pair == (55, 55)
    assert found.scaled == pytest.approx(6.38 / np.sqrt(2) / (2 * covalent_radii()[55]))


def test_flat_cells_are_refused() -> None:
    with pytest.raises(StructureError, match="flat_cell"):
        refuse_flat(np.diag([1e-7, 5.0, 5.0]), 6.0)
