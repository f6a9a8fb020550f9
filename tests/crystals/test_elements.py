"""The elements: which are accepted, and their tables."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.crystals.elements import (
    LARGEST,
    NUMBERS,
    SYMBOLS,
    features,
    radii,
    refusal,
    supported,
    volumes,
)


def test_symbols_and_numbers_agree() -> None:
    from ase.data import chemical_symbols

    assert list(SYMBOLS) == chemical_symbols[1 : len(SYMBOLS) + 1]
    assert all(SYMBOLS[number - 1] == symbol for symbol, number in NUMBERS.items())


@pytest.mark.parametrize("noble_gases", [False, True])
def test_what_is_supported_is_not_refused(noble_gases: bool) -> None:
    accepted = set(supported(noble_gases))
    for number in range(1, len(SYMBOLS) + 1):
        assert (refusal(number, noble_gases) == "") == (number in accepted)
    assert (54 in accepted) == noble_gases
    assert "noble_gases" in refusal(54)
    assert "no data beyond Pu" in refusal(96)


def test_tables_cover_the_elements() -> None:
    assert len(features()) == len(volumes()) == len(radii()) == LARGEST
    assert np.isfinite(features()).all()
    assert radii()[NUMBERS["Na"] - 1] == pytest.approx(1.66)  # Cordero et al. 2008
    assert volumes()[NUMBERS["Cs"] - 1] > 3 * volumes()[NUMBERS["O"] - 1]
