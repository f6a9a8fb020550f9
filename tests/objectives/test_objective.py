import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.crystals import Crystals
from nucleate.matter.properties import Property
from nucleate.molecules import Molecules
from nucleate.objectives.objective import Objective, complete_terms
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.toy_matter import ToyMatter, calls

SUM = PropertySettings(property="sum", low=0, high=10)
SPREAD = PropertySettings(property="spread", goal="minimise", low=0, high=8)


def test_no_structure_is_computed_twice():
    calls.clear()
    objective = Objective(ToyMatter(), [SUM, SPREAD])
    objective.fit(["1,2,3,4", "1,1,1,1"])
    objective.score(["1,2,3,4", "5,5,5,6", "5,5,5,6"])
    objective.score(["5,5,5,6"])
    assert set(calls.values()) == {1}
    assert objective.computed == 3


def test_raw_values_are_kept_where_desirability_is_zero():
    objective = Objective(ToyMatter(), [SUM, SPREAD])
    objective.fit([])
    (scored,) = objective.score(["1,1,1,1"])  # its spread is NaN
    assert np.isnan(scored.raw["spread"])
    assert scored.raw["sum"] == 4.0
    assert scored.desirability == {"sum": 0.4, "spread": 0.0}
    assert scored.score == 0.0
    assert list(scored.columns()) == [
        "sum", "spread", "sum_desirability", "spread_desirability", "score",
    ]  # fmt: skip


def test_scales_survive_json():
    objective = Objective(ToyMatter(), [PropertySettings(property="sum")])
    objective.fit([f"{i},0,0,0" for i in range(10)])
    again = Objective.from_json(ToyMatter(), objective.to_json())
    assert again.score(["4,2,0,0"]) == objective.score(["4,2,0,0"])


def test_a_property_asked_for_twice_gets_two_columns():
    assert Objective(ToyMatter(), [SUM, SUM]).names == ["sum", "sum_2"]


def test_unknown_property_names_the_known_ones():
    with pytest.raises(SettingsError, match="known: sum, spread"):
        Objective(ToyMatter(), [PropertySettings(property="smu")])


def test_default_terms_come_from_the_matter():
    stating = ToyMatter()
    stating.properties.default_objectives = lambda: (SUM,)
    assert complete_terms(stating, []) == (SUM,)
    assert [t.property for t in complete_terms(Molecules(), [])] == ["qed", "sa_score", "logp"]
    assert [t.property for t in complete_terms(Crystals(), [])] == ["energy_above_hull"]
    assert complete_terms(ToyMatter(), []) == ()


def test_a_property_that_raises_costs_one_value_not_the_run():
    def compute(structures):
        if "0,0,0,0" in structures:
            raise RuntimeError("no")
        return np.ones(len(structures))

    fragile = ToyMatter()
    fragile.properties.table = lambda: {"sum": Property("sum", "", "", compute)}
    objective = Objective(fragile, [SUM])
    raw = objective.raw(["1,0,0,0", "0,0,0,0", "2,0,0,0"])
    np.testing.assert_array_equal(raw[:, 0], [1, np.nan, 1])


def test_what_is_forbidden_is_never_computed_nor_paid_for() -> None:
    careful = ToyMatter()
    careful.checks.reasons_to_forbid = lambda structures: [
        "hazard: a nine" if "9" in s else "" for s in structures
    ]
    calls.clear()
    objective = Objective(careful, [PropertySettings(property="sum", low=0, high=20)])
    objective.fit([])
    good, bad = objective.score(["1,2,3,4", "9,1,1,1"])
    assert good.score == pytest.approx(0.5)
    assert bad.score == 0
    assert np.isnan(bad.raw["sum"])
    assert objective.reason("9,1,1,1") == "sum: hazard: a nine"
    assert calls == {"1,2,3,4": 1}
    assert objective.failures() == {"sum": {"hazard: a nine": 1}}


def test_no_objective_is_called_as_the_structures_are() -> None:
    toy = ToyMatter()
    toy.properties.table = lambda: {
        "numbers": Property("numbers", "", "", lambda s: np.ones(len(s)))
    }
    with pytest.raises(SettingsError, match="numbers is the structures' column"):
        Objective(toy, [PropertySettings(property="numbers")])
