"""Normalisers: they keep their groups, and the table says what moyopy says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nucleate.core.errors import StructureError
from nucleate.crystals.wyckoff import canonical
from nucleate.crystals.wyckoff.normaliser import generic_normaliser, is_generic, place_of
from nucleate.crystals.wyckoff.symmetry import space_group
from nucleate.crystals.wyckoff.wyckoff_string import expand, to_string

GROUPS = [space_group(number) for number in range(16, 231)]


def keys(linear, shift):
    """Operations modulo lattice translations, as hashable rows."""
    moved = np.rint(shift * 24).astype(int) % 24
    rows = np.concatenate([np.rint(linear).reshape(-1, 9).astype(int), moved], axis=1)
    return set(map(tuple, rows.tolist()))


def test_every_operation_keeps_the_group():
    for group in GROUPS:
        normaliser = generic_normaliser(group.number)
        own = keys(group.general.linear, group.general.shift)
        for linear, shift in zip(normaliser.linear, normaliser.shift, strict=True):
            inverse = np.linalg.inv(linear)
            moved_linear = linear @ group.general.linear @ inverse
            # W (w x + t) + s with x = W^-1 (x' - s)
            moved_shift = group.general.shift @ linear.T + shift - moved_linear @ shift
            assert keys(moved_linear, moved_shift) == own, group.number


def test_one_operation_of_each_coset():
    for group in GROUPS:
        normaliser = generic_normaliser(group.number)
        own = group.general
        seen = set()
        for linear, shift in zip(normaliser.linear, normaliser.shift, strict=True):
            coset = keys(own.linear @ linear, own.linear @ shift + own.shift)
            assert not coset & seen
            seen |= coset


def test_positions_are_permuted_among_their_like():
    for group in GROUPS:
        for letters in generic_normaliser(group.number).letters.tolist():
            assert sorted(letters) == list(range(len(group.positions)))
            for position, place in zip(group.positions, letters, strict=True):
                image = group.positions[place]
                assert image.multiplicity == position.multiplicity
                assert len(image.free) == len(position.free)


def test_known_normalisers():
    # Fm-3m: the origin may move by half a body diagonal, which swaps a and b
    normaliser = generic_normaliser(225)
    assert normaliser.shift.tolist() == [[0, 0, 0], [0.5, 0.5, 0.5]]
    assert normaliser.letters[1, :3].tolist() == [1, 0, 2]
    assert place_of(space_group(225), np.array([0.5, 0, 0]), 0) == 1
    with pytest.raises(ValueError, match="no position like"):
        place_of(space_group(225), np.array([0.1, 0, 0]), 0)
    with pytest.raises(ValueError, match="no normaliser"):
        generic_normaliser(14)


@pytest.mark.parametrize(
    ("number", "lattice", "expected"),
    [
        (225, (5.6,), True),
        (194, (3, 3), True),
        (123, (4, 5), True),
        (123, (4, 4.1), False),
        (123, (4, 4 * math.sqrt(2)), True),
        (139, (4, 4 * math.sqrt(2)), False),
        (166, (4, 4 * math.sqrt(6)), False),
        (166, (4, 12), True),
        (62, (4, 5, 6), True),
        (62, (4, 6, 6.1), False),
        (63, (4, 4 * math.sqrt(3), 5), False),
        (62, (4, 4 * math.sqrt(3), 5), True),
        (38, (5, 4, 4 * math.sqrt(3)), False),
        (14, (4, 5, 6, 97), False),
        (1, (4, 5, 6, 97, 85, 71), False),
    ],
)
def test_lattices_with_more_symmetry_are_told(number, lattice, expected):
    group = space_group(number)
    assert is_generic(group, group.complete_lattice(lattice)) == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_the_table_gives_the_same_genes_as_moyopy(crystal, seed, other):
    arrays = crystal.scrambled(expand(crystal.random_gene(seed)), other)
    try:
        gene = canonical.canonical_wyckoff(*arrays)
    except StructureError as error:
        assume(error.reason != "overlapping_atoms")
        raise
    assume(is_generic(gene.group, gene.lattice))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "is_generic", lambda group, lattice: False)
        assert to_string(canonical.canonical_wyckoff(*arrays)) == to_string(gene)
