"""Searchers on a toy whose best structure is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from nucleate.search.evolution.memory import LatentComparison, Latents, Memory
from nucleate.search.evolution.offspring import OperatorCredit
from nucleate.search.evolution.operators import Crossover, Mutation
from nucleate.search.evolution.screened_evolution import ScreenedEvolution
from nucleate.search.factories import build_searcher
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.settings.evolution import EvolutionSettings
from nucleate.testing.pytest_searchers import Record, run_searcher
from nucleate.testing.toy_matter import EditableMatter, ToyEdits, ToyModel, parse, training_set

SMALL = EvolutionSettings(
    initial=30, screened=6, generations=2, pool=100, support=200, refit=60, plausible=0
)


def score(structures: Sequence[str]) -> np.ndarray:
    """Highest, 0, at 7,-7,7,-7: at the edge of what the training set holds."""
    goal = np.array([7, -7, 7, -7])
    return np.array([-float(np.abs(np.array(parse(s)) - goal).sum()) for s in structures])


def built(name: str, seed: int = 0) -> Searcher:
    data = training_set()
    model = ToyModel(data, matter=EditableMatter())
    return build_searcher(SearchTask(name, model, data, seed, SMALL))  # type: ignore[arg-type]


def run(searcher: Searcher, calls: int) -> list[Record]:
    return run_searcher(searcher, score, calls)


# What screened evolution does beyond that.


@pytest.mark.parametrize("name", ["nucleate", "latent", "edits+screen"])
def test_it_finds_what_the_data_does_not_hold(name: str) -> None:
    best_known = score(training_set()).max()
    found = run(built(name), 250)
    assert max(value for _, value, _ in found) >= best_known + 5


def test_it_does_better_than_its_controls() -> None:
    def top(name: str) -> float:
        return float(
            np.mean([max(v for _, v, _ in run(built(name, seed), 150)) for seed in (0, 1)])
        )

    assert top("nucleate") > max(top("best-of-data"), top("random-prior"))


def test_proposals_tell_where_they_come_from() -> None:
    searcher = built("nucleate")
    run(searcher, 60)
    asked = searcher.ask(30)
    assert {p.origin for p in asked} - {"data"}
    for proposal in asked:
        assert proposal.origin == "data" or proposal.parents
        moved = proposal.origin.startswith("latent")
        assert (proposal.latent is not None) == moved
        assert (proposal.log_likelihood is not None) == moved


def _made(
    accept: Callable[[Sequence[str]], np.ndarray] | None = None,
    starts: Sequence[str] = (),
    group: Callable[[str], str] | None = None,
    settings: EvolutionSettings = SMALL,
) -> ScreenedEvolution:
    model = ToyModel(training_set())
    memory = Memory(LatentComparison(Latents(model)))  # type: ignore[arg-type]
    operators = [Mutation(ToyEdits(), "toy"), Crossover(ToyEdits(), "toy")]
    return ScreenedEvolution(
        memory,
        operators,
        None,
        model.training,
        0,
        settings,
        starts=starts,
        accept=accept,
        group=group,
    )


def test_only_what_is_accepted_is_asked_for() -> None:
    def even(structures: Sequence[str]) -> np.ndarray:
        return np.array([parse(s)[0] % 2 == 0 for s in structures])

    found = run(_made(accept=even), 120)
    assert len(found) > 60
    assert all(parse(s)[0] % 2 == 0 for s, _, _ in found)


def test_starts_come_first_even_if_they_are_not_accepted() -> None:
    starts = ["9,9,9,9", "1,0,0,0"]
    searcher = _made(accept=lambda s: np.zeros(len(s), bool), starts=starts)
    assert [p.structure for p in searcher.ask(5)] == starts
    assert searcher.ask(5) == []


def test_a_quota_keeps_one_family_from_breeding_alone() -> None:
    limited = EvolutionSettings(
        initial=30, screened=6, generations=1, breeding=0.0, pool=0, support=200, quota=1
    )
    searcher = _made(group=lambda s: s.split(",")[0], settings=limited)
    run(searcher, 80)
    parents = [searcher.memory.structures[i] for i in searcher.parents.breeders()]
    families = [s.split(",")[0] for s in parents]
    assert len(families) == len(set(families)) > 3


def test_operators_that_succeed_make_more() -> None:
    credit = OperatorCredit(3, floor=0.1)
    for _ in range(10):
        credit.learn(np.array([10.0, 10.0, 10.0]), np.array([5.0, 1.0, 0.0]))
    shares = credit.probabilities()
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] > shares[1] > shares[2] >= 0.1


def test_a_score_told_again_replaces_the_first() -> None:
    memory = Memory(LatentComparison(Latents(ToyModel(training_set()))))  # type: ignore[arg-type]
    memory.add(["1,1,1,1", "2,2,2,2"], np.array([0.5, np.nan]))
    assert memory.values().tolist() == [0.5, 0.5]
    assert memory.add(["2,2,2,2"], np.array([0.9])) == []
    assert memory.values().tolist() == [0.5, 0.9]
    assert memory.best(1).tolist() == [1]


def test_other_scores_of_the_same_structures_are_no_success() -> None:
    searcher = _made()
    run(searcher, 60)
    shares = searcher.offspring.probabilities()
    told = list(searcher.memory.structures)
    searcher.rescore(told, -score(told))
    assert searcher.offspring.probabilities() == shares
    assert searcher.memory.values().tolist() == (-score(told)).tolist()
    assert searcher.ask(5)
