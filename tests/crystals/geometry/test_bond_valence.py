"""Bond valences: rutile's add up, alloys have none."""

from __future__ import annotations

import pytest

from nucleate.crystals.geometry.bond_valence import bond_valence
from nucleate.crystals.geometry.contacts import contacts


def test_rutiles_bonds_add_up_to_its_oxidation_states() -> None:
    sums = bond_valence(contacts("136 a:Ti f:O(0.30479) | 4.5937 2.9581"))
    assert sums is not None
    # Within reach are more neighbours than the first shell: a little above 4 and 2.
    assert sums.sums == pytest.approx(sums.expected, rel=0.25)
    assert sums.instability < 0.6
    assert 0 <= sums.worst < 6


def test_alloys_have_no_oxidation_states() -> None:
    assert bond_valence(contacts("221 a:Au c:Cu | 3.74")) is None
