"""Studies of structures that are the same under several texts: none is asked for or found twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import optuna
import pytest

from nucleate.matter.identity import Identity
from nucleate.matter.part import part
from nucleate.objectives.objective import Objective
from nucleate.search.optuna_adapter import create_running_trial, end_trial
from nucleate.search.repeats import Repeats
from nucleate.search.searcher import Proposal
from nucleate.search.study.run_study import run_study
from nucleate.search.study.storage import open_study
from nucleate.search.study.structure_sampler import StructureSampler
from nucleate.search.trial_attributes import OUTCOME, RESULT, STRUCTURE
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_matter import ToyMatter, ToyModel, calls, training_set

TERMS = (PropertySettings(property="sum", low=-30, high=30),)


class LastIsNothing(Identity):
    """The last of the four numbers is of no account, as a crystal's cell."""

    def bucket(self, structure: str) -> str:
        return structure.rpartition(",")[0]

    def first_same(self, structure: str, others: Sequence[str]) -> int | None:
        return 0 if others else None


class Swelling(ToyMatter):
    identity = part(LastIsNothing)


def kind(structure: str) -> str:
    return structure.rpartition(",")[0]


@pytest.fixture(autouse=True)
def small_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nucleate.search.study.run_study.build_searcher", build_small_searcher)
    calls.clear()


def study(tmp_path, sampler, matter=Swelling, **changes):  # type: ignore[no-untyped-def]
    training = training_set()
    chosen = OptimizeSettings(
        **{"trials": 50, "batch": 10, "dimensions": 4, "radius": 3.0, "reference": 60}
        | {"sampler": sampler, "objectives": TERMS}
        | changes
    )
    return run_study(
        ToyModel(training, matter=matter()),  # type: ignore[arg-type]
        Objective(matter(), chosen.objectives),
        *(training, training, chosen),
        seed=3,
        path=tmp_path / "study.journal",
        name="study",
    )


@pytest.mark.parametrize("sampler", ["nucleate", "latent", "random-prior", "cmaes", "tpe", "qmc"])
def test_nothing_known_and_nothing_twice_is_asked_for_or_found(tmp_path, sampler) -> None:  # type: ignore[no-untyped-def]
    result = study(tmp_path, sampler)
    known = {kind(s) for s in training_set()}
    found = [kind(row["structure"]) for row in result.rows]
    assert len(found) == len(set(found)) == result.summary["new"] > 20
    assert not known & set(found)
    # The objective was asked about known ones before the first trial only.
    asked = [s for s in calls if s not in training_set()]
    assert not {kind(s) for s in asked} & known
    assert len({kind(s) for s in asked}) == len(asked)
    if sampler in ("nucleate", "latent"):
        assert len(set(calls) & set(training_set())) <= 60 + 10  # `SMALL` screens data, too


def test_known_ones_decoded_from_boxes_have_their_own_values(tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(tmp_path, "random", radius=0.5)
    with open_study(tmp_path / "study.journal", "study") as opened:
        told = opened.get_trials()
    known = [t for t in told if t.user_attrs[OUTCOME] == "known"]
    assert known
    for trial in known:
        assert trial.user_attrs[STRUCTURE] in training_set()
        assert trial.values == [pytest.approx(trial.user_attrs[RESULT]["desirability"]["sum"])]
    assert len({t.user_attrs[STRUCTURE] for t in known}) == len(known)


@pytest.mark.parametrize("sampler", ["latent", "cmaes"])
def test_a_few_variants_of_what_is_new_may_be_asked_for(tmp_path, sampler) -> None:  # type: ignore[no-untyped-def]
    result = study(tmp_path, sampler, variants=2, trials=120)
    known = {kind(s) for s in training_set()}
    asked = Counter(kind(s) for s in calls if s not in training_set())
    assert not set(asked) & known
    assert 1 < max(asked.values()) <= 3
    # The best of each is the result.
    best = {k: max(sum(map(int, s.split(","))) for s in calls if kind(s) == k) for k in asked}
    assert result.summary["variants"] == sum(asked.values()) - len(asked)
    assert len(result.rows) == len(asked)
    assert all(row["sum"] == best[kind(row["structure"])] for row in result.rows)


@pytest.mark.parametrize("sampler", ["nucleate", "cmaes"])
def test_studies_of_versions_that_told_texts_apart_go_on(tmp_path, sampler) -> None:  # type: ignore[no-untyped-def]
    old = study(tmp_path, sampler, ToyMatter)
    known = {kind(s) for s in training_set()}
    kinds = [kind(row["structure"]) for row in old.rows]
    assert known & set(kinds) or len(set(kinds)) < len(kinds)
    asked = set(calls)
    more = study(tmp_path, sampler, trials=70)
    assert more.summary["trials"] == 70
    found = [kind(row["structure"]) for row in more.rows]
    assert len(found) == len(set(found))
    assert not known & set(found)
    fresh = [kind(s) for s in calls if s not in asked]
    assert len(fresh) == len(set(fresh))
    assert not set(fresh) & ({kind(s) for s in asked} | known)
    left_out = more.summary["variants"] + more.summary["known"]
    assert left_out >= len(kinds) - len(set(kinds))


def test_what_another_worker_asks_for_is_not_asked_for_again() -> None:
    class Four:
        name = "four"

        def __init__(self) -> None:
            self.left = [Proposal(f"1,1,{n // 2},{n}", "edit") for n in range(8)]

        def ask(self, count: int) -> list[Proposal]:
            out, self.left = self.left[:count], self.left[count:]
            return out

        def tell(self, structures: Sequence[str], scores: np.ndarray) -> None:
            return

    opened = optuna.create_study(direction="maximize")
    theirs = create_running_trial(opened, {STRUCTURE: "1,1,2,9"})
    end_trial(opened, theirs, optuna.trial.TrialState.COMPLETE, [0.5])
    create_running_trial(opened, {STRUCTURE: "1,1,3,9"})
    repeats = Repeats(Swelling().identity, ["1,1,0,9"])
    sampler = StructureSampler(Four(), repeats=repeats)  # type: ignore[arg-type]
    claimed = sampler.claim(opened, 8)
    assert [proposal.structure for _, proposal in claimed] == ["1,1,1,2"]


def test_what_is_given_may_be_asked_for_though_it_is_known() -> None:
    repeats = Repeats(Swelling().identity, ["1,1,0,9"])
    assert repeats.take(Proposal("1,1,0,9", "data"))
    assert not repeats.take(Proposal("1,1,0,8", "edit"))
    assert repeats.take(Proposal("1,1,1,8", "edit"))
    assert repeats.take(Proposal("1,1,1,8", "edit"))  # the very same: who asks must know it
    assert not repeats.take(Proposal("1,1,1,9", "edit"))
    assert repeats.asked_as("1,1,1,9") == "1,1,1,8"
    assert repeats.known_as("1,1,0,7") == "1,1,0,9"
