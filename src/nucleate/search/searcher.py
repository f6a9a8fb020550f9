"""Searchers propose structures and learn from their scores: one interface for every way to search.

A searcher knows nothing of objectives, storage or budgets. Whoever drives it asks for structures,
scores them and tells it the scores; scores from elsewhere (an earlier process, a laboratory) are
told in the same way. So a search goes on after its process has died by telling a new searcher all
that was scored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.settings.evolution import EvolutionSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.regression.gaussian_process import Prediction

Accept = Callable[[Sequence[str]], NDArray[np.bool_]]
"""Which of n structures may be asked for, [n]."""


@dataclass(frozen=True)
class Proposal:
    """A structure to be scored, and where it comes from.

    Attributes:
        structure: structure string, canonical.
        origin: what made it: `data`, `prior`, or the name of an operator.
        parents: structures that it was made from; empty for `data` and `prior`.
        latent: the vector that it was decoded from, [D]; None if it was not decoded.
        log_likelihood: of decoding it, nats; None likewise.
    """

    structure: str
    origin: str
    parents: tuple[str, ...] = ()
    latent: NDArray[np.float32] | None = None
    log_likelihood: float | None = None


Take = Callable[[Proposal], bool]
"""Whether a proposal may be asked for (see `nucleate.search.repeats`)."""


@dataclass(frozen=True)
class SearchTask:
    """What a searcher is made of and for.

    Attributes:
        name: of the searcher, one of `nucleate.settings.searchers.searchers`.
        model: trained; None only for those that need none.
        data: structures to start from, canonical.
        seed: of all randomness.
        settings: of screened evolution.
        starts: structures that are asked for first, before any of the data.
        accept: which structures may be asked for at all; all if not given. Starts may.
        accepted: those of the data that are, if that is known.
        group: of a structure, for the quota: a scaffold, a chemical system.
        quota: of parents of one group, if the settings do not say.
        initial: structures of the data that are asked for first, if fewer than the settings say.
        without: names of operators that are left out; for ablations.
        aligned: see `LatentMaker`; for ablations.
        take: whether a proposal may be asked for, the answer being no repetition; all may if not
            given. Asked last and once, of those that would be asked for.
    """

    name: str
    model: LatentModel | None
    data: Sequence[str]
    seed: int
    settings: EvolutionSettings = field(default_factory=EvolutionSettings)
    starts: Sequence[str] = ()
    accept: Accept | None = None
    accepted: Sequence[str] | None = None
    group: Callable[[str], str] | None = None
    quota: int = 0
    initial: int | None = None
    without: Collection[str] = ()
    aligned: bool = True
    take: Take | None = None


class Searcher(ABC):
    """Asked for structures, told their scores; larger is better.

    Life cycle: `tell` may be called at any time with any structures, also with such that were never
    asked for; `ask` never returns a structure that was told or asked for before.
    """

    name: str

    @abstractmethod
    def ask(self, count: int) -> list[Proposal]:
        """At most `count` distinct structures; none only where the searcher has run out of
        them."""

    @abstractmethod
    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        """Learn the scores [n] of structures; NaN is a failure and is learnt as the lowest."""

    def resume(self, proposals: Sequence[Proposal]) -> None:  # noqa: B027 (may be left out)
        """Take over what an earlier searcher of the same study was asked: never propose it again.

        Before `tell`, so that what made the successes is known. Nothing if not overridden: whoever
        drives a searcher must look for repetitions himself.
        """

    def predict(self, structures: Sequence[str]) -> Prediction | None:
        """What is expected of the scores of structures, as of the last `ask`; None if the searcher
        expects nothing."""
        return None

    def rescore(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        """Take other scores [n] of structures that were told before: what is wanted has changed,
        the structures have not. Like `tell` unless a searcher learns more from a score's news."""
        self.tell(structures, scores)
