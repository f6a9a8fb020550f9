"""The next batch: a searcher is built, told everything that is complete, and asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nucleate.campaign.batches import Batch, Proposed
from nucleate.campaign.measurements import Measurements
from nucleate.campaign.scoring import Scoring
from nucleate.campaign.trials import OWN
from nucleate.core.errors import ResultsError
from nucleate.search.evolution.quota import build_quota
from nucleate.search.factories import build_searcher
from nucleate.search.repeats import Repeats
from nucleate.search.searcher import Proposal, Searcher, SearchTask
from nucleate.search.study.local_search import Local
from nucleate.settings.evolution import EvolutionSettings
from nucleate.settings.study import StudySettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

FEW = 8
"""Scores below which there is nothing to learn from: known structures are proposed."""
EVOLUTION = EvolutionSettings(initial=FEW, pool=0)
TRIES = 5
"""Times in a row that a searcher may propose nothing new."""


@dataclass(frozen=True)
class Question:
    """What a batch depends on besides what was proposed and told.

    Attributes:
        training: structures to start from.
        known: structures that are no discovery.
        scoring: fitted.
    """

    model: LatentModel
    training: Sequence[str]
    known: Collection[str]
    settings: StudySettings
    scoring: Scoring


def propose(
    question: Question, count: int, batches: Sequence[Batch], measurements: Measurements
) -> Batch:
    """The next batch, not yet written; date, version and model are left empty.

    It depends on the question, the batches' proposals and the measurements alone.

    Raises:
        ResultsError: the searcher has nothing new to propose.
    """
    number = 1 + max((batch.number for batch in batches), default=0)
    before = [p for batch in batches for p in batch.proposals]
    repeats = _repeats(question, [*(p.structure for p in before), *measurements.observed])
    searcher = _searcher(question, number, repeats)
    searcher.resume(_asked(before, measurements))
    structures, scores = question.scoring.observations(measurements)
    if structures:
        # A local search too learns from all of them: measurements are few.
        searcher.tell(structures, scores)
    taken = {p.structure for p in before} | set(measurements.observed)
    chosen = _ask(searcher, count, taken, repeats)
    if not chosen:
        raise ResultsError(
            "the search has nothing new to propose: give the study `data` to start from, or tell "
            "it measurements of structures of your own"
        )
    first = 1 + max((int(p.id[1:]) for p in before if p.id[1:].isdigit()), default=0)
    ids = _free_ids(first, len(chosen), measurements)
    return Batch(
        number,
        "",
        "",
        "",
        searcher.name,
        len(structures),
        question.scoring.objective.to_json(),
        tuple(_describe(question, searcher, chosen, ids, structures, repeats)),
    )


def _local(question: Question) -> Local | None:
    settings = question.settings
    if not settings.local.any():
        return None
    return Local(question.model, settings.local, question.training, settings.seed)


def _repeats(question: Question, asked: Sequence[str]) -> Repeats:
    """What is known, and what was proposed or measured: neither is worth a measurement, however it
    is written."""
    repeats = Repeats(question.model.matter.identity, question.known)
    for structure in asked:
        repeats.note(structure)
    return repeats


def _searcher(question: Question, number: int, repeats: Repeats) -> Searcher:
    settings, local = question.settings, _local(question)
    # Batches that follow each other without news in between must differ.
    seed = int(np.random.SeedSequence([settings.seed, number]).generate_state(1)[0])
    task = SearchTask(
        *(settings.sampler, question.model, question.training, seed, EVOLUTION), take=repeats.take
    )
    if local is not None:
        # A lead is worth a measurement, a part that shall be kept is not.
        starts = [s for s in local.starts if s == local.lead or s not in local.own]
        task = replace(local.bound(task), starts=starts)
    quota = build_quota(question.model.matter, settings)
    if quota is not None:
        task = replace(task, group=quota.group, quota=quota.most)
    return build_searcher(task)


def _asked(before: Sequence[Proposed], measurements: Measurements) -> list[Proposal]:
    """All that must not be proposed, with what made it."""
    made = {p.structure: p.proposal for p in before}
    return [*made.values(), *(Proposal(s, OWN) for s in measurements.observed if s not in made)]


def _ask(
    searcher: Searcher, count: int, taken: Collection[str], repeats: Repeats
) -> list[Proposal]:
    chosen: dict[str, Proposal] = {}
    barren = 0
    while len(chosen) < count and barren < TRIES:
        size = len(chosen)
        for proposal in searcher.ask(count - size):
            if proposal.structure not in taken and repeats.take(proposal):
                chosen.setdefault(proposal.structure, proposal)
        barren = barren + 1 if len(chosen) == size else 0
    return list(chosen.values())


def _free_ids(first: int, count: int, measurements: Measurements) -> list[str]:
    """Ids that were never used, not even by batches whose files are lost."""
    used = [told.proposal[1:] for told in measurements.observed.values() if told.proposal]
    first = max(first, 1 + max((int(text) for text in used if text.isdigit()), default=0))
    return [f"P{number:04d}" for number in range(first, first + count)]


def _describe(
    question: Question,
    searcher: Searcher,
    chosen: Sequence[Proposal],
    ids: Sequence[str],
    told: Sequence[str],
    repeats: Repeats,
) -> list[Proposed]:
    structures = [proposal.structure for proposal in chosen]
    known = [repeats.known_as(structure) is not None for structure in structures]
    plain = [
        Proposed(name, proposal, known=is_known, computed=computed)
        for name, proposal, is_known, computed in zip(
            ids, chosen, known, question.scoring.compute(structures), strict=True
        )
    ]
    # What a surrogate says of a handful of scores is no expectation.
    enough = len(told) >= EVOLUTION.initial
    expected = searcher.predict(structures) if enough else None
    if expected is not None:
        pairs = zip(expected.mean.tolist(), expected.deviation.tolist(), strict=True)
        plain = [
            replace(p, expected=mean, deviation=deviation)
            for p, (mean, deviation) in zip(plain, pairs, strict=True)
        ]
    nearest = _nearest(question, structures, told)
    return [
        replace(p, nearest=near, similarity=similarity)
        for p, (near, similarity) in zip(plain, nearest, strict=True)
    ]


def _nearest(
    question: Question, structures: Sequence[str], told: Sequence[str]
) -> list[tuple[str | None, float | None]]:
    """Of each structure the most similar told one, where matter is compared by bits."""
    comparison = question.model.matter.variations.comparison()
    if comparison is None or not told:
        return [(None, None)] * len(structures)
    from nucleate.regression.gaussian_process import bit_group, bit_similarity

    own, other = comparison.features(structures), comparison.features(told)
    group = bit_group(own)
    if group is None:
        return [(None, None)] * len(structures)
    alike = bit_similarity(own[group], other[group])
    places = alike.argmax(1).tolist()
    return [(told[place], float(alike[row, place])) for row, place in enumerate(places)]
