"""The distance between two crystals."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.crystals.geometry.crystal_distance import average_minimum_distances, distances
from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
from nucleate.crystals.wyckoff.wyckoff_string import expand, to_string

SALT = "225 a:Na b:Cl | 5.6402"


def test_simple_cubic_shells() -> None:
    """Six neighbours at 1, twelve at sqrt(2), eight at sqrt(3), all of the one element."""
    every, like = average_minimum_distances("221 a:Po | 3.3")
    shells = [1] * 6 + [2**0.5] * 12 + [3**0.5] * 6
    np.testing.assert_allclose(every, shells, rtol=1e-6)
    np.testing.assert_allclose(like, shells, rtol=1e-6)


def test_rock_salt_is_simple_cubic_whose_like_neighbours_are_face_centred() -> None:
    every, like = average_minimum_distances(SALT)
    np.testing.assert_allclose(every[:18], [1] * 6 + [2**0.5] * 12, rtol=1e-6)
    np.testing.assert_allclose(like[:18], [2**0.5] * 12 + [2] * 6, rtol=1e-6)


@pytest.mark.parametrize(
    ("other", "made_of", "arranged"),
    [
        (SALT, 0, 0),
        ("225 a:Na b:Cl | 6.2", 0, 0),
        ("225 a:K b:Cl | 6.29", 0.5, 0),
        ("225 a:K b:Br | 6.6", 1, 0),
        ("221 a:Na b:Cl | 3.3", 0, None),
        ("166 a:Na b:Cl | 3.9882 9.7691", 0, 0),  # rock salt along its diagonal
    ],
)
def test_parts_by_hand(other: str, made_of: float, arranged: float | None) -> None:
    found = distances([other], SALT)
    assert found["composition_distance"][0] == pytest.approx(made_of)
    if arranged is None:
        assert found["structure_distance"][0] > 0.1
    else:
        assert found["structure_distance"][0] == pytest.approx(arranged, abs=1e-4)
    mean = (found["composition_distance"] + found["structure_distance"]) / 2
    np.testing.assert_allclose(found["distance"], mean)


@pytest.mark.parametrize("seed", range(8))
def test_no_description_changes_it_and_it_is_symmetric(seed: int, crystal) -> None:
    gene = crystal.random_gene(seed)
    text = to_string(gene)
    again = to_string(canonical_wyckoff(*crystal.scrambled(expand(gene), seed)))
    assert distances([again], text)["distance"][0] == pytest.approx(0, abs=2e-3)
    there, back = distances([text], SALT), distances([SALT], text)
    for name in there:
        assert there[name] == pytest.approx(back[name])


def test_small_displacements_are_near_larger_ones_farther() -> None:
    titania = "136 a:Ti f:O(0.305) | 4.594 2.959"
    moved = [f"136 a:Ti f:O({x}) | 4.594 2.959" for x in (0.306, 0.31, 0.33)]
    found = distances(moved, titania)["structure_distance"]
    assert 0 < found[0] < 0.02 < found[1] < found[2]
