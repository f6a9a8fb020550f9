"""Masks that make every decoded crystal a legal one. torch and numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nucleate.crystals.codec.schema import AXES, lattice_table, position_table
from nucleate.crystals.elements import LARGEST, supported
from nucleate.crystals.wyckoff.symmetry import group_starts
from nucleate.vae.legality import Legality, State
from nucleate.vae.schema import Schema


@dataclass(frozen=True)
class Tables:
    """What the masks look up, on one device. Positions are counted with stop as 0.

    Attributes:
        first: position 'a' of each group, int64 [230].
        end: one past the general position of each group, int64 [230].
        size: primitive multiplicity of each position, int64 [P]; 0 for stop.
        free: which of x, y, z each position leaves free, bool [P, 3].
        lattice: which lattice numbers each group leaves free, bool [230, 6].
        groups: groups with a position of at most the maximum number of atoms, bool [230].
        elements: accepted elements, bool [94].
    """

    first: Tensor
    end: Tensor
    size: Tensor
    free: Tensor
    lattice: Tensor
    groups: Tensor
    elements: Tensor

    @classmethod
    def build(cls, schema: Schema, device: torch.device) -> Tables:
        """Tables of a schema, from its options."""
        starts = group_starts()
        size, free = position_table()
        accepted = np.zeros(LARGEST, bool)
        accepted[np.array(supported(bool(schema.options["noble_gases"]))) - 1] = True
        smallest = np.minimum.reduceat(size[1:], starts[:-1])
        arrays = [
            starts[:-1] + 1,
            starts[1:] + 1,
            size,
            free,
            lattice_table(),
            smallest <= int(schema.options["maximum_atoms"]),
            accepted,
        ]
        return cls(*(torch.from_numpy(array).to(device) for array in arrays))


class CrystalLegality(Legality):
    """Positions of the chosen group in the order of their letters, those without freedom once; on
    one position, elements in the order of their atomic numbers; no more atoms than the maximum.
    """

    def __init__(self, schema: Schema):
        super().__init__(schema)
        self.maximum_atoms = int(schema.options["maximum_atoms"])
        self._tables: dict[torch.device, Tables] = {}

    def tables(self, device: torch.device) -> Tables:
        """The tables on a device, made at first use."""
        if device not in self._tables:
            self._tables[device] = Tables.build(self.schema, device)
        return self._tables[device]

    def once_mask(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        if name != "space_group":
            return None
        device = next((value.device for value in once.values()), torch.device("cpu"))
        return self.tables(device).groups.expand(batch, -1)

    def once_present(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        if name != "lattice":
            return None
        group = once["space_group"]
        return self.tables(group.device).lattice[group]

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        zero = torch.zeros(batch, dtype=torch.long, device=device)
        return {"count": zero, "position": zero, "element": zero, "atoms": zero}

    def mask(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        if name == "wyckoff_position":
            return self._positions(state, once["space_group"])
        if name == "element":
            return self._elements(state, step["wyckoff_position"])
        return None

    def _positions(self, state: State, group: Tensor) -> Tensor:
        tables = self.tables(group.device)
        last, count = state["position"], state["count"]
        again = tables.free[last].any(-1)  # may be occupied once more
        lowest = torch.where(count > 0, last + (~again).long(), tables.first[group])
        left = self.maximum_atoms - state["atoms"]
        left = torch.where(count < self.schema.maximum_steps, left, 0)
        index = torch.arange(len(tables.size), device=group.device)
        legal = (
            (index >= lowest[:, None])
            & (index < tables.end[group][:, None])
            & (tables.size <= left[:, None])
        )
        legal[:, self.schema.stop] = count > 0
        return legal

    def _elements(self, state: State, position: Tensor) -> Tensor:
        tables = self.tables(position.device)
        lowest = torch.where(position == state["position"], state["element"], 0)
        index = torch.arange(len(tables.elements), device=position.device)
        return tables.elements & (index >= lowest[:, None])

    def present(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        if name not in AXES:
            return None
        position = step["wyckoff_position"]
        return self.tables(position.device).free[position, AXES.index(name)]

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        position = step["wyckoff_position"]
        return {
            "count": state["count"] + 1,
            "position": position,
            "element": step["element"],
            "atoms": state["atoms"] + self.tables(position.device).size[position],
        }
