"""Who is asked for structures to score: a searcher of ours, or a stock sampler over boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from nucleate.search.optuna_adapter import end_trial, trial_id
from nucleate.search.scalarisation import Scalarisation
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.study.structure_sampler import StructureSampler
from nucleate.search.study.trial_index import TrialIndex
from nucleate.search.trial_attributes import OUTCOME, proposal_of

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel


@dataclass(frozen=True)
class AskedPoint:
    """A running trial.

    Attributes:
        structure: None where nothing was decoded.
        outcome: `new`, `known`, `duplicate` or `failed` (see `attributes.OUTCOME`).
        attributes: user attributes that are yet to be written.
        scored: whether the objective is asked; if not, the trial is told the worst values.
    """

    trial_id: int
    number: int
    structure: str | None
    outcome: str
    attributes: Mapping[str, Any]
    scored: bool


class Source(Protocol):
    """Asked for trials, told their values; see `Searching` and `boxes.Boxes`."""

    def read(self) -> TrialIndex:
        """The study as it is now."""

    def ask(
        self, count: int, attributes: Mapping[str, Any], budget: int | None
    ) -> list[AskedPoint]:
        """Running trials with these user attributes, at most `count`.

        Args:
            budget: trials that may be scored in all where several workers share the study.
        """

    def tell(self, asked: AskedPoint, values: Sequence[float]) -> bool:
        """End a trial; False if another worker has failed it meanwhile: its values are dropped."""

    def proposals(self, trials: Sequence[FrozenTrial]) -> list[Proposal]:
        """Structures of scored trials with where they come from; latent vectors where known."""


class Searching:
    """Asks a searcher of ours. Known structures are scored like others, as starts, but marked.

    Args:
        known: structures that are no discovery.
        seed: of this worker.
        scalarise: see `StructureSampler`.
    """

    def __init__(
        self,
        study: optuna.Study,
        searcher: Searcher,
        model: LatentModel | None,
        known: frozenset[str],
        *,
        batch: int,
        seed: int,
        scalarise: Scalarisation | None = None,
    ):
        self.study, self.model, self.known = study, model, known
        self.sampler = StructureSampler(searcher, batch=batch, seed=seed, scalarise=scalarise)
        study.sampler = self.sampler

    def read(self) -> TrialIndex:
        return self.sampler.read(self.study)

    def ask(
        self, count: int, attributes: Mapping[str, Any], budget: int | None
    ) -> list[AskedPoint]:
        def outcome(proposal: Proposal) -> str:
            return "known" if proposal.structure in self.known else "new"

        claimed = self.sampler.claim(
            self.study, count, lambda p: {OUTCOME: outcome(p), **attributes}, budget
        )
        return [
            AskedPoint(trial_id(trial), trial.number, p.structure, outcome(p), {}, scored=True)
            for trial, p in claimed
        ]

    def tell(self, asked: AskedPoint, values: Sequence[float]) -> bool:
        # The sampler learns from the storage, so that `Study.tell`'s reading of it is spared.
        return end_trial(self.study, asked.trial_id, TrialState.COMPLETE, values)

    def proposals(self, trials: Sequence[FrozenTrial]) -> list[Proposal]:
        found = [p for p in (proposal_of(trial.user_attrs) for trial in trials) if p is not None]
        bare = [place for place, p in enumerate(found) if p.latent is None]
        if bare and self.model is not None:
            vectors, _ = self.model.encode([found[place].structure for place in bare])
            for place, vector in zip(bare, vectors, strict=True):
                if np.isfinite(vector).all():
                    found[place] = replace(found[place], latent=vector)
        return found
