"""Crystals near a lead: its arrangement with one or two of its elements replaced."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.crystals.codec import WyckoffCodec
from nucleate.crystals.legality import CrystalLegality
from nucleate.generation.guide import Variation
from nucleate.vae.legality import State
from nucleate.vae.schema import Record

FREE = -1
"""In the place of an element: the decoder chooses."""


class Substitution(Variation):
    """Keeps a lead's space group, Wyckoff positions and all but one or two of its elements.

    What stands in the place of an element need not be the same on all of its sites, and may be the
    element itself; coordinates and lattice are the decoder's.

    Args:
        lead: Wyckoff string.
        codec: of the model.

    Raises:
        StructureError: the codec cannot hold the lead.
    """

    def __init__(self, lead: str, codec: WyckoffCodec):
        self.codec, self.lead = codec, codec.encode(lead)

    def legality(
        self, kept: NDArray[np.bool_], generator: np.random.Generator
    ) -> SubstitutionLegality:
        elements = self.lead.steps["element"]
        species = np.unique(elements)
        wanted = np.tile(elements, (len(kept), 1)).astype(np.int64)
        for row in np.flatnonzero(kept):
            count = 1 if len(species) < 3 else int(generator.integers(1, 3))
            freed = generator.choice(species, size=count, replace=False)
            wanted[row, np.isin(elements, freed)] = FREE
        return SubstitutionLegality(self.codec, self.lead, kept, wanted)


class SubstitutionLegality(CrystalLegality):
    """Masks under which some rows repeat a crystal's space group, positions and given elements.

    Args:
        lead: the crystal.
        kept: which rows repeat it, bool [n]; the others are free.
        wanted: element of each of the lead's sites (atomic number - 1) or `FREE`, int64 [n, T].
    """

    def __init__(
        self,
        codec: WyckoffCodec,
        lead: Record,
        kept: NDArray[np.bool_],
        wanted: NDArray[np.int64],
    ):
        super().__init__(codec.schema)
        self.group = int(lead.once["space_group"])
        stop = np.array([self.schema.stop])
        self.sequence = torch.from_numpy(
            np.concatenate([lead.steps["wyckoff_position"].astype(np.int64), stop])
        )
        self.kept, self.wanted = torch.from_numpy(kept), torch.from_numpy(wanted)
        self.largest = torch.from_numpy(_bounds(self.sequence.numpy()[:-1], wanted))

    def rows(self, start: int, stop: int) -> SubstitutionLegality:
        part = copy.copy(self)
        for name in ("kept", "wanted", "largest"):
            setattr(part, name, getattr(self, name)[start:stop])
        return part

    def once_mask(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        legal = super().once_mask(name, once, batch)
        if legal is None:
            return None
        own = torch.zeros_like(legal)
        own[:, self.group] = True
        return torch.where(self.kept.to(legal.device)[:, None], own, legal)

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        rows = {"kept": self.kept, "wanted": self.wanted, "largest": self.largest}
        moved = {name: value.to(device) for name, value in rows.items()}
        return {**super().start(once, batch, device), **moved}

    def _positions(self, state: State, group: Tensor) -> Tensor:
        legal = super()._positions(state, group)
        sequence = self.sequence.to(group.device)
        next_one = sequence[state["count"].clamp(max=len(sequence) - 1)]
        own = torch.zeros_like(legal).scatter_(1, next_one[:, None], True)
        return torch.where(state["kept"][:, None], own, legal)

    def _elements(self, state: State, position: Tensor) -> Tensor:
        legal = super()._elements(state, position)
        site = state["count"].clamp(max=state["wanted"].shape[1] - 1)[:, None]
        wanted, largest = (state[name].gather(1, site) for name in ("wanted", "largest"))
        index = torch.arange(legal.shape[1], device=legal.device)
        own = torch.where(wanted == FREE, legal & (index <= largest), index == wanted)
        return torch.where(state["kept"][:, None], own, legal)

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        rows = {name: state[name] for name in ("kept", "wanted", "largest")}
        return {**super().advance(state, once, step), **rows}


def _bounds(positions: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Largest element that each site may have, int64 [n, T]: on one position elements rise, and
    a later site there may be given."""
    largest = np.full_like(wanted, np.iinfo(np.int64).max)
    for site in range(len(positions) - 2, -1, -1):
        if positions[site] == positions[site + 1]:
            later = wanted[:, site + 1]
            largest[:, site] = np.where(later == FREE, largest[:, site + 1], later)
    return largest
