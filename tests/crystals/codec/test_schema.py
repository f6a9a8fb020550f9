"""The schema of crystals: lattice numbers go there and back, tables agree with the groups."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.crystals.codec.schema import (
    build_schema,
    free_components,
    group_features,
    lattice_components,
    lattice_from_components,
    lattice_table,
    position_features,
    position_table,
)
from nucleate.crystals.wyckoff.symmetry import group_starts, space_group


@pytest.mark.parametrize(
    ("number", "lattice"),
    [
        (225, (5.64, 5.64, 5.64, 90.0, 90.0, 90.0)),
        (194, (2.5, 2.5, 6.7, 90.0, 90.0, 120.0)),
        (2, (5.0, 6.0, 7.0, 80.0, 95.0, 105.0)),
    ],
)
def test_lattices_go_there_and_back(number: int, lattice: tuple[float, ...]) -> None:
    system = space_group(number).system
    values = lattice_components(lattice, 8, system)
    assert np.flatnonzero(np.isfinite(values)).tolist() == list(free_components(system))
    assert lattice_from_components(values, 8, number) == pytest.approx(lattice)


def test_impossible_lattices_are_brought_back() -> None:
    wild = lattice_from_components(np.array([9.0, 9, -9, 9, 9, 9]), 4, 1)
    assert np.isfinite(wild).all()
    assert max(wild[3:]) < 150.1


def test_tables_count_every_position_and_stop() -> None:
    size, free = position_table()
    assert len(size) == len(free) == len(position_features()) == 1732
    assert size[0] == 0
    assert not free[0].any()
    start = 1 + int(group_starts()[224])
    assert size[start : start + 3].tolist() == [1, 1, 2]  # 225: a, b, c in the primitive cell
    assert lattice_table()[224].tolist() == [True, False, False, False, False, False]
    assert lattice_table()[1].all()
    assert group_features().shape[0] == 230


def test_the_schema_holds_what_masks_need() -> None:
    schema = build_schema(12, 16, False, [0.0] * 6, [1.0] * 6)
    assert schema.maximum_steps == 12
    assert schema.options["maximum_atoms"] == 16
    assert [field.name for field in schema.step][:2] == ["wyckoff_position", "element"]
