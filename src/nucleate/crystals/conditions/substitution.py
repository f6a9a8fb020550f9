"""Crystals near others: an arrangement that is known, with one or two of its elements replaced."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.errors import StructureError
from nucleate.crystals.codec.legality import CrystalLegality
from nucleate.crystals.codec.wyckoff_codec import WyckoffCodec
from nucleate.matter.conditions import Variation
from nucleate.vae.legality import State
from nucleate.vae.schema import Record

FREE = -1
"""In the place of an element: the decoder chooses."""
NO_LEAD = -1
"""In the place of a lead: the row is free."""


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
        wanted = np.tile(self.lead.steps["element"], (len(kept), 1)).astype(np.int64)
        for row in np.flatnonzero(kept):
            wanted[row] = free_elements(self.lead, generator)
        lead = np.where(kept, 0, NO_LEAD)
        return SubstitutionLegality(self.codec, [self.lead], lead, wanted)


def free_elements(lead: Record, generator: np.random.Generator) -> NDArray[np.int64]:
    """Elements of a crystal's sites with one or two of its elements `FREE`, [T]."""
    elements = lead.steps["element"].astype(np.int64)
    species = np.unique(elements)
    count = 1 if len(species) < 3 else int(generator.integers(1, 3))
    gone = generator.choice(species, size=count, replace=False)
    wanted: NDArray[np.int64] = np.where(np.isin(elements, gone), FREE, elements)
    return wanted


def regrowth(
    codec: WyckoffCodec, structures: Sequence[str | None], seed: int
) -> SubstitutionLegality:
    """Masks of n rows, each of which keeps a crystal's arrangement and all but one or two of its
    elements. Rows of None, and crystals that the codec refuses, are free."""
    generator = np.random.default_rng(seed)
    leads: list[Record] = []
    places: dict[str, int] = {}
    for structure in structures:
        if structure is not None and structure not in places:
            try:
                leads.append(codec.encode(structure))
                places[structure] = len(leads) - 1
            except StructureError:
                places[structure] = NO_LEAD
    lead = np.array([NO_LEAD if s is None else places[s] for s in structures], np.int64)
    width = max((len(one.steps["element"]) for one in leads), default=1)
    wanted = np.full((len(structures), width), FREE, np.int64)
    for row in np.flatnonzero(lead != NO_LEAD).tolist():
        own = free_elements(leads[lead[row]], generator)
        wanted[row, : len(own)] = own
    return SubstitutionLegality(codec, leads, lead, wanted)


class SubstitutionLegality(CrystalLegality):
    """Masks under which some rows repeat a crystal's space group, positions and given elements.

    Args:
        leads: the crystals.
        lead: place among them of the one that each row repeats, int64 [n]; `NO_LEAD` rows are free.
        wanted: element of each site of a row's lead (atomic number - 1) or `FREE`, int64 [n, T].
    """

    _ROWS = ("kept", "group", "sequence", "wanted", "largest")

    def __init__(
        self,
        codec: WyckoffCodec,
        leads: Sequence[Record],
        lead: NDArray[np.int64],
        wanted: NDArray[np.int64],
    ):
        super().__init__(codec.schema)
        # One more row, all stop, for those without a lead.
        sequences = np.full((len(leads) + 1, wanted.shape[1] + 1), self.schema.stop, np.int64)
        for place, one in enumerate(leads):
            positions = one.steps["wyckoff_position"]
            sequences[place, : len(positions)] = positions
        groups = np.array([*(int(one.once["space_group"]) for one in leads), 0], np.int64)
        self.kept = torch.from_numpy(lead != NO_LEAD)
        self.group = torch.from_numpy(groups[lead])
        self.sequence = torch.from_numpy(sequences[lead])
        self.wanted = torch.from_numpy(wanted)
        self.largest = torch.from_numpy(_bounds(sequences[lead][:, :-1], wanted))

    def rows(self, start: int, stop: int) -> SubstitutionLegality:
        part = copy.copy(self)
        for name in self._ROWS:
            setattr(part, name, getattr(self, name)[start:stop])
        return part

    def once_mask(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        legal = super().once_mask(name, once, batch)
        if legal is None:
            return None
        own = torch.zeros_like(legal).scatter_(1, self.group.to(legal.device)[:, None], True)
        return torch.where(self.kept.to(legal.device)[:, None], own, legal)

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        rows = {name: getattr(self, name).to(device) for name in self._ROWS}
        return {**super().start(once, batch, device), **rows}

    def _positions(self, state: State, group: Tensor) -> Tensor:
        legal = super()._positions(state, group)
        sequence = state["sequence"]
        place = state["count"].clamp(max=sequence.shape[1] - 1)[:, None]
        own = torch.zeros_like(legal).scatter_(1, sequence.gather(1, place), True)
        return torch.where(state["kept"][:, None], own, legal)

    def _elements(self, state: State, position: Tensor) -> Tensor:
        legal = super()._elements(state, position)
        site = state["count"].clamp(max=state["wanted"].shape[1] - 1)[:, None]
        wanted, largest = (state[name].gather(1, site) for name in ("wanted", "largest"))
        index = torch.arange(legal.shape[1], device=legal.device)
        own = torch.where(wanted == FREE, legal & (index <= largest), index == wanted)
        return torch.where(state["kept"][:, None], own, legal)

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        rows = {name: state[name] for name in self._ROWS}
        return {**super().advance(state, once, step), **rows}


def _bounds(positions: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Largest element that each site may have, int64 [n, T]: on one position elements rise, and
    a later site there may be given.

    Args:
        positions: of the sites of each row's lead, [n, T].
    """
    largest = np.full_like(wanted, np.iinfo(np.int64).max)
    for site in range(positions.shape[1] - 2, -1, -1):
        again = positions[:, site] == positions[:, site + 1]
        later = wanted[:, site + 1]
        bound = np.where(later == FREE, largest[:, site + 1], later)
        largest[:, site] = np.where(again, bound, largest[:, site])
    return largest
