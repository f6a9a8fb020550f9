"""Searchers that learn nothing: what every other one has to beat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.search.searcher import Proposal, Searcher, Take

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

_DRAWN = 500
"""Draws of the prior that are decoded together."""
_BARREN = 5
"""Times that nothing new may be drawn before the searcher gives up."""


class Screening(Searcher):
    """Structures as they come, whatever was told.

    Args:
        source: endless or not; repetitions are passed over.
        accept: which structures may be asked for; all if not given.
        take: see `SearchTask`.
    """

    def __init__(
        self,
        name: str,
        source: Iterator[Proposal],
        accept: Callable[[Sequence[str]], NDArray[np.bool_]] | None = None,
        take: Take | None = None,
    ):
        self.name, self.source, self.accept, self.take = name, source, accept, take
        self.asked: set[str] = set()

    def ask(self, count: int) -> list[Proposal]:
        out: list[Proposal] = []
        for proposal in self.source:
            if proposal.structure in self.asked:
                continue
            self.asked.add(proposal.structure)
            if self.accept is not None and not self.accept([proposal.structure])[0]:
                continue
            if self.take is not None and not self.take(proposal):
                continue
            out.append(proposal)
            if len(out) == count:
                break
        return out

    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        self.asked.update(structures)

    def resume(self, proposals: Sequence[Proposal]) -> None:
        self.asked.update(proposal.structure for proposal in proposals)


def from_data(data: Sequence[str], seed: int) -> Iterator[Proposal]:
    """Structures of the data in random order."""
    for place in np.random.default_rng(seed).permutation(len(data)).tolist():
        yield Proposal(data[place], "data")


def from_prior(model: LatentModel, seed: int) -> Iterator[Proposal]:
    """Draws of the prior, decoded as the model's settings say; ends where they only repeat."""
    how = model.sampling()
    seen: set[str] = set()
    barren = 0
    stream = np.random.default_rng(seed)
    while barren < _BARREN:
        drawn = int(stream.integers(2**31))
        latents = model.draw(_DRAWN, drawn, how)
        decoded = model.decode(latents, how.temperature, drawn, how.noise, refine=how)
        before = len(seen)
        for item, latent in zip(decoded, latents, strict=True):
            if item.structure is not None and item.structure not in seen:
                seen.add(item.structure)
                yield Proposal(item.structure, "prior", (), latent, item.log_likelihood)
        barren = barren + 1 if len(seen) == before else 0
