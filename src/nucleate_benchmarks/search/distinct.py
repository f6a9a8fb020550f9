"""`nucleate benchmark distinct`: how many different crystals a study's best results are, and how
many of them are known.

The judge is pymatgen's `StructureMatcher().fit` on every pair of equal reduced formula: nothing of
what the study itself goes by but the expansion of a Wyckoff string to a pymatgen structure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from nucleate.core.manifest import Manifest
from nucleate.core.settings import Positive, Settings
from nucleate.crystals.energy.hull import bundled
from nucleate.crystals.geometry.describe import composition
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff
from nucleate.novelty.records import read_records
from nucleate.search.study.storage import open_storage
from nucleate.search.trial_attributes import OUTCOME, RESULT, STRUCTURE
from nucleate_benchmarks.common.figures import Figure, Section, surroundings, write


class DistinctSettings(Settings):
    """Which studies are run and looked at."""

    model: str = "crystals"
    """A model's folder or a shipped model's name."""
    features: str
    """Output of `nucleate featurize`: the crystals that studies start from, which are known."""
    labels: str
    """File or catalogue name of crystals with formation energies, from which the objective, to be
    minimised, is learnt."""
    energy: str = "formation_energy_per_atom"
    """Its column."""
    learnt: Positive = 2000
    """Rows of it that are learnt from."""
    samplers: Annotated[tuple[str, ...], Field(min_length=1)] = ("nucleate", "latent", "cmaes")
    """Searchers, each with a study of its own."""
    calls: Positive = 200
    """Structures that each study scores."""
    best: Positive = 20
    """Results that are looked at."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of all randomness."""
    work: str = "work/distinct"
    """Folder of the studies, which go on after a kill."""


@dataclass(frozen=True)
class Judged:
    """What a list of crystals is.

    Attributes:
        crystals: how many.
        distinct: that are the same as none before them.
        known: that are the same as a known one.
    """

    crystals: int
    distinct: int
    known: int


class Judge:
    """StructureMatcher with its defaults, asked about every pair of equal reduced formula.

    Args:
        known: Wyckoff strings.
    """

    def __init__(self, known: Iterable[str]):
        from pymatgen.analysis.structure_matcher import StructureMatcher

        self.matcher = StructureMatcher()
        self.known: dict[str, list[str]] = defaultdict(list)
        for crystal in dict.fromkeys(known):
            self.known[_formula(crystal)].append(crystal)

    def judge(self, crystals: Sequence[str]) -> Judged:
        """Compare crystals with the known ones and with each other."""
        before: dict[str, list[str]] = defaultdict(list)
        distinct = known = 0
        for crystal in crystals:
            formula = _formula(crystal)
            distinct += not self._any(crystal, before[formula])
            known += self._any(crystal, self.known[formula])
            before[formula].append(crystal)
        return Judged(len(crystals), distinct, known)

    def _any(self, crystal: str, others: Sequence[str]) -> bool:
        own = structure_from_wyckoff(crystal)
        return any(self.matcher.fit(own, structure_from_wyckoff(other)) for other in others)


def _formula(crystal: str) -> str:
    from pymatgen.core import Composition

    return str(Composition(composition(crystal)).reduced_formula)


def asked(journal: Path) -> list[str]:
    """Structures that a journal's studies asked the objective about, in order."""
    with open_storage(journal) as storage:
        trials = [t for study in storage.others("") for t in storage.scored_trials(study)]
    scored = (t.user_attrs for t in trials if t.user_attrs.get(OUTCOME) in ("new", "known"))
    return [attributes[STRUCTURE] for attributes in scored if RESULT in attributes]


def run(
    settings: DistinctSettings,
    out: Path,
    command: str,
    echo: Callable[[str], None] = lambda _: None,
    finished: Callable[[Section], None] = lambda _: None,
) -> tuple[dict[str, Any], list[Path]]:
    """Run the studies, judge them, and write `OUT.json` and `OUT.md`.

    Raises:
        NucleateError: the model, the features or the labels cannot be used.
    """
    from nucleate.api.search_verbs import optimize

    features = Manifest.load(Path(settings.features))
    known = [*read_records(features).known, *bundled()]
    judge = Judge(known)
    term = {
        "column": settings.energy,
        "data": {"source": settings.labels, "limit": settings.learnt},
        "goal": "minimise",
        # Wide enough that no prediction is beyond them, and ranks do not end in ties.
        **{"low": -8.0, "high": 4.0},
    }
    details: dict[str, Any] = {}
    sections = []
    for sampler in settings.samplers:
        echo(f"a study of {settings.calls} crystals with {sampler}")
        folder = Path(settings.work) / f"{sampler}-{settings.seed}"
        table = optimize(
            settings.model,
            [term],
            features=features,
            out=folder,
            seed=settings.seed,
            trials=settings.calls,
            sampler=sampler,
        )
        echo("compare its crystals with each other and with those known")
        best = judge.judge(table["crystal"].head(settings.best).tolist())
        calls = judge.judge(asked(folder / "study.journal"))
        details[sampler] = {
            "best": vars(best),
            "calls": vars(calls),
            "stopped": table.attrs["summary"]["stopped"],
            "best_value": float(table[settings.energy].iloc[0]) if len(table) else None,
        }
        sections.append(_section(sampler, best, calls))
        finished(sections[-1])
    head = surroundings(command) | {
        "model": settings.model,
        "known": f"{len(known):,}: {features.folder} and the bundled prototypes",
        "seed": settings.seed,
    }
    paths = write(out, "Different crystals among a study's results", head, sections, details)
    return {**head, "details": details}, paths


def _section(sampler: str, best: Judged, calls: Judged) -> Section:
    top, every = best.crystals, calls.crystals
    figures = [
        Figure(f"different among the best {top}", best.distinct, top),
        Figure(f"known among the best {top}", best.known, top),
        Figure("calls to a crystal asked before", every - calls.distinct, every),
        Figure("calls to a known crystal", calls.known, every),
    ]
    return Section(f"{sampler}: {every} calls", figures)
