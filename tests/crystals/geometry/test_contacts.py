"""Contacts: neighbours both ways, charges, full shells, limits."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.core.errors import StructureError
from nucleate.crystals.geometry.contacts import contacts, metals


def test_rock_salt_has_six_neighbours_each_way() -> None:
    found = contacts("225 a:Na b:Cl | 5.64")
    nearest = np.isclose(found.distance, 2.82)
    assert np.bincount(found.first[nearest]).tolist() == [6, 6]
    assert found.symbols == ["Na", "Cl"]
    assert found.charges.tolist() == [1, -1]
    assert found.full_shells().tolist() == [False, True]
    assert found.closest() == pytest.approx([2.82 / (1.66 + 1.02)] * 2)


def test_hollow_and_dense_cells_are_refused() -> None:
    with pytest.raises(StructureError, match="too_few_contacts"):
        contacts("221 a:Na | 20")
    with pytest.raises(StructureError, match="not_a_wyckoff_string"):
        contacts("nonsense")


def test_metals_are_smacts() -> None:
    assert metals()[[26, 11]].all()
    assert not metals()[[1, 8, 17]].any()
