"""Objectives that a person measures, as settings and as properties."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.objectives.build_objectives import build, check
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.toy_matter import ToyMatter


def test_a_measured_objective_has_no_value_until_it_is_told():
    term = PropertySettings(measured="pIC50", unit="-log10 mol/l")
    built = build(ToyMatter(), None, term)
    assert (built.name, built.unit) == ("pIC50", "-log10 mol/l")
    assert np.isnan(built.compute(["1,2,3,4", "2,2,2,2"])).all()
    objective = Objective(ToyMatter(), (term,))
    structures = [f"{i},0,0,0" for i in range(12)]
    for value, structure in enumerate(structures[:3]):
        objective.remember(structure, {"pIC50": float(value)})
    objective.fit(structures)  # unlike a function of one's own that gives nothing
    scores = [scored.score for scored in objective.score(structures[:4])]
    assert scores[0] < scores[1] < scores[2]
    assert scores[3] == 0.0


def test_names_that_are_taken():
    assert build(ToyMatter(), None, PropertySettings(measured="score")).name == "measured_score"
    named = PropertySettings(measured="score", name="activity")
    assert build(ToyMatter(), None, named).name == "activity"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"measured": "x", "property": "sum"}, "exactly one of"),
        ({"measured": "x", "timeout": 3}, "a measured objective has no key timeout"),
        ({"measured": "x", "goal": "target"}, "needs target and tolerance"),
    ],
)
def test_what_is_refused(values, message):
    with pytest.raises(SettingsError, match=message):
        validate(PropertySettings, values, "here")


def test_runs_that_compute_everything_refuse_it_at_once():
    with pytest.raises(SettingsError, match="measured by a person"):
        check(ToyMatter(), PropertySettings(measured="x"))
