"""No more of one group than is wanted."""

from collections import Counter

import pytest
from pydantic import ValidationError

from nucleate.core.errors import SettingsError
from nucleate.crystals import Crystals
from nucleate.molecules import Molecules
from nucleate.objectives.objective import Objective
from nucleate.search.evolution.quota import Quota, build_quota
from nucleate.search.evolution.screened_evolution import ScreenedEvolution
from nucleate.search.study import run_study as study_module
from nucleate.search.study.run_study import run_study
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_guide import GuidedMatter
from nucleate.testing.toy_matter import ToyMatter, ToyModel, training_set


def run(path, matter, **changes):
    training = training_set()
    terms = (PropertySettings(property="sum"),)
    chosen = OptimizeSettings(**({"trials": 60, "batch": 10, "objectives": terms} | changes))
    model = ToyModel(training, matter=matter)
    objective = Objective(matter, chosen.objectives)
    return run_study(
        model, objective, training, training, chosen, seed=3, path=path / "a.journal", name="a"
    )


def test_rows_beyond_it_go_behind_but_not_behind_what_breaks_a_constraint():
    rows = [
        {"structure": name, "feasible": feasible}
        for name, feasible in (
            ("a1", True),
            ("a2", True),
            ("b1", True),
            ("a3", False),
            ("c1", False),
        )
    ]
    found = Quota("first", 1, lambda structure: structure[0]).apply(rows)
    assert [row["structure"] for row in found] == ["a1", "b1", "a2", "c1", "a3"]
    assert [row["rank_in_group"] for row in found] == [1, 1, 2, 1, 3]
    assert [row["beyond_quota"] for row in found] == [False, False, True, False, True]


@pytest.mark.parametrize("by", [None, "last"])
def test_a_study_is_told_of_it_and_its_rows_are_ranked_by_it(tmp_path, monkeypatch, by):
    built = []

    def build(task):
        built.append(build_small_searcher(task))
        return built[-1]

    monkeypatch.setattr(study_module, "build_searcher", build)
    result = run(tmp_path, GuidedMatter(), quota=2, quota_by=by)
    (searcher,) = built
    assert isinstance(searcher, ScreenedEvolution)
    key = GuidedMatter().identity.groups()[by or "first"]
    breeders = [searcher.memory.structures[row] for row in searcher.parents.breeders()]
    assert max(Counter(map(key, breeders)).values()) <= 2
    first = [row for row in result.rows if not row["beyond_quota"]]
    assert result.rows[: len(first)] == first
    assert max(Counter(row["group"] for row in first).values()) <= 2
    assert all(row["group"] == key(row["structure"]) for row in result.rows)
    scores = [row["score"] for row in first]
    assert scores == sorted(scores, reverse=True)
    assert result.summary["quota"] == {"by": by or "first", "most": 2}
    assert result.summary["beyond_quota"] == len(result.rows) - len(first) > 0


def test_groups_of_the_kinds_of_matter():
    assert list(Molecules().identity.groups()) == ["scaffold"]
    scaffold = Molecules().identity.groups()["scaffold"]
    assert scaffold("Cc1ccccc1") == scaffold("Oc1ccccc1") == "c1ccccc1"
    groups = Crystals().identity.groups()
    salt = "225 a:Na b:Cl | 5.64"
    assert {name: key(salt) for name, key in groups.items()} == {
        "chemical_system": "Cl-Na",
        "formula": "NaCl",
        "prototype": "225 a:0 b:1",
    }
    assert groups["prototype"]("225 a:Mg b:O | 4.2") == groups["prototype"](salt)


def test_what_no_matter_groups_by_is_refused():
    with pytest.raises(SettingsError, match=r"no groups by 'colour'; known: first, last"):
        build_quota(GuidedMatter(), OptimizeSettings(quota=2, quota_by="colour"))
    with pytest.raises(SettingsError, match="toy knows no groups"):
        build_quota(ToyMatter(), OptimizeSettings(quota=2))
    with pytest.raises(ValidationError, match="give quota as well"):
        OptimizeSettings(quota_by="scaffold")
    assert build_quota(ToyMatter(), OptimizeSettings()) is None
