"""Distances and overlaps of atoms, from padded batches of the crystal schema, with gradients.

torch and numpy only, so that training may use it. Distances are *scaled*: divided by the sum of
both covalent radii (Cordero et al. 2008), as the check `distances` scales them. Every contact of a
crystal is the image of one that begins at the first atom of an orbit, so only those are looked at,
and each counts as often as its orbit has atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from nucleate.crystals.codec.expansion import Cells, Expansion
from nucleate.vae.arrays import Batch
from nucleate.vae.schema import Schema

THRESHOLD = 0.75
"""Scaled distance below which two atoms overlap; 1 % of real crystals have a shorter one."""
PAIRS = 40_000
"""Pairs of atoms looked at together, each with 27 images."""


@dataclass
class Contacts:
    """Pairs of atoms of `Cells`, each from the first atom of an orbit to an image of another atom.

    Attributes:
        start, end: atoms, int64 [C].
        shift: added to the end's coordinates, conventional basis, [C, 3].
        weight: atoms of the start's orbit over those of the crystal, [C].
    """

    start: Tensor
    end: Tensor
    shift: Tensor
    weight: Tensor


class OverlapMeasure(Expansion):
    """Expands batches of a crystal schema and measures how near atoms come to each other.

    Args:
        schema: of crystals.
        pairs: of atoms that are looked at together; bounds the memory (1 kB a pair).
    """

    def __init__(self, schema: Schema, pairs: int = PAIRS):
        super().__init__(schema)
        self.pairs = pairs

    @torch.no_grad()
    def search(self, cells: Cells, threshold: float) -> tuple[Tensor, Contacts]:
        """Shortest scaled distance of each crystal [B], and all contacts below the threshold, but
        for images beyond the nearest 27."""
        tables = self.tables(cells.lattice.device, cells.lattice.dtype)
        primitive = cells.primitive()
        images = tables.images @ primitive  # [B, 27, 3]
        to_reduced = torch.linalg.inv(cells.basis)[cells.crystal]
        reduced = torch.einsum("ai,aij->aj", cells.coordinates, to_reduced)
        radius = tables.radii[cells.element]
        owner = cells.crystal[cells.first]
        partners = cells.atoms[owner]
        before = cells.atoms.cumsum(0) - cells.atoms
        shortest = primitive.new_full((len(cells),), torch.inf)
        found: list[tuple[Tensor, ...]] = []
        for orbits in _portions(partners, self.pairs):
            count = partners[orbits]
            row = torch.repeat_interleave(count)
            start = cells.first[orbits][row]
            crystal = owner[orbits][row]
            end = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
            end = end + before[crystal]
            apart = reduced[end] - reduced[start]
            wrapped = apart - apart.round()
            vector = torch.einsum("pi,pij->pj", wrapped, primitive[crystal])
            # Components one by one: a [P, 27, 3] tensor would be three times as slow.
            parts = ((vector[:, k, None] + images[:, :, k][crystal]) ** 2 for k in range(3))
            square = reduce(torch.add, parts)
            square[:, 0] = square[:, 0].masked_fill(start == end, torch.inf)
            scaled = square.sqrt() / (radius[start] + radius[end])[:, None]
            shortest.scatter_reduce_(0, crystal, scaled.amin(1), "amin")
            pair, image = (scaled < threshold).nonzero(as_tuple=True)
            shift = tables.images[image] - apart.round()[pair]
            shift = torch.einsum("ci,cij->cj", shift, cells.basis[crystal[pair]])
            weight = (cells.size[orbits][row[pair]] / cells.atoms[crystal[pair]]).to(scaled.dtype)
            found.append((start[pair], end[pair], shift, weight))
        return shortest, Contacts(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def scaled_distances(self, cells: Cells, contacts: Contacts) -> Tensor:
        """Scaled distances of contacts [C], differentiable."""
        tables = self.tables(cells.lattice.device, cells.lattice.dtype)
        apart = cells.coordinates[contacts.end] - cells.coordinates[contacts.start]
        crystal = cells.crystal[contacts.start]
        vector = torch.einsum("ci,cij->cj", apart + contacts.shift, cells.lattice[crystal])
        radius = tables.radii[cells.element]
        # The constant keeps the gradient of two atoms on one point finite.
        distance = (vector.square().sum(-1) + 1e-10).sqrt()
        return distance / (radius[contacts.start] + radius[contacts.end])

    def shortest(self, batch: Batch) -> Tensor:
        """Shortest scaled distance of each crystal, images included, no gradient, [B]."""
        with torch.no_grad():
            return self.search(self.expand(batch), 0.0)[0]

    def overlap(self, batch: Batch, threshold: float = THRESHOLD) -> Tensor:
        """How much atoms overlap: squared shortfalls of scaled distances below the threshold,
        summed over an atom's contacts, mean over the atoms of a crystal, [B].

        Differentiable in `lattice` and `x`, `y`, `z`. Only contacts below the threshold cost a
        gradient; the search for them takes none.
        """
        cells = self.expand(batch)
        return self.hinge(cells, self.search(cells, threshold)[1], threshold)

    def hinge(self, cells: Cells, contacts: Contacts, threshold: float) -> Tensor:
        """`overlap` over known contacts."""
        short = (threshold - self.scaled_distances(cells, contacts)).clamp(min=0)
        zeros = short.new_zeros(len(cells))
        return zeros.index_add(0, cells.crystal[contacts.start], contacts.weight * short**2)


def _portions(partners: Tensor, most: int) -> list[slice]:
    """Runs of orbits of at most so many pairs (or of one orbit)."""
    portions, begin, total = [], 0, 0
    for number, count in enumerate(partners.tolist()):
        if total + count > most and number > begin:
            portions.append(slice(begin, number))
            begin, total = number, 0
        total += count
    return [*portions, slice(begin, len(partners))]
