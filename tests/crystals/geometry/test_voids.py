"""Empty spheres and slabs, where they can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.core.errors import StructureError
from nucleate.crystals.geometry.distances import covalent_radii
from nucleate.crystals.geometry.voids import WIDEST, largest_void, widest_gap


@pytest.mark.parametrize("edge", [6.0, 9.0])
def test_the_void_of_a_simple_cube_is_its_middle(edge: float) -> None:
    lattice, points, numbers = edge * np.eye(3), np.zeros((1, 3)), np.array([11])
    expected = edge * np.sqrt(3) / 2 - covalent_radii()[11]
    assert largest_void(lattice, points, numbers) == pytest.approx(expected, abs=0.05)
    assert widest_gap(lattice, points) == pytest.approx(edge)


def test_a_slab_leaves_a_gap_and_huge_voids_are_cut() -> None:
    slab = np.diag([3.0, 3.0, 30.0])
    points = np.array([[0.0, 0, 0], [0.5, 0.5, 0.1]])
    assert widest_gap(slab, points) == pytest.approx(27.0)
    assert largest_void(80 * np.eye(3), np.zeros((1, 3)), np.array([11])) <= WIDEST
    with pytest.raises(StructureError, match="flat_cell"):
        largest_void(np.diag([1e-7, 3.0, 3.0]), points, np.array([11, 11]))
