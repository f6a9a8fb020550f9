"""Genes: one crystal, one string; one string, one crystal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from nucleate.core.errors import StructureError
from nucleate.crystals.wyckoff.canonical import canonical_wyckoff, wyckoff_from_structure
from nucleate.crystals.wyckoff.matching import same_crystal
from nucleate.crystals.wyckoff.wyckoff_string import (
    expand,
    from_string,
    prototype_key,
    structure_from_wyckoff,
    to_string,
)

ROCK_SALT = "225 a:Na b:Cl | 5.6402"
RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
SEEDS = st.integers(0, 2**32 - 1)


def canonical(arrays):
    try:
        return canonical_wyckoff(*arrays)
    except StructureError as error:
        assume(error.reason != "overlapping_atoms")
        raise


@settings(max_examples=50, deadline=None)
@given(SEEDS, SEEDS)
def test_every_description_of_a_crystal_has_the_same_string(crystal, seed, other):
    arrays = expand(crystal.random_gene(seed))
    text = to_string(canonical(arrays))
    assert to_string(canonical(crystal.scrambled(arrays, other))) == text
    conventional = expand(from_string(text), primitive=False)
    assert to_string(canonical(conventional)) == text


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_gene_rebuilds_the_crystal_it_was_made_of(crystal, seed):
    lattice, points, numbers = expand(crystal.random_gene(seed))
    gene = canonical((lattice, points, numbers))
    assume(gene.atoms == len(numbers))  # else the random gene has a smaller cell
    original = Structure(Lattice(lattice), numbers.tolist(), points)
    rebuilt = structure_from_wyckoff(gene)
    matcher = StructureMatcher(0.01, 0.02, 1, primitive_cell=False)
    assert matcher.fit(original, rebuilt)
    assert gene.atoms == len(rebuilt)


def test_known_crystals():
    rock_salt = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6402), ["Cl", "Na"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    assert to_string(wyckoff_from_structure(rock_salt)) == "225 a:Na b:Cl | 5.6402"
    shifted = Structure.from_spacegroup(
        "P4_2/mnm",
        Lattice.tetragonal(4.5937, 2.9581),
        ["Ti", "O"],
        [[0, 0, 0], [0.30479, 0.30479, 0]],
    )
    shifted.translate_sites(range(6), [0.1, 0.2, 0.3])
    gene = wyckoff_from_structure(shifted)
    assert prototype_key(gene) == "136 a:Ti f:O"
    assert gene.sites[1].parameters[0] in (0.30479, 0.19521)
    assert to_string(gene) == to_string(wyckoff_from_structure(structure_from_wyckoff(gene, False)))


def test_the_origin_of_a_polar_group_lies_on_an_atom():
    wurtzite = Structure.from_spacegroup(
        "P6_3mc",
        Lattice.hexagonal(3.25, 5.2),
        ["Zn", "O"],
        [[1 / 3, 2 / 3, 0.11], [1 / 3, 2 / 3, 0.492]],
    )
    gene = wyckoff_from_structure(wurtzite)
    assert gene.space_group == 186
    assert {site.parameters[0] for site in gene.sites} & {0.0, 0.5}  # or at half a screw's turn


def test_strings_carry_only_what_is_free():
    gene = from_string(RUTILE)
    assert gene.lattice == (4.5937, 4.5937, 2.9581, 90, 90, 90)
    assert from_string("191 a:La | 5 4").lattice[5] == 120
    assert to_string(gene) == RUTILE
    assert prototype_key(RUTILE) == prototype_key(gene) == "136 a:Ti f:O"
    lattice, points, numbers = expand(from_string(ROCK_SALT), primitive=False)
    assert len(numbers) == 8
    assert np.linalg.det(lattice) == pytest.approx(5.6402**3)
    assert ((points >= 0) & (points < 1)).all()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CCO",
        "225 | 5.6",
        "231 a:Na | 5.6",
        "0 a:Na | 5.6",
        "225 z:Na | 5.6",
        "225 a:Qq | 5.6",
        "225 a:Na a:Cl | 5.6",
        "225 a:Na(0.1) | 5.6",
        "136 f:O | 4.5 2.9",
        "225 a:Na | 5.6 5.6",
        "225 a:Na | -5.6",
        "225 a:Na | nan",
        "136 f:O(inf) | 4.5 2.9",
        "2 a:Na | 3 3 3 10 10 170",
        "225 a:Na 5.6",
    ],
)
def test_nonsense_is_refused(text):
    with pytest.raises(StructureError) as caught:
        from_string(text)
    assert caught.value.reason == "not_a_wyckoff_string"


@pytest.mark.parametrize(
    ("species", "points", "edge", "reason"),
    [
        ([{"Na": 0.5}, "Cl"], [[0, 0, 0], [0.5] * 3], 4, "partial_occupancy"),
        ([{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5] * 3], 4, "disorder"),
        (["X", "Cl"], [[0, 0, 0], [0.5] * 3], 4, "unknown_element"),
        (["Na", "Cl"], [[0, 0, 0], [0.5] * 3], 1e-3, "zero_volume"),
        (["Na", "Cl"], [[0, 0, 0], [0.001, 0, 0]], 4, "overlapping_atoms"),
        (["Na", "Cl"], [[0, 0, 0], [np.nan, 0, 0]], 4, "not_finite"),
        ([], [], 4, "empty"),
    ],
)
def test_impossible_structures_are_refused_with_their_reason(species, points, edge, reason):
    with pytest.raises(StructureError) as caught:
        wyckoff_from_structure(Structure(Lattice.cubic(edge), species, points))
    assert caught.value.reason == reason


def test_coordinates_of_eight_decimals_do_not_tie(crystal):
    """Sums of such coordinates that end in 50000, or a third of it off, round one way always."""
    lattice, numbers = np.diag([5.0, 6.0, 7.0]) + 0.3, np.array([8, 14, 26])
    for step in range(24):
        ties = np.array([0.12345483, 0.23456500, 0.3456717]) + step * 1e-8 / 24
        points = np.stack([np.zeros(3), ties, 1 - ties[::-1] / 3])
        texts = {
            to_string(canonical_wyckoff(*crystal.scrambled((lattice, points, numbers), seed)))
            for seed in range(6)
        }
        assert len(texts) == 1


def test_a_very_oblique_cell_of_a_long_crystal_is_a_cell():
    lattice = np.array([[4.3463, 0, 0], [0, 4.3463, 0], [86.0, 88.0, 29.7]])
    points, numbers = np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.array([48, 53])
    oblique = np.array([[2, 1, -1], [1, 1, -1], [2, 2, -1]]) @ lattice
    assert np.prod(np.linalg.norm(oblique, axis=1)) > 1e3 * abs(np.linalg.det(oblique))
    moved = points @ np.linalg.inv(np.array([[2, 1, -1], [1, 1, -1], [2, 2, -1]]))
    first = canonical_wyckoff(lattice, points, numbers)
    assert to_string(canonical_wyckoff(oblique, moved, numbers)) == to_string(first)


def test_a_panic_of_the_symmetry_search_is_a_refusal():
    with pytest.raises(StructureError) as caught:
        canonical_wyckoff(np.eye(3) * 4, np.zeros((0, 3)), np.zeros(0, np.int64))
    assert caught.value.reason == "symmetry_failed"


def test_same_crystal_compares_geometry():
    assert same_crystal(ROCK_SALT, "225 a:Na b:Cl | 5.7")
    assert not same_crystal(ROCK_SALT, "221 a:Na b:Cl | 3.5")
    assert not same_crystal(ROCK_SALT, "225 a:K b:Cl | 5.6402")
    assert same_crystal(RUTILE, "136 a:Ti f:O(0.33) | 4.5937 2.9581", ltol=0.3, stol=0.5)
