"""Atoms of crystals from padded batches of the crystal schema, with gradients.

torch and numpy only, so that training may use it. Orbits are expanded by the operations of their
Wyckoff positions; lattices follow `schema.lattice_from_components`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.crystals import elements
from nucleate.crystals.codec.schema import (
    ANGLE_LIMIT,
    AXES,
    RATIO_LIMIT,
    VOLUME_LIMITS,
    lattice_table,
    position_table,
)
from nucleate.crystals.wyckoff.symmetry import CENTRINGS, PRIMITIVE, space_group
from nucleate.vae.arrays import Batch
from nucleate.vae.schema import Schema

_LEAST_VOLUME = 0.1  # of the cell of unit edges, see `schema.lattice_from_components`
_SHRINK = 0.9


@dataclass(frozen=True)
class Tables:
    """What expansion looks up, on one device; positions are counted with stop as 0.

    Attributes:
        linear: of all operations of primitive cells, [O, 3, 3].
        shift: likewise, [O, 3].
        start: each position's first operation, int64 [P].
        size: its primitive multiplicity, int64 [P]; 0 for stop.
        free: which of x, y, z it leaves free, bool [P, 3].
        order: lattice points of each group's conventional cell, [230].
        lattice: which lattice numbers each group leaves free, bool [230, 6].
        fixed: the others' values, not normalised, [230, 6].
        basis: primitive basis vectors in the conventional basis, rows, [230, 3, 3].
        radii: covalent radii of the elements, angstrom, [94].
        mean, spread: of the normalised lattice numbers, [6].
        images: translations to look at, in a reduced basis, [27, 3], the first of them zero.
    """

    linear: Tensor
    shift: Tensor
    start: Tensor
    size: Tensor
    free: Tensor
    order: Tensor
    lattice: Tensor
    fixed: Tensor
    basis: Tensor
    radii: Tensor
    mean: Tensor
    spread: Tensor
    images: Tensor

    @classmethod
    def build(cls, schema: Schema, device: torch.device, dtype: torch.dtype) -> Tables:
        """Tables of a schema, from its options."""
        arrays = [
            *_operations(),
            *_groups(),
            elements.radii(),
            np.array(schema.options["lattice_mean"]),
            np.array(schema.options["lattice_spread"]),
            np.array(sorted(product((-1.0, 0.0, 1.0), repeat=3), key=np.linalg.norm)),
        ]
        tensors = [torch.from_numpy(array).to(device) for array in arrays]
        return cls(*(t.to(dtype) if t.is_floating_point() else t for t in tensors))


@cache
def _operations() -> tuple[NDArray[Any], ...]:
    positions = [p for number in range(1, 231) for p in space_group(number).positions]
    size, free = position_table()
    linear = np.concatenate([p.linear[: p.primitive_multiplicity] for p in positions])
    shift = np.concatenate([p.shift[: p.primitive_multiplicity] for p in positions])
    return linear, shift, np.cumsum(size) - size, size, free


@cache
def _groups() -> tuple[NDArray[Any], ...]:
    groups = [space_group(number) for number in range(1, 231)]
    fixed = np.zeros((230, 6))
    fixed[[group.system in ("trigonal", "hexagonal") for group in groups], 5] = np.log(120 / 60)
    order = np.array([float(len(CENTRINGS[group.centring])) for group in groups])
    basis = np.array([PRIMITIVE[group.centring] for group in groups])
    return order, lattice_table(), fixed, basis


@dataclass
class Cells:
    """Atoms of the primitive cells of B crystals, orbit by orbit.

    Attributes:
        lattice: conventional basis vectors, rows, angstrom, [B, 3, 3].
        basis: a reduced primitive basis in the conventional one, rows, no gradient, [B, 3, 3].
        coordinates: fractional in the conventional basis, not wrapped, [A, 3].
        element: atomic number - 1, int64 [A].
        crystal: to which each atom belongs, int64 [A].
        step: of which step of the batch each atom is, int64 [A].
        operation: of `Tables.linear` that made each, int64 [A].
        atoms: of each crystal, int64 [B].
        first: first atom of each of S orbits, int64 [S].
        size: atoms of each orbit, int64 [S].
    """

    lattice: Tensor
    basis: Tensor
    coordinates: Tensor
    element: Tensor
    crystal: Tensor
    step: Tensor
    operation: Tensor
    atoms: Tensor
    first: Tensor
    size: Tensor

    def __len__(self) -> int:
        return len(self.atoms)

    def cartesian(self) -> Tensor:
        """Positions in angstrom, not wrapped, [A, 3]."""
        return torch.einsum("ai,aij->aj", self.coordinates, self.lattice[self.crystal])

    def primitive(self) -> Tensor:
        """The reduced primitive basis vectors, rows, angstrom, [B, 3, 3]."""
        return self.basis @ self.lattice


class Expansion:
    """Makes atoms of the fields of a crystal schema."""

    def __init__(self, schema: Schema):
        self.schema = schema
        self._tables: dict[tuple[torch.device, torch.dtype], Tables] = {}

    def tables(self, device: torch.device, dtype: torch.dtype) -> Tables:
        """The tables on a device, made at first use."""
        key = (device, dtype)
        if key not in self._tables:
            self._tables[key] = Tables.build(self.schema, device, dtype)
        return self._tables[key]

    def expand(self, batch: Batch) -> Cells:
        """Atoms of each crystal, differentiable in `lattice` and `x`, `y`, `z`.

        Values that symmetry fixes are not looked at: they may be NaN or anything.
        """
        group, position = batch.once["space_group"], batch.steps["wyckoff_position"]
        numbers = batch.once["lattice"]
        tables = self.tables(numbers.device, numbers.dtype)
        crystal, column = (position != self.schema.stop).nonzero(as_tuple=True)
        position = position[crystal, column]
        size = tables.size[position]
        owner = torch.repeat_interleave(size)
        first = size.cumsum(0) - size
        operation = torch.arange(len(owner), device=owner.device) - first[owner]
        operation = operation + tables.start[position][owner]
        free = tables.free[position]
        point = torch.stack([batch.steps[axis][crystal, column] for axis in AXES], -1)
        point = torch.where(free, point, torch.zeros_like(point)).to(numbers.dtype)
        turned = torch.einsum("aij,aj->ai", tables.linear[operation], point[owner])
        atoms = torch.zeros(len(group), dtype=torch.long, device=group.device)
        atoms = atoms.index_add(0, crystal, size)
        lattice = self.lattice(numbers, group, atoms)
        with torch.no_grad():
            basis = reduce_basis(tables.basis[group], lattice)
        return Cells(
            lattice,
            basis,
            turned + tables.shift[operation],
            batch.steps["element"][crystal, column][owner],
            crystal[owner],
            column[owner],
            operation,
            atoms,
            first,
            size,
        )

    def lattice(self, numbers: Tensor, group: Tensor, atoms: Tensor) -> Tensor:
        """Conventional basis vectors (rows, angstrom) [B, 3, 3], as `lattice_from_components`.

        Args:
            numbers: normalised lattice numbers [B, 6]; those that symmetry fixes may be NaN.
            group: space group - 1, int64 [B].
            atoms: in the primitive cell, int64 [B].
        """
        tables = self.tables(numbers.device, numbers.dtype)
        free = tables.lattice[group]
        known = torch.where(free, numbers, torch.zeros_like(numbers))
        values = torch.where(free, known * tables.spread + tables.mean, tables.fixed[group])
        volume = values[:, 0].clamp(*VOLUME_LIMITS).exp() * atoms * tables.order[group]
        ratio = values[:, 1:3].clamp(-RATIO_LIMIT, RATIO_LIMIT).exp()
        angles = torch.pi * torch.sigmoid(values[:, 3:].clamp(-ANGLE_LIMIT, ANGLE_LIMIT))
        angles = torch.pi / 2 + (angles - torch.pi / 2) * _shrinkage(angles)[:, None]
        cosine = angles.cos()
        sine = angles[:, 2].sin()
        height = _volume_factor(cosine) / sine
        zero, one = torch.zeros_like(sine), torch.ones_like(sine)
        b, c = ratio[:, :1], ratio[:, 1:]
        inclined = (cosine[:, 0] - cosine[:, 1] * cosine[:, 2]) / sine
        unit = torch.stack(
            [
                torch.stack([one, zero, zero], -1),
                b * torch.stack([cosine[:, 2], sine, zero], -1),
                c * torch.stack([cosine[:, 1], inclined, height], -1),
            ],
            1,
        )
        edge = (volume / (ratio.prod(-1) * sine * height)) ** (1 / 3)
        return edge[:, None, None] * unit


def _volume_factor(cosine: Tensor) -> Tensor:
    """Volume of the cell of unit edges with angles of these cosines [..., 3]."""
    square = 1 - cosine.square().sum(-1) + 2 * cosine.prod(-1)
    return square.clamp(min=1e-6).sqrt()


@torch.no_grad()
def _shrinkage(angles: Tensor) -> Tensor:
    """By how much deviations from 90 degrees are scaled so that the cell closes, [B]."""
    factor = torch.ones_like(angles[:, 0])
    for _ in range(100):
        narrowed = torch.pi / 2 + (angles - torch.pi / 2) * factor[:, None]
        open_cells = _volume_factor(narrowed.cos()) < _LEAST_VOLUME
        if not bool(open_cells.any()):
            break
        factor = torch.where(open_cells, factor * _SHRINK, factor)
    return factor


@cache
def _bases() -> NDArray[np.float64]:
    """Integer bases made of three of the seven sums over parts of a superbase, [n, 3, 3]."""
    sums = [np.array(c, float) for c in product((0, 1), repeat=3) if any(c)]
    triples = [np.stack(triple) for triple in combinations(sums, 3)]
    return np.stack([t for t in triples if abs(abs(np.linalg.det(t)) - 1) < 1e-9])


def reduce_basis(basis: Tensor, lattice: Tensor, tolerance: float = 1e-5) -> Tensor:
    """A Minkowski-reduced basis of each lattice, in the coordinates of `basis`.

    In such a basis the image of an atom that is nearest to another one is among the 27 around the
    difference of coordinates wrapped to [-1/2, 1/2]. Selling's algorithm makes the superbase
    obtuse; then the seven sums over its parts hold a shortest vector of each class of the lattice
    modulo its double (Conway & Sloane 1992), hence three that attain the successive minima.

    Args:
        basis: basis vectors in conventional coordinates, rows, [B, 3, 3].
        lattice: conventional basis vectors, rows, angstrom, [B, 3, 3].
        tolerance: of scalar products, relative to the longest vector's square.
    """
    # Superbase of coefficients, [B, 4, 3]; its Cartesian vectors follow.
    base = torch.cat([basis, -basis.sum(1, keepdim=True)], 1)
    others = torch.tensor([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]], device=base.device)
    rest = torch.tensor([[2, 3], [1, 3], [1, 2], [0, 3], [0, 2], [0, 1]], device=base.device)
    active = torch.arange(len(base), device=base.device)
    for _ in range(200):
        part = base[active]
        vectors = part @ lattice[active]
        products = (vectors[:, others[:, 0]] * vectors[:, others[:, 1]]).sum(-1)
        scale = vectors.square().sum(-1).amax(1)
        largest, pair = products.max(1)
        chosen = largest > tolerance * scale
        if not bool(chosen.any()):
            break
        active, part, pair = active[chosen], part[chosen], pair[chosen]
        row = torch.arange(len(active), device=base.device)
        turned = part[row, others[pair, 0]]
        made = part.clone()
        made[row, others[pair, 0]] = -turned
        made[row, rest[pair, 0]] += turned
        made[row, rest[pair, 1]] += turned
        base[active] = made
    candidates = torch.from_numpy(_bases()).to(base) @ base[:, None, :3]  # [B, n, 3, 3]
    lengths = (candidates @ lattice[:, None]).square().sum((-1, -2))
    return candidates[torch.arange(len(base), device=base.device), lengths.argmin(1)]
