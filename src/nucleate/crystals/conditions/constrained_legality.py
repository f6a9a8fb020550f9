"""Masks under which every crystal that is written meets the conditions that were asked for.

Before a site is written, the tables of `feasibility` tell which choices can still be completed, so
that no row gets stuck and nothing has to be thrown away. torch and numpy only.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.crystals.codec.legality import CrystalLegality
from nucleate.crystals.conditions.feasibility import FillingTables, Range, Reach, Tails
from nucleate.crystals.conditions.options import CrystalConditions, ranges_text
from nucleate.crystals.wyckoff.symmetry import LETTERS
from nucleate.vae.legality import State
from nucleate.vae.schema import Schema

_WIDEST = len(LETTERS)


@dataclass(frozen=True)
class DecodingRequest:
    """Conditions in terms of what a model can hold.

    Attributes:
        asked: the conditions as they were given.
        schema: of the model.
        sites, atoms: how many; atoms in the primitive cell.
        elements, required: atomic numbers that may and that must occur, rising.
        formula: atoms of each element in a formula unit, by rising atomic number, or empty.
    """

    asked: CrystalConditions
    schema: Schema
    sites: Range
    atoms: Range
    elements: list[int]
    required: list[int]
    formula: dict[str, int]

    @property
    def candidates(self) -> Sequence[int]:
        """Space groups that were asked for."""
        return self.asked.space_group or range(1, 231)

    @property
    def groups_text(self) -> str:
        """The same in words."""
        if not self.asked.space_group:
            return "any space group"
        plural = "s" if len(self.asked.space_group) > 1 else ""
        return f"space group{plural} {ranges_text(self.asked.space_group)}"


class ConstrainedLegality(CrystalLegality):
    """What both kinds of constraints share.

    Args:
        wanted: the conditions.
        groups: numbers of the space groups that can meet them.
        count: rows of the batches that are decoded.

    Attributes:
        written: number of the space group that was written in each row, 0 before; filled in while
            decoding.
    """

    def __init__(self, wanted: DecodingRequest, groups: Sequence[int], count: int):
        super().__init__(wanted.schema)
        self.written = np.zeros(count, np.int64)
        self.allowed = torch.zeros(230, dtype=torch.bool)
        self.allowed[torch.tensor(groups) - 1] = True
        self.palette = torch.tensor(wanted.elements) - 1
        self._moved: dict[tuple[str, torch.device], Tensor] = {}

    def on(self, name: str, device: torch.device) -> Tensor:
        """An attribute on a device."""
        key = (name, device)
        if key not in self._moved:
            self._moved[key] = getattr(self, name).to(device)
        return self._moved[key]

    def rows(self, start: int, stop: int) -> Self:
        part = copy.copy(self)
        part.written = self.written[start:stop]  # a view: what is noted there is noted here
        return part

    def once_mask(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        legal = super().once_mask(name, once, batch)
        return None if legal is None else legal & self.on("allowed", legal.device)

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        if batch == len(self.written):
            self.written[:] = once["space_group"].cpu().numpy() + 1
        return super().start(once, batch, device)

    @abstractmethod
    def feasible(self, state: State, position: Tensor) -> Tensor:
        """Whether a crystal can be completed after a site.

        Args:
            position: of the site, int64 [B, L].

        Returns:
            bool [B, L, E], by element of the palette, or [B, L, 1] if all are alike.
        """

    @abstractmethod
    def complete(self, state: State) -> Tensor:
        """Whether the crystal may end here, bool [B]."""

    def _in_order(self, state: State, position: Tensor) -> Tensor:
        """Whether elements do not fall on the position that was written last, [B, L, E]."""
        palette = self.on("palette", position.device)
        same = position == state["position"][:, None]
        return ~same[:, :, None] | (palette >= state["element"][:, None, None])

    def _positions(self, state: State, group: Tensor) -> Tensor:
        tables = self.tables(group.device)
        local = torch.arange(_WIDEST, device=group.device)
        position = tables.first[group][:, None] + local
        own = position < tables.end[group][:, None]
        position = torch.where(own, position, 0)
        possible = (self.feasible(state, position) & self._in_order(state, position)).any(-1)
        found = torch.zeros(len(group), len(tables.size), dtype=torch.bool, device=group.device)
        found.scatter_(1, position, own & possible)
        legal = super()._positions(state, group) & found
        legal[:, self.schema.stop] = self.complete(state)
        return legal

    def _elements(self, state: State, position: Tensor) -> Tensor:
        legal = super()._elements(state, position)
        palette = self.on("palette", position.device)
        possible = self.feasible(state, position[:, None])[:, 0]
        found = torch.zeros_like(legal)
        found[:, palette] = possible.expand(-1, len(palette))
        return legal & found


class BoundedLegality(ConstrainedLegality):
    """Sites and atoms within ranges, elements of a list, some of which must occur.

    Args:
        tables: of what the groups can reach, see `tables_of`.
    """

    def __init__(
        self,
        wanted: DecodingRequest,
        tables: tuple[NDArray[np.int64], NDArray[np.bool_]],
        groups: Sequence[int],
        count: int,
    ):
        super().__init__(wanted, groups, count)
        self.sites, self.bounds = wanted.sites, wanted.atoms
        self.kind, self.reachable = (torch.from_numpy(table) for table in tables)
        self.required = torch.tensor(wanted.required, dtype=torch.long) - 1
        element, needed = self.palette[:, None], self.required[None]
        self.below = (needed < element).float()  # E x R
        self.above = (needed > element).float()

    @staticmethod
    def tables_of(
        reach: Reach, groups: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What the masks look up; to be made once for many batches."""
        tails = Tails(groups, reach.atoms.high)
        return tails.number, reach.table(tails)

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        missing = torch.ones(batch, len(self.required), dtype=torch.bool, device=device)
        return {**super().start(once, batch, device), "missing": missing}

    def feasible(self, state: State, position: Tensor) -> Tensor:
        device = position.device
        table = self.on("reachable", device)
        sites = (state["count"] + 1).clamp(max=table.shape[1] - 1)[:, None, None]
        atoms = state["atoms"][:, None] + self.tables(device).size[position]
        atoms = atoms.clamp(max=table.shape[2] - 1)[:, :, None]
        kind = self.on("kind", device)[position][:, :, None]
        if not len(self.required):
            return table[kind, sites, atoms, 0, 0]
        missing = state["missing"].float()
        below = (missing @ self.on("below", device).T).long()[:, None]  # B x 1 x E
        above = (missing @ self.on("above", device).T).long()[:, None]
        return table[kind, sites, atoms, below, above]

    def complete(self, state: State) -> Tensor:
        done = (state["count"] >= max(1, self.sites.low)) & (state["atoms"] >= self.bounds.low)
        return done & ~state["missing"].any(-1)

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        required = self.on("required", step["element"].device)
        missing = state["missing"] & (step["element"][:, None] != required)
        return {**super().advance(state, once, step), "missing": missing}


class FilledLegality(ConstrainedLegality):
    """Exact numbers of atoms of each element, a number of formula units for each row.

    Args:
        shape: of the filling that the tables are of.
        tables: of all groups that `fits` has.
        fits: which groups can hold each number of formula units, bool [numbers, 230].
        units: formula units that the rows of `fits` are about.
        chosen: which of those each row of the batch has.
    """

    def __init__(
        self,
        wanted: DecodingRequest,
        shape: tuple[int, ...],
        tables: FillingTables,
        fits: NDArray[np.bool_],
        units: Sequence[int],
        chosen: NDArray[np.int64],
    ):
        super().__init__(wanted, (np.flatnonzero(fits.any(0)) + 1).tolist(), len(chosen))
        self.row = torch.from_numpy(tables.row)
        self.again = torch.from_numpy(tables.again)
        self.bits = torch.from_numpy(tables.bits)
        self.fits = torch.from_numpy(fits)
        self.formula = torch.tensor(list(wanted.formula.values()), dtype=torch.long)
        self.units = torch.tensor(units, dtype=torch.long)
        self.chosen = torch.from_numpy(chosen)
        steps = np.cumprod([1, *reversed(shape)])[:-1][::-1].copy()
        self.stride = torch.from_numpy(steps.astype(np.int64))
        # Bits of the numbers of further sites that are welcome, by sites so far.
        sites, most = wanted.sites, wanted.schema.maximum_steps
        windows = [
            sum(1 << n for n in range(max(0, sites.low - so_far), sites.high - so_far + 1))
            for so_far in range(most + 2)
        ]
        self.window = torch.tensor(windows, dtype=self.bits.dtype)

    def rows(self, start: int, stop: int) -> Self:
        part = super().rows(start, stop)
        part.chosen = self.chosen[start:stop]
        return part

    def once_mask(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        legal = super().once_mask(name, once, batch)
        if legal is None:
            return None
        return legal & self.fits[self.chosen].to(legal.device)

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        left = self.units[self.chosen][:, None] * self.formula
        return {**super().start(once, batch, device), "left": left.to(device)}

    def feasible(self, state: State, position: Tensor) -> Tensor:
        device, left = position.device, state["left"]
        size = self.tables(device).size[position][:, :, None]  # B x L x 1
        stride = self.on("stride", device)
        state_number = (left * stride).sum(-1)[:, None, None]
        enough = left[:, None] >= size
        after = torch.where(enough, state_number - size * stride, 0)
        row = self.on("row", device)[position][:, :, None]
        element = torch.arange(left.shape[1], device=device)
        element = self.on("again", device)[position][:, :, None] * element
        bits = self.on("bits", device)[row, element, after]
        sites = (state["count"] + 1).clamp(max=len(self.window) - 1)
        window = self.on("window", device)[sites][:, None, None]
        return enough & ((bits & window) != 0)

    def complete(self, state: State) -> Tensor:
        return (state["left"] == 0).all(-1) & (state["count"] > 0)

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        position, element = step["wyckoff_position"], step["element"]
        taken = element[:, None] == self.on("palette", element.device)
        size = self.tables(element.device).size[position][:, None]
        # Rows that have stopped go on with garbage: keep it harmless.
        left = (state["left"] - taken * size).clamp(min=0)
        return {**super().advance(state, once, step), "left": left}
