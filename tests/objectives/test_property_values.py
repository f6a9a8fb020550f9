"""Values of properties are computed once, and what fails says why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nucleate.matter.properties import Property
from nucleate.objectives.property_values import REFERENCE_SLOW, PropertyValues
from nucleate.objectives.scored import Scored
from nucleate.testing.toy_matter import ToyMatter


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def values(asked: list[str]) -> PropertyValues:
    def first(structures: Sequence[str]) -> np.ndarray:
        asked.extend(structures)
        return np.array([float(structure.split(",")[0]) for structure in structures])

    one = Property("first", "", "the first number", first)
    return PropertyValues(ToyMatter(), [one, one])


def test_a_repeated_property_gets_a_number(values: PropertyValues) -> None:
    assert values.names == ["first", "first_2"]
    assert not values.is_cheap
    assert values.reference_size == REFERENCE_SLOW


def test_everything_is_computed_once(values: PropertyValues, asked: list[str]) -> None:
    structures = ["1,2,3,4", "5,6,7,8", "1,2,3,4"]
    assert values.raw(structures).tolist() == [[1, 1], [5, 5], [1, 1]]
    values.remember("9,9,9,9", {"first": 3.0, "first_2": None}, {"first_2": "no idea"})
    np.testing.assert_array_equal(values.raw([*structures, "9,9,9,9"])[3], [3, np.nan])
    assert sorted(asked) == sorted(2 * ["1,2,3,4", "5,6,7,8"])
    assert values.computed == 2
    assert values.reason("9,9,9,9") == "first_2: no idea"


def test_one_bad_structure_costs_only_itself(values: PropertyValues) -> None:
    found = values.raw(["1,2,3,4", "x", "5,6,7,8"])
    np.testing.assert_array_equal(found[:, 0], [1, np.nan, 5])
    assert values.reason("x").startswith("ValueError: could not convert")  # alike in both
    assert values.failures()["first"] == {values.reasons("x")["first"]: 1}


def test_a_score_is_penalised_where_a_constraint_is_broken() -> None:
    kept, broken = (Scored({}, {"a": 0.5}, 0.5, excess={"b": e}) for e in (-1.0, 3.0))
    assert (kept.penalised_score, kept.feasible) == (0.5, True)
    assert (broken.penalised_score, broken.feasible) == (-0.75, False)
    assert broken.observed == (-0.75,)
