"""The table of Wyckoff positions against moyopy's space groups."""

from __future__ import annotations

import moyopy
import numpy as np
import pytest

from nucleate.crystals.wyckoff.symmetry import (
    CENTRINGS,
    PRIMITIVE,
    group_starts,
    lattice_matrix,
    space_group,
    volume_factor,
)

ALL = [space_group(number) for number in range(1, 231)]


def rounded(linear, shift):
    moved = np.round(np.asarray(shift) * 24).astype(int) % 24
    return {
        (*np.asarray(m).astype(int).ravel().tolist(), *s.tolist())
        for m, s in zip(linear, moved, strict=True)
    }


def test_the_tables_count():
    assert len(ALL) == 230
    assert sum(len(group.positions) for group in ALL) == group_starts()[-1] == 1731
    freedom = [len(p.free) for group in ALL for p in group.positions]
    assert [freedom.count(n) for n in range(4)] == [616, 718, 167, 230]
    assert max(p.multiplicity for group in ALL for p in group.positions) == 192


def test_general_positions_are_moyopys_standard_setting():
    for group in ALL:
        operations = moyopy.operations_from_number(group.number, setting=moyopy.Setting.standard())
        theirs = rounded(operations.rotations, operations.translations)
        assert rounded(group.general.linear, group.general.shift) == theirs, group.number
        assert moyopy.SpaceGroupType(group.number).hm_short.replace(" ", "") == group.symbol


def test_every_position_is_an_orbit():
    """The group's operations take a point of a position to the position's points, no others."""
    rng = np.random.default_rng(0)
    for group in ALL:
        for position in group.positions:
            points = position.expand(tuple(rng.random(len(position.free))))
            images = group.general.linear @ points[0] + group.general.shift
            difference = images[:, None] - points[None]
            miss = np.abs(difference - np.rint(difference)).max(axis=-1)
            assert (miss.min(axis=1) < 1e-9).all()
            assert (miss.min(axis=0) < 1e-9).all()
            others = miss[(miss > 1e-9)]
            assert len(others) == 0 or others.min() > 1e-6
            assert len(points) == position.multiplicity


def test_parameters_are_read_off_a_point():
    for group in ALL:
        for position in group.positions:
            parameters = np.array([0.21, 0.37, 0.43])[: len(position.free)]
            point = position.expand(tuple(parameters))[0]
            assert position.read(point) == pytest.approx(parameters)


def test_primitive_cells_hold_one_lattice_point():
    for letter, points in CENTRINGS.items():
        basis = np.array(PRIMITIVE[letter], float)
        assert np.linalg.det(basis) == pytest.approx(1 / len(points))
        in_primitive = np.array(points) @ np.linalg.inv(basis)
        assert np.allclose(in_primitive, np.rint(in_primitive))


def test_lattice_of_parameters():
    lattice = lattice_matrix((3.0, 4.0, 5.0, 80.0, 95.0, 110.0))
    assert np.linalg.norm(lattice, axis=1) == pytest.approx([3, 4, 5])
    cosine = lattice[0] @ lattice[1] / 12
    assert np.degrees(np.arccos(cosine)) == pytest.approx(110)
    volume = 60 * volume_factor((80.0, 95.0, 110.0))
    assert np.linalg.det(lattice) == pytest.approx(volume)
    with pytest.raises(ValueError, match="no volume"):
        lattice_matrix((3.0, 4.0, 5.0, 60.0, 60.0, 170.0))
