"""Masks under which every gene that is written meets the conditions that were asked for.

Before a site is written, the tables of `nucleate.crystals.conditions.feasibility` tell which
choices can
still be completed, so that no row gets stuck and nothing has to be thrown away. torch and numpy
only.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.crystals.codec.legality import CrystalLegality
from nucleate.crystals.conditions.feasibility import Filling, FillingTables, Range, Reach, Tails
from nucleate.crystals.wyckoff.symmetry import LETTERS
from nucleate.vae.legality import State
from nucleate.vae.schema import Schema

_WIDEST = len(LETTERS)


class ConstrainedLegality(CrystalLegality):
    """What both kinds of constraints share.

    Args:
        groups: numbers of the space groups that can meet the constraint.
        elements: atomic numbers that may occur, rising.
        count: rows of the batches that are decoded.

    Attributes:
        written: number of the space group that was written in each row, 0 before; filled in while
            decoding.
    """

    def __init__(self, schema: Schema, groups: Sequence[int], elements: Sequence[int], count: int):
        super().__init__(schema)
        self.written = np.zeros(count, np.int64)
        self.allowed = torch.zeros(230, dtype=torch.bool)
        self.allowed[torch.tensor(groups) - 1] = True
        self.palette = torch.tensor(elements) - 1
        self._moved: dict[tuple[str, torch.device], Tensor] = {}

    def on(self, name: str, device: torch.device) -> Tensor:
        """An attribute on a device."""
        key = (name, device)
        if key not in self._moved:
            self._moved[key] = getattr(self, name).to(device)
        return self._moved[key]

    def rows(self, start: int, stop: int) -> ConstrainedLegality:
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
        """Whether a gene can be completed after a site.

        Args:
            position: of the site, int64 [B, L].

        Returns:
            bool [B, L, E], by element of the palette, or [B, L, 1] if all are alike.
        """

    @abstractmethod
    def complete(self, state: State) -> Tensor:
        """Whether the gene may end here, bool [B]."""

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
        reach: what can be reached.
        groups: as of `ConstrainedLegality`; each `reach.starts`.
        required: atomic numbers that must occur, rising.
    """

    def __init__(
        self,
        schema: Schema,
        reach: Reach,
        tables: tuple[NDArray[np.int64], NDArray[np.bool_]],
        groups: Sequence[int],
        elements: Sequence[int],
        required: Sequence[int],
        count: int,
    ):
        super().__init__(schema, groups, elements, count)
        self.sites, self.bounds = reach.sites, reach.atoms
        self.kind = torch.from_numpy(tables[0])
        self.reachable = torch.from_numpy(tables[1])
        self.required = torch.tensor(required, dtype=torch.long) - 1
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
        filling: tables for the largest number of formula units.
        tables: of the filling and all groups that `fits` has.
        fits: which groups can hold each number of formula units, bool [numbers, 230].
        formula: atoms of each element in one formula unit.
        units: formula units that the rows of `fits` are about.
        chosen: which of those each row of the batch has.
        sites: range of the number of sites.
    """

    def __init__(
        self,
        schema: Schema,
        filling: Filling,
        tables: FillingTables,
        fits: NDArray[np.bool_],
        elements: Sequence[int],
        formula: Sequence[int],
        units: Sequence[int],
        chosen: NDArray[np.int64],
        sites: Range,
    ):
        groups = (np.flatnonzero(fits.any(0)) + 1).tolist()
        super().__init__(schema, groups, elements, len(chosen))
        self.row = torch.from_numpy(tables.row)
        self.again = torch.from_numpy(tables.again)
        self.bits = torch.from_numpy(tables.bits)
        self.fits = torch.from_numpy(fits)
        self.formula = torch.tensor(formula, dtype=torch.long)
        self.units = torch.tensor(units, dtype=torch.long)
        self.chosen = torch.from_numpy(chosen)
        steps = np.cumprod([1, *reversed(filling.shape)])[:-1][::-1].copy()
        self.stride = torch.from_numpy(steps.astype(np.int64))
        # Bits of the numbers of further sites that are welcome, by sites so far.
        most = schema.maximum_steps
        windows = [
            sum(1 << n for n in range(max(0, sites.low - so_far), sites.high - so_far + 1))
            for so_far in range(most + 2)
        ]
        self.window = torch.tensor(windows, dtype=self.bits.dtype)

    def rows(self, start: int, stop: int) -> FilledLegality:
        part = super().rows(start, stop)
        assert isinstance(part, FilledLegality)
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
