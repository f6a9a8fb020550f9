"""The preferred description: the same whichever equivalent one comes in."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.core.errors import StructureError
from nucleate.crystals.wyckoff.preferred_setting import preference, preferred_parameters, tidy
from nucleate.crystals.wyckoff.symmetry import space_group
from nucleate.crystals.wyckoff.wyckoff_string import from_string, to_string

RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"


def test_equivalent_coordinates_are_tidied_alike() -> None:
    assert to_string(tidy(from_string(RUTILE))) == RUTILE
    assert to_string(tidy(from_string(RUTILE.replace("0.30479", "0.69521")))) == RUTILE


@pytest.mark.parametrize("number", [14, 62, 194, 225])
def test_every_image_of_a_point_has_the_same_parameters(number: int) -> None:
    group = space_group(number)
    point = np.array([0.137, 0.229, 0.311])
    images = group.general.linear @ point + group.general.shift
    parameters, values = preferred_parameters(group, group.general, images)
    np.testing.assert_allclose(parameters % 1, np.tile(parameters[0] % 1, (len(images), 1)))
    np.testing.assert_allclose(values, values[0])


def test_preference_is_periodic() -> None:
    point = np.array([[0.1, 0.7, 0.4]])
    assert preference(point + np.array([1, -2, 3])) == pytest.approx(preference(point))


def test_points_off_their_position_are_refused() -> None:
    group = space_group(225)
    with pytest.raises(StructureError, match="no point on position e"):
        preferred_parameters(group, group.position("e"), np.array([[0.1, 0.2, 0.3]]))
