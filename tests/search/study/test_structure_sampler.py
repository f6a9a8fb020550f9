"""Our searchers as Optuna samplers: conformance, storages, workers, provenance."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.trial import TrialState

from nucleate.core.errors import InputError, SettingsError
from nucleate.search import ScreenedEvolutionSampler, StructureSampler, proposed_structure
from nucleate.search.optuna_adapter import create_running_trial as create
from nucleate.search.scalarisation import normalise
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.study.structure_sampler import proposal
from nucleate.search.study.trial_index import TrialIndex, fail
from nucleate.search.trial_attributes import ABANDONED, PROPOSAL, STRUCTURE, latent_of, latent_text
from nucleate.testing.toy_matter import SMALL, ToyModel, ToyReader, parse, training_set


class Counting(Searcher):
    """Proposes 0, 1, 2, ... below `size`, and remembers what it was told."""

    name = "counting"

    def __init__(self, size: int = 10_000, latent: bool = False):
        self.size, self.latent = size, latent
        self.next = 0
        self.asks: list[int] = []
        self.told: dict[str, float] = {}
        self.tells: list[int] = []

    def ask(self, count):
        self.asks.append(count)
        out = []
        while len(out) < count and self.next < self.size:
            if str(self.next) not in self.told:
                latent = np.full(3, self.next / 7, np.float32) if self.latent else None
                parents = (str(self.next - 1),) if self.next else ()
                out.append(Proposal(str(self.next), "next", parents, latent, -0.5))
            self.next += 1
        return out

    def tell(self, structures, scores):
        self.tells.append(len(structures))
        self.told |= dict(zip(structures, scores.tolist(), strict=True))


def value(trial):
    return float(proposed_structure(trial)) % 7


def storage_of(kind, path):
    if kind == "memory":
        return optuna.storages.InMemoryStorage()
    if kind == "journal":
        return JournalStorage(JournalFileBackend(str(path / "a.journal")))
    return optuna.storages.get_storage(f"sqlite:///{path / 'a.db'}")


@pytest.fixture(autouse=True)
def silence():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestConformance(BasicSamplerTestCase):
    """Optuna's own suite, for parameters that are suggested besides the structure."""

    @pytest.fixture
    def sampler(self):
        return lambda: StructureSampler(Counting())


@pytest.mark.parametrize("kind", ["memory", "journal", "sqlite"])
def test_a_plain_study_scores_each_structure_once_and_tells_in_batches(tmp_path, kind):
    searcher = Counting(latent=True)
    study = optuna.create_study(
        storage=storage_of(kind, tmp_path),
        sampler=StructureSampler(searcher, batch=5),
        direction="maximize",
    )
    study.optimize(value, n_trials=17)
    found = [t.user_attrs[STRUCTURE] for t in study.trials]
    assert found == [str(i) for i in range(17)]
    assert set(searcher.asks) == {5}
    assert searcher.tells == [5, 5, 5]
    assert searcher.told == {str(i): i % 7 for i in range(15)}
    given = proposal(study.trials[3])
    assert (given.origin, given.parents, given.log_likelihood) == ("next", ("2",), -0.5)
    np.testing.assert_array_equal(given.latent, np.full(3, 3 / 7, np.float32))
    assert not study.trials[0].params


def test_another_process_goes_on_and_knows_all(tmp_path):
    for run in range(3):
        searcher = Counting()
        study = optuna.create_study(
            storage=storage_of("journal", tmp_path),
            study_name="a",
            load_if_exists=True,
            sampler=StructureSampler(searcher, batch=4),
        )
        study.optimize(value, n_trials=6)
        # A study that minimises: larger is better for the searcher.
        assert all(searcher.told[str(i)] == -(i % 7) for i in range(6 * run))
    assert sorted(int(t.user_attrs[STRUCTURE]) for t in study.trials) == list(range(18))


@pytest.mark.parametrize("kind", ["memory", "journal"])
def test_workers_never_propose_what_another_one_has(tmp_path, kind):
    storage = storage_of(kind, tmp_path)
    first = optuna.create_study(
        storage=storage, study_name="a", sampler=StructureSampler(Counting(), batch=3)
    )
    second = optuna.load_study(
        storage=storage if kind == "memory" else storage_of(kind, tmp_path),
        study_name="a",
        sampler=StructureSampler(Counting(), batch=3),
    )
    trials = [study.ask() for _ in range(10) for study in (first, second)]
    found = [proposed_structure(trial) for trial in trials]
    assert len(set(found)) == 20
    first.tell(trials[0].number, 1.0)
    second.tell(trials[1].number, state=TrialState.FAIL)
    assert proposed_structure(second.ask()) not in found


def test_threads_share_a_sampler(tmp_path):
    study = optuna.create_study(sampler=StructureSampler(Counting(), batch=3))
    study.optimize(value, n_trials=40, n_jobs=4)
    found = [t.user_attrs[STRUCTURE] for t in study.trials]
    assert len(set(found)) == len(found) == 40


def test_of_two_claims_the_later_gives_up():
    study = optuna.create_study()
    other = Counting()
    sampler = StructureSampler(Counting())

    class Racing(StructureSampler):
        """Another worker writes the same structure between reading and writing."""

        def _next(self, index, count, together=1):
            found = super()._next(index, count, together)
            create(study, {STRUCTURE: found[0].structure})
            return found

    racing = Racing(other)
    ((_, kept),) = racing.claim(study, 2)
    assert kept.structure == "1"
    states = {t.user_attrs[STRUCTURE]: [] for t in study.trials}
    for t in study.trials:
        states[t.user_attrs[STRUCTURE]].append((t.number, t.state, t.user_attrs.get("outcome")))
    assert states["0"] == [(0, TrialState.RUNNING, None), (1, TrialState.FAIL, "yielded")]
    assert [p.structure for _, p in sampler.claim(study, 2)] == ["2", "3"]


def test_a_budget_is_never_exceeded():
    study = optuna.create_study()
    for _ in range(3):  # of another worker
        create(study, {STRUCTURE: f"x{_}", "worker": "other"})
    mine = StructureSampler(Counting()).claim(study, 5, lambda p: {"worker": "me"}, budget=5)
    assert [trial.number for trial, _ in mine] == [3, 4]
    assert [t.state for t in study.trials[5:]] == [TrialState.FAIL] * 3


def test_structures_of_dead_workers_are_taken_up_unless_they_kill():
    study = optuna.create_study()
    sampler = StructureSampler(Counting(size=1))
    for attempt in range(3):
        ((trial, _),) = sampler.claim(study, 4)
        assert trial.user_attrs[STRUCTURE] == "0"
        assert trial.user_attrs[PROPOSAL]["origin"] == "next"
        assert fail(study, trial._trial_id, ABANDONED, "died")
        assert not fail(study, trial._trial_id, ABANDONED, "died")
        assert len(TrialIndex(study).read().abandoned) == 1, attempt
    assert sampler.claim(study, 4) == []


def test_an_exhausted_search_ends_the_study():
    study = optuna.create_study(sampler=StructureSampler(Counting(size=4), batch=3))
    study.optimize(value, n_trials=50)
    states = [t.state for t in study.trials]
    assert states.count(TrialState.COMPLETE) == 4
    assert states[4:] == [TrialState.PRUNED]


def test_a_structure_of_ones_own_is_scored_and_observed():
    searcher = Counting()
    study = optuna.create_study(sampler=StructureSampler(searcher, batch=2), direction="maximize")
    study.enqueue_trial({}, user_attrs={STRUCTURE: "100"})
    study.optimize(value, n_trials=4)
    assert study.trials[0].user_attrs[STRUCTURE] == "100"
    assert searcher.told["100"] == 100 % 7


def test_several_objectives_are_refused():
    study = optuna.create_study(
        directions=["maximize", "maximize"], sampler=StructureSampler(Counting())
    )
    with pytest.raises(ValueError, match="multi-objective"):
        study.ask()


def test_a_study_without_our_sampler_is_told_what_is_missing():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    with pytest.raises(SettingsError, match=r"RandomSampler\) proposes none; give"):
        study.optimize(value, n_trials=2)
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_a_wrapped_sampler_of_ours_that_is_exhausted_prunes():
    ours = StructureSampler(Counting(size=2), batch=2)
    wrapped = optuna.samplers.PartialFixedSampler({}, ours)
    study = optuna.create_study(sampler=wrapped)
    study.optimize(value, n_trials=5)
    states = [t.state for t in study.trials]
    assert states == [TrialState.COMPLETE] * 2 + [TrialState.PRUNED]


def test_data_in_any_spelling_is_one_structure_and_what_is_none_is_left_out():
    spellings = ["1,2,3,4", " 1, 2,3,4", "2,2,2,2", "no structure"]
    with pytest.warns(UserWarning, match=r"1 of 4 structures cannot be used: unreadable \(1\)"):
        sampler = ScreenedEvolutionSampler(ToyModel(training_set()), spellings, name="best-of-data")
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda t: sum(parse(proposed_structure(t))), n_trials=5)
    found = [t.user_attrs.get(STRUCTURE) for t in study.trials]
    assert sorted(filter(None, found)) == ["1,2,3,4", "2,2,2,2"]
    with pytest.raises(InputError, match="1 of 1 structures"):
        ScreenedEvolutionSampler(ToyModel(training_set()), ["no structure"])


def test_data_that_is_standardised_is_taken_as_it_is():
    class Unasked(ToyReader):
        def standardise(self, payload, options):
            raise AssertionError

    training = training_set()
    model = ToyModel(training)
    model.matter.reader = Unasked(model.matter)
    ScreenedEvolutionSampler(model, training, settings=SMALL, standardised=True)


def both(trial):
    """Two aims that exclude each other, in units of their own."""
    numbers = parse(proposed_structure(trial))
    return 1000.0 * sum(numbers), float(sum(abs(n) for n in numbers))


def test_several_objectives_find_a_front():
    training = training_set()
    sampler = ScreenedEvolutionSampler(ToyModel(training), training, seed=1, settings=SMALL)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.optimize(both, n_trials=200)
    line = {trial.user_attrs[STRUCTURE] for trial in study.best_trials}
    known = {s for s in training if sum(parse(s)) == sum(abs(n) for n in parse(s))}
    assert len(line - known) > 40
    assert {sum(parse(structure)) for structure in line} >= set(range(13))


def test_weights_are_as_many_as_objectives():
    training = training_set()
    sampler = ScreenedEvolutionSampler(
        ToyModel(training), training, settings=SMALL, weights=(1.0, 2.0)
    )
    study = optuna.create_study(directions=["maximize"] * 3, sampler=sampler)
    with pytest.raises(ValueError, match="3 objectives, there are weights for 2"):
        study.ask()


def test_constraints_that_the_objective_sets_are_heeded():
    training = training_set()
    sampler = ScreenedEvolutionSampler(ToyModel(training), training, seed=1, settings=SMALL)
    study = optuna.create_study(direction="minimize", sampler=sampler)

    def objective(trial):
        numbers = parse(proposed_structure(trial))
        trial.set_constraint("total", abs(sum(numbers) - 5.0) - 1.0)
        return -float(max(numbers) - min(numbers))

    study.optimize(objective, n_trials=250)
    feasible = [t.constraints["total"] <= 0 for t in study.trials]
    assert sum(feasible[150:]) / 100 > 2 * sum(feasible[:30]) / 30
    known = [parse(s) for s in training if 4 <= sum(parse(s)) <= 6]
    kept = [t.value for t, good in zip(study.trials, feasible, strict=True) if good]
    assert min(kept) < min(-float(max(numbers) - min(numbers)) for numbers in known)


def test_a_first_constraint_changes_what_was_told_before():
    training = training_set()
    sampler = ScreenedEvolutionSampler(ToyModel(training), training, batch=4, settings=SMALL)
    searcher = sampler.searcher = Counting()
    study = optuna.create_study(direction="minimize", sampler=sampler)

    def objective(trial):
        if trial.number > 4:
            trial.set_constraint("small", float(trial.number == 6))
        return 100.0 + int(proposed_structure(trial))

    study.optimize(objective, n_trials=5)
    assert searcher.told == {str(i): -100.0 - i for i in range(4)}
    study.optimize(objective, n_trials=4)
    assert list(searcher.told) == [str(i) for i in range(8)]
    told = np.array(list(searcher.told.values()))
    assert told[6] == -0.5  # below all that break none, whatever the values' unit
    assert (np.delete(told, 6) >= 0).all()
    assert told[0] == 1.0
    assert searcher.tells == [4, 4, 4]  # the first ones once more


def test_scales_of_values_are_made_of_what_is_known():
    values = np.array([[0.0, 5.0], [10.0, 5.0], [5.0, 5.0], [np.inf, 5.0], [-1e300, 5.0]])
    out = normalise(values)
    assert out.min() >= 0.0
    assert out.max() == 1.0
    assert not out[:, 1].any()
    np.testing.assert_array_equal(np.argsort(out[[4, 2, 1], 0], kind="stable"), [0, 1, 2])


def test_samplers_are_pickled_without_their_study(tmp_path):
    study = optuna.create_study(sampler=StructureSampler(Counting(), batch=3))
    study.optimize(value, n_trials=4)
    again = pickle.loads(pickle.dumps(study.sampler))
    study.sampler = again
    study.optimize(value, n_trials=4)
    assert len({t.user_attrs[STRUCTURE] for t in study.trials}) == 8


def test_latent_vectors_survive_as_text():
    vector = np.random.default_rng(0).standard_normal(64).astype(np.float32)
    text = latent_text(vector)
    assert len(text) == 344
    np.testing.assert_array_equal(latent_of(text), vector)


def test_screened_evolution_climbs():
    training = training_set()
    sampler = ScreenedEvolutionSampler(ToyModel(training), training, seed=1, settings=SMALL)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.optimize(lambda t: sum(parse(proposed_structure(t))), n_trials=300)
    best = max(sum(parse(s)) for s in training)
    assert study.best_value > best
    origins = {t.user_attrs[PROPOSAL]["origin"] for t in study.trials}
    assert "data" in origins
    assert len(origins) > 1
