"""Random genes and random descriptions of the same crystal, for the property-based tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nucleate.crystals.wyckoff.symmetry import lattice_matrix, space_group
from nucleate.crystals.wyckoff.wyckoff_string import Site, WyckoffStructure, expand, to_string

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def random_gene(seed: int, maximum_atoms: int = 20) -> WyckoffStructure:
    """A legal gene of a random group, one to four sites, coordinates at random."""
    rng = np.random.default_rng(seed)
    while True:
        group = space_group(int(rng.integers(1, 231)))
        sites: list[Site] = []
        atoms = 0
        for _ in range(int(rng.integers(1, 5))):
            position = group.positions[rng.integers(len(group.positions))]
            taken = any(s.letter == position.letter for s in sites)
            atoms += position.primitive_multiplicity
            if atoms > maximum_atoms or (taken and not position.free):
                break
            parameters = tuple(rng.random(len(position.free)).round(5).tolist())
            sites.append(Site(position.letter, ("H", "O", "Si", "Fe")[rng.integers(4)], parameters))
        if sites:
            break
    free = tuple(
        float(rng.uniform(4, 12) if i < 3 else rng.uniform(70, 110)) for i in group.free_lattice
    )
    return WyckoffStructure(group.number, tuple(sites), group.complete_lattice(free))


def scrambled(arrays: Arrays, seed: int) -> Arrays:
    """The same crystal in another cell, origin, orientation and order of atoms."""
    rng = np.random.default_rng(seed)
    lattice, points, numbers = arrays
    while True:
        cell = rng.integers(-2, 3, (3, 3))
        if abs(round(float(np.linalg.det(cell)))) == 1:
            break
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    order = rng.permutation(len(numbers))
    moved = points @ np.linalg.inv(cell) + rng.random(3)
    return (cell @ lattice) @ rotation, moved[order], numbers[order]


def packed(gene: WyckoffStructure, volume: float = 15.0) -> str:
    """The Wyckoff string of a gene at so many cubic angstrom an atom."""
    atoms = len(expand(gene, primitive=False)[2])
    now = abs(np.linalg.det(lattice_matrix(gene.lattice)))
    factor = (volume * atoms / now) ** (1 / 3)
    lengths = tuple(factor * length for length in gene.lattice[:3])
    return to_string(replace(gene, lattice=(*lengths, *gene.lattice[3:])))


class Crystal:
    """Hands the functions to tests, which cannot import each other's modules."""

    random_gene = staticmethod(random_gene)
    scrambled = staticmethod(scrambled)
    packed = staticmethod(packed)


@pytest.fixture(scope="session")
def crystal() -> type[Crystal]:
    """Makers of random crystals."""
    return Crystal
