"""Fingerprints: equal for equal crystals however described, different for different ones."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.crystals.wyckoff.matching import REACH, far_apart, fingerprint
from nucleate.matter import registry as matter

ROCK_SALT = "225 a:Na b:Cl | 5.64"


def test_rock_salt_by_hand() -> None:
    # Two atoms in a^3 / 4, so that a scaled cell has a^3 = 8: six neighbours at 1, then at sqrt(2).
    found = fingerprint(ROCK_SALT)
    expected = np.repeat([1.0, np.sqrt(2)], 6)
    np.testing.assert_allclose(found, np.tile(expected, 2), atol=1e-6)


def test_scale_does_not_matter_and_distances_are_cut() -> None:
    np.testing.assert_allclose(
        fingerprint(ROCK_SALT), fingerprint("225 a:Na b:Cl | 6.1"), atol=1e-6
    )
    assert fingerprint("191 a:C | 2.4 30").max() <= REACH


@pytest.mark.parametrize(("ratio", "expected"), [(1.001, False), (1.3, True)])
def test_a_stretched_cell(ratio: float, expected: bool) -> None:
    first, second = "123 a:Na d:Cl | 4 4", f"123 a:Na d:Cl | 4 {4 * ratio:.4f}"
    assert far_apart(first, second) == expected
    assert matter.get("crystals").identity.are_duplicates(first, second) != expected
