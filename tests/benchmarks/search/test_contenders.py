"""Optuna's samplers as searchers, on a toy whose best structure is known."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import numpy as np
import optuna
import pytest

from nucleate.core.errors import CheckpointError, SettingsError
from nucleate.search import factories as registry
from nucleate.search.evolution.screened_evolution import ScreenedEvolution
from nucleate.search.latent_boxes.box_searcher import BoxSearcher
from nucleate.search.latent_boxes.optuna_samplers import latents_of
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.settings.evolution import EvolutionSettings
from nucleate.settings.searchers import searcher_names, searchers
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.toy_matter import EditableMatter, ToyModel, parse, training_set
from nucleate_benchmarks.search.contenders import (
    ABLATIONS,
    LEFT_OUT,
    SEARCHERS,
    build_searcher,
)

INITIAL = 30
STOCK = searcher_names(boxes=True)
CALLS = {"gp": 70}
"""Where another number would take long."""


def score(structures: Sequence[str]) -> np.ndarray:
    """Highest, 0, at 7,-7,7,-7: at the edge of what the training set holds."""
    goal = np.array([7, -7, 7, -7])
    return np.array([-float(np.abs(np.array(parse(s)) - goal).sum()) for s in structures])


def built(name: str, seed: int = 0) -> Searcher:
    data = training_set()
    settings = EvolutionSettings(initial=INITIAL, plausible=0)
    model = ToyModel(data, matter=EditableMatter())
    return build_searcher(SearchTask(name, model, data, seed, settings))  # type: ignore[arg-type]


def run(searcher: Searcher, calls: int, batch: int = 10) -> list[str]:
    out: list[str] = []
    while len(out) < calls:
        asked = [p.structure for p in searcher.ask(min(batch, calls - len(out)))]
        if not asked:
            break
        searcher.tell(asked, score(asked))
        out += asked
    return out


def test_contenders_are_our_searchers_and_stock_samplers() -> None:
    assert set(SEARCHERS) == set(searchers()) | set(ABLATIONS)
    assert len(SEARCHERS) == len(searchers()) + len(ABLATIONS)
    assert built("nucleate").name == "nucleate"
    with pytest.raises(SettingsError, match="annealing"):
        built("annealing")


@pytest.mark.parametrize("name", STOCK)
def test_nothing_is_asked_for_twice_and_nothing_is_said(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    calls = CALLS.get(name, 120)
    handler = logging.StreamHandler(sys.stderr)  # which writes where this test looks
    logger = optuna.logging.get_logger("optuna")
    logger.addHandler(handler)
    optuna.logging.set_verbosity(optuna.logging.INFO)
    found = run(built(name), calls)
    assert len(found) == len(set(found)) == calls
    logger.removeHandler(handler)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", STOCK)
def test_the_first_are_of_the_data_and_the_rest_are_decoded(name: str) -> None:
    searcher = built(name)
    data = set(training_set())
    first = list(searcher.ask(INITIAL + 20))
    assert [p.origin for p in first] == ["data"] * INITIAL
    assert {p.structure for p in first} <= data
    structures = [p.structure for p in first]
    searcher.tell(structures, score(structures))
    then = searcher.ask(5)
    best = sorted(structures, key=lambda s: -score([s])[0])[:8]
    for proposal in then:
        assert proposal.origin == "latent_box"
        assert proposal.parents[0] in best
        assert proposal.latent is not None
        assert proposal.log_likelihood is not None


@pytest.mark.parametrize("name", STOCK)
def test_a_searcher_that_is_told_goes_on_as_one_that_was_never_stopped(name: str) -> None:
    calls = CALLS.get(name, 120)
    whole = run(built(name), calls)
    again = built(name)
    again.tell(whole[: calls - 20], score(whole[: calls - 20]))
    assert run(again, 20) == whole[calls - 20 :]
    assert run(built(name, seed=1), 60) != whole[:60]


@pytest.mark.parametrize("name", ["cmaes", "tpe"])
def test_a_sampler_that_learns_beats_random_points(name: str) -> None:
    def mean(kind: str) -> float:
        return float(np.mean([score(run(built(kind, seed), 250))[150:].mean() for seed in (0, 1)]))

    assert mean(name) > mean("random") + 1


@pytest.mark.parametrize("name", ["cmaes", "tpe"])
def test_a_point_of_a_known_structure_is_told_its_score_and_repetitions_the_lowest(
    name: str,
) -> None:
    data = training_set()
    narrow = OptimizeSettings(radius=0.3, starts=3)  # the centres are found again
    searcher = BoxSearcher(name, ToyModel(data), data, 0, INITIAL, narrow)  # type: ignore[arg-type]
    asked = run(searcher, INITIAL + 20)
    boxes = searcher.points
    assert boxes is not None
    told = [t for t in boxes.study.get_trials() if t.state.is_finished()]
    latents = latents_of(boxes.space, [t.params for t in told])
    structures = [item.structure for item in boxes.model.decode(latents)]
    known = dict(zip(asked, score(asked).tolist(), strict=True))
    seen: set[str | None] = set()
    for trial, structure in zip(told, structures, strict=True):
        repeats = structure is None or structure in seen
        assert trial.value == (searcher.lowest if repeats else known[str(structure)])
        seen |= {structure} - {None}
    assert seen & set(asked[:INITIAL])
    assert len(seen) < len(told)


def test_failures_are_no_trouble() -> None:
    searcher = built("tpe")
    for _ in range(6):
        asked = [p.structure for p in searcher.ask(12)]
        searcher.tell(asked, np.full(len(asked), np.nan))
    assert searcher.ask(5)


def test_a_model_that_encodes_nothing_is_refused() -> None:
    class Blind(ToyModel):
        def encode(self, structures: Sequence[str]):  # type: ignore[no-untyped-def]
            return np.full((len(structures), self.size), np.nan, np.float32), ["no"] * len(
                structures
            )

    data = training_set()
    searcher = build_searcher(SearchTask("random", Blind(data), data, 0))  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="encode none"):
        run(searcher, len(data) + 1)


def evolution(name: str) -> ScreenedEvolution:
    searcher = built(name)
    assert isinstance(searcher, ScreenedEvolution)
    assert searcher.name == name
    return searcher


GONE = {
    "perturbation": {"latent_perturbation"},
    "sparse": {"latent_sparse"},
    "recombination": {"latent_crossover", "latent_difference"},
    "latent": {"latent_perturbation", "latent_sparse", "latent_crossover", "latent_difference"},
    "edits": {"graph_mutation", "graph_crossover", "token_mutation", "token_crossover"},
}
"""Operators that ablations lack; the toy regrows nothing."""
CHANGED = {
    "generations": {"generations", "breeding"},
    "draws": {"sampling_temperature"},
    "data": {"pool"},
    "niches": {"niching"},
    "families": {"stagnation_limit"},
    "screen": {"screen"},
    "restless": {"exploration_growth"},
}
"""Settings that they have otherwise."""


@pytest.mark.parametrize("name", [name for name in LEFT_OUT if name != "plausible"])
def test_an_ablation_is_the_whole_but_for_one_thing(name: str) -> None:
    whole, part = evolution("nucleate"), evolution(f"nucleate-without-{name}")
    operators = {operator.name for operator in whole.offspring.operators}
    left = {operator.name for operator in part.offspring.operators}
    assert left <= operators
    assert operators - left == GONE.get(name, set())
    settings = {k for k, v in vars(part.settings).items() if v != vars(whole.settings)[k]}
    assert settings == CHANGED.get(name, set())
    assert part.offspring.maker is not None
    assert part.offspring.maker.aligned == (name != "reencoding")


def test_plausibility_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(registry, "Plausibility", lambda *arguments: asked.append(arguments))
    data = training_set()
    model = ToyModel(data)
    for name in ("nucleate", "nucleate-without-plausible"):
        build_searcher(SearchTask(name, model, data, 0))  # type: ignore[arg-type]
    assert len(asked) == 1


def test_without_reencoding_a_child_keeps_the_vector_that_it_was_decoded_from() -> None:
    searcher = evolution("nucleate-without-reencoding")
    run(searcher, INITIAL)
    found = {p.structure: p.latent for p in searcher.ask(40) if p.latent is not None}
    assert found
    assert searcher.offspring.maker is not None
    held = searcher.offspring.maker.latents.of(list(found))
    np.testing.assert_array_equal(held, np.stack(list(found.values())))
    assert (held != np.round(held)).any()  # the toy encodes to whole numbers
