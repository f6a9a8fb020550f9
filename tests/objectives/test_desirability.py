import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nucleate.objectives.desirability import combine, resolve
from nucleate.settings.objectives import PropertySettings

numbers = st.floats(-1e6, 1e6)
anything = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def terms(draw):
    goal = draw(st.sampled_from(["maximise", "minimise", "target", "range"]))
    low = draw(numbers)
    high = low + draw(st.floats(1e-3, 1e6))
    if low >= high:
        high = low + 1.0
    values = {"property": "p", "goal": goal}
    if goal == "target":
        values |= {"target": low, "tolerance": draw(st.floats(1e-6, 1e6))}
    elif goal == "range" or draw(st.booleans()):
        values |= {"low": low, "high": high}
    return PropertySettings(**values)


@given(terms(), st.lists(anything, min_size=1), st.lists(anything))
@example(PropertySettings(property="p"), [0.0], [1.2e308])
@example(PropertySettings(property="p", low=0.0), [1.7e308], [-1.7e308, 1.7e308])
def test_desirability_is_bounded_and_zero_where_nothing_is_known(term, values, reference):
    wanted = resolve(term, np.array(reference))(np.array(values))
    assert np.all((wanted >= 0) & (wanted <= 1))
    assert np.all(wanted[~np.isfinite(values)] == 0)


@given(terms(), st.lists(numbers, min_size=2, max_size=20), st.lists(numbers, max_size=20))
def test_desirability_is_monotonic_towards_the_goal(term, values, reference):
    ordered = np.sort(np.array(values))
    wanted = resolve(term, np.array(reference))(ordered)
    if term.goal == "maximise":
        assert np.all(np.diff(wanted) >= 0)
    elif term.goal == "minimise":
        assert np.all(np.diff(wanted) <= 0)
    else:
        centre = term.target if term.goal == "target" else (term.low + term.high) / 2
        nearer = np.argsort(np.abs(ordered - centre), kind="stable")
        assert np.all(np.diff(wanted[nearer]) <= 1e-9)


def test_values_that_the_settings_promise():
    line = resolve(PropertySettings(property="sa", goal="minimise", low=2, high=6), np.array([]))
    np.testing.assert_allclose(line(np.array([1.0, 2.0, 4.0, 6.0, 7.0])), [1, 1, 0.5, 0, 0])
    target = resolve(
        PropertySettings(property="x", goal="target", target=3, tolerance=2), np.array([])
    )
    np.testing.assert_allclose(target(np.array([3.0, 5.0, 1.0])), [1, *[math.exp(-0.5)] * 2])
    inside = resolve(
        PropertySettings(property="x", goal="range", low=0, high=1, tolerance=0.5), np.array([])
    )
    np.testing.assert_allclose(inside(np.array([0.0, 1.0, 1.5])), [1, 1, math.exp(-0.5)])


def test_open_ended_goals_are_scaled_by_the_reference_and_never_saturate():
    reference = np.linspace(0, 100, 1001)
    wanted = resolve(PropertySettings(property="x"), reference)
    np.testing.assert_allclose(wanted(np.array([5.0, 50.0, 95.0])), [0.05, 0.5, 0.95], atol=1e-6)
    beyond = wanted(np.array([100.0, 120.0, 150.0]))
    assert np.all(np.diff(beyond) > 0)


def test_geometric_mean_is_weighted_and_cannot_be_bought_off():
    values = {"a": np.array([0.25, 1.0, 0.0]), "b": np.array([1.0, 0.25, 1.0])}
    np.testing.assert_allclose(combine(values, [1, 1]), [0.5, 0.5, 0.0])
    np.testing.assert_allclose(combine(values, [3, 1]), [0.25**0.75, 0.25**0.25, 0.0])


@pytest.mark.parametrize("reference", [[], [math.nan], [3.0, 3.0, 3.0]])
def test_a_reference_without_spread_still_gives_a_scale(reference):
    wanted = resolve(PropertySettings(property="x"), np.array(reference))
    low, high = wanted(np.array([-1e3, 1e3]))
    assert low < 0.05 < 0.95 < high
