"""Every registered searcher passes the suite; the registry tells what each can do."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.search.factories import build_searcher
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.settings import searchers as registry
from nucleate.settings.fields import field_facts
from nucleate.settings.searchers import SearcherEntry, searcher_names, searchers
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.pytest_searchers import Make, Score, SearcherTestCase
from nucleate.testing.toy_matter import SMALL, EditableMatter, ToyModel, parse, training_set

NETWORK = "nucleate+adaptation"
"""Needs a real network: `tests/stages/test_search_molecules.py` runs it."""


def score(structures: Sequence[str]) -> np.ndarray:
    """Highest, 0, at 7,-7,7,-7: at the edge of what the training set holds."""
    goal = np.array([7, -7, 7, -7])
    return np.array([-float(np.abs(np.array(parse(s)) - goal).sum()) for s in structures])


def task(name: str, seed: int = 0) -> SearchTask:
    data = training_set()
    return SearchTask(name, ToyModel(data, matter=EditableMatter()), data, seed, SMALL)  # type: ignore[arg-type]


def suite(searcher: str) -> type[SearcherTestCase]:
    class Suite(SearcherTestCase):
        CALLS = 60 if searcher == "gp" else 120
        MINIMUM = 50 if searcher == "gp" else 80
        LEARNS = searcher not in ("best-of-data", "random-prior", "qmc", "random")

        @pytest.fixture
        def make(self) -> Make:
            return lambda seed: build_searcher(task(searcher, seed))

        @pytest.fixture
        def score(self) -> Score:
            return score

    return Suite


for _name in searchers():
    if _name != NETWORK:
        globals()[f"Test_{_name}"] = suite(_name)


def test_an_unknown_searcher_is_named() -> None:
    with pytest.raises(SettingsError, match=r"'annealing'.*nucleate"):
        build_searcher(task("annealing"))
    with pytest.raises(SettingsError, match=r"'cma' is none of .*did you mean cmaes?"):
        validate(OptimizeSettings, {"sampler": "cma"}, "here")


def test_a_searcher_without_its_model_is_refused() -> None:
    for entry in searchers().values():
        made = SearchTask(entry.name, None, training_set(), 0, SMALL)
        if entry.needs_model:
            with pytest.raises(SettingsError, match="needs a model"):
                build_searcher(made)
        else:
            assert build_searcher(made).ask(3)


def test_settings_refuse_what_a_searcher_cannot_do() -> None:
    for entry in searchers().values():
        for able, values in (
            (entry.several, {"combine": "pareto"}),
            (entry.conditions, {"local": {"like": "C"}}),
        ):
            if able:
                OptimizeSettings(sampler=entry.name, **values)
            else:
                with pytest.raises(ValueError, match=entry.name):
                    OptimizeSettings(sampler=entry.name, **values)


def test_every_searcher_is_described_and_in_the_help() -> None:
    said = field_facts(OptimizeSettings)["sampler"].choices
    for name, entry in searchers().items():
        assert entry.name == name
        assert entry.description
        assert name in said
    assert set(searcher_names(boxes=True)) | set(searcher_names(boxes=False)) == set(searchers())
    assert next(iter(searchers())) == OptimizeSettings().sampler


class Own(Searcher):
    name = "own"

    def __init__(self, given: SearchTask, depth: int):
        self.given, self.depth = given, depth

    def ask(self, count: int) -> list:
        return []

    def tell(self, structures: Sequence[str], scores: np.ndarray) -> None: ...


OWN = SearcherEntry("own", "a person's own", f"{__name__}:Own", {"depth": 3}, several=False)
TAKEN = SearcherEntry("nucleate", "a person's own", f"{__name__}:Own")


def install(monkeypatch: pytest.MonkeyPatch, what: object) -> None:
    class Point(EntryPoint):
        def load(self) -> object:
            return what

    point = Point("own", "somewhere:OWN", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    searchers.cache_clear()


@pytest.fixture(autouse=True)
def forget():
    yield
    searchers.cache_clear()


def test_a_person_can_bring_a_searcher(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, OWN)
    settings = OptimizeSettings(sampler="own")
    monkeypatch.setitem(__import__("sys").modules, OWN.factory.partition(":")[0], _Module)
    made = build_searcher(task(settings.sampler, 5))
    assert isinstance(made, Own)
    assert (made.given.seed, made.depth) == (5, 3)
    with pytest.raises(ValueError, match="own knows one score"):
        OptimizeSettings(sampler="own", combine="pareto")


class _Module:
    """Stands for this module, which the runner of tests may call otherwise."""

    Own = Own


@pytest.mark.parametrize(("what", "said"), [(TAKEN, "is taken"), (7, "is no SearcherEntry")])
def test_impossible_entry_points_are_refused(monkeypatch, what, said) -> None:
    install(monkeypatch, what)
    with pytest.raises(SettingsError, match=said):
        searchers()


def test_a_factory_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, SearcherEntry("own", "gone", "nowhere.at_all:make"))
    with pytest.raises(SettingsError, match=r"nowhere\.at_all"):
        build_searcher(task("own"))
