"""Properties of crystals against textbook values."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.crystals import Crystals

PROPERTIES = Crystals().properties
SALT = "225 a:Na b:Cl | 5.6402"
RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
DIAMOND = "227 a:C | 3.567"
ELEMENTS = ("contains_elements", "excludes_elements")


def values(name: str, crystals: list[str], **arguments: object) -> list[float]:
    return PROPERTIES.build(name, arguments).compute(crystals).tolist()


def test_density_of_salt_rutile_and_diamond() -> None:
    # CRC Handbook: 2.17, 4.25 and 3.51 g/cm3.
    found = values("density", [SALT, RUTILE, DIAMOND])
    assert found == pytest.approx([2.164, 4.249, 3.516], abs=2e-3)


def test_volume_distance_and_number_of_elements() -> None:
    assert values("volume_per_atom", [DIAMOND]) == pytest.approx([3.567**3 / 8])
    # C-C is 1.5446 A; Cordero's radius of carbon in ASE is 0.76 A.
    found = values("shortest_scaled_distance", [DIAMOND])
    assert found == pytest.approx([3.567 * 3**0.5 / 4 / 1.52], abs=1e-4)
    assert values("number_of_elements", [SALT, DIAMOND]) == [2, 1]


def test_elements_wanted_and_unwanted() -> None:
    assert values("contains_elements", [SALT, RUTILE], elements=["Na", "O"]) == [0.5, 0.5]
    assert values("contains_elements", [SALT, RUTILE], elements="Na-O") == [0.5, 0.5]
    assert values("excludes_elements", [SALT, RUTILE], elements=["O"]) == pytest.approx([1, 1 / 3])


def test_one_bad_crystal_does_not_spoil_the_others() -> None:
    for name in ("density", "energy_per_atom", "energy_above_hull", "shortest_scaled_distance"):
        found = values(name, ["nonsense", SALT])
        assert np.isnan(found).tolist() == [True, False], name


def test_a_stable_crystal_is_near_the_hull_and_a_compressed_one_far_above() -> None:
    stable, squeezed = values("energy_above_hull", [SALT, "225 a:Na b:Cl | 4.6"])
    assert stable < 0.05
    assert squeezed > stable + 0.3
    one, other = values("energy_per_atom", [SALT, "225 a:Na b:Cl | 4.6"])
    assert squeezed - stable == pytest.approx(other - one)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("hardness", {}, "known: density"),
        ("density", {"elements": ["Na"]}, "takes no arguments"),
        ("contains_elements", {}, "needs `elements`"),
        ("contains_elements", {"elements": ["Xx"]}, "no element 'Xx'"),
        ("excludes_elements", {"element": ["Na"]}, "known: elements"),
    ],
)
def test_what_a_person_may_mistype(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        PROPERTIES.build(name, arguments)


def test_every_listed_property_can_be_built() -> None:
    for name in PROPERTIES.descriptions():
        arguments = {"elements": ["Na"]} if name in ELEMENTS else {}
        assert PROPERTIES.build(name, arguments).name == name
