"""OverlapRelief of overlapping atoms along what symmetry leaves free. torch and numpy only.

A decoded crystal whose atoms come too near is mended by a soft-sphere packing: squared shortfalls
of scaled distances are minimised over the free coordinates and free lattice numbers alone, so that
the space group, the occupied positions and the elements stay. Each step is the damped Gauss-Newton
step (Levenberg 1944, Marquardt 1963) of the shortfalls that are there now: the least displacement,
atoms before cell, that would end them. A crystal stops at the first step that leaves all its
contacts at the target; one without overlap is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat
from torch import Tensor

from nucleate.core.settings import Positive, Settings
from nucleate.crystals.codec.expansion import Cells
from nucleate.crystals.codec.overlap import THRESHOLD, Contacts, OverlapMeasure
from nucleate.crystals.codec.schema import AXES, VOLUME_LIMITS
from nucleate.vae.arrays import Batch
from nucleate.vae.refinement import Refiner
from nucleate.vae.schema import Schema

_LATTICE = 6
_MENDABLE = 0.6
"""Scaled distance from which draws before relief gain nothing that CHGNet's energies show."""
_COINCIDENT = 0.1
_DIFFERENCE = 1e-3
"""Of lattice numbers (logarithms), for the derivative of the cell."""


class OverlapReliefOptions(Settings):
    """How overlaps are relieved."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = THRESHOLD
    """Scaled distance below which atoms overlap: only such crystals are touched."""
    target: Annotated[float, Field(gt=0, lt=2)] = 0.9
    """Scaled distance to which their contacts are brought, that of a usual crystal's shortest:
    CHGNet's energies of crystals mended so far are 0.7 eV/atom lower than of those mended just to
    the threshold, and rise again beyond."""
    steps: Positive = 10
    """Steps towards the target at most."""
    further_steps: NonNegativeInt = 30
    """More of them, at most, for crystals that are still below the threshold."""
    damping: PositiveFloat = 0.005
    """Price of displacing a coordinate by one angstrom, in squared scaled distances."""
    cell_damping: PositiveFloat = 100.0
    """Price of changing a lattice number (a logarithm) by one, in those of a coordinate."""
    largest_step: PositiveFloat = 0.5
    """Angstrom that a coordinate moves in a step at most."""
    largest_change: PositiveFloat = 0.1
    """Of a lattice number, likewise."""
    swelling: NonNegativeFloat = 0.7
    """Most that the logarithm of the volume may grow."""


@dataclass
class _Variables:
    """Free numbers of n crystals of at most T sites: x, y, z of each site, then the lattice.

    Attributes:
        values: coordinates as fractions, lattice numbers not normalised, [n, 3 T + 6].
        free: bool, likewise.
        weight: price of changing each by one, [n, 3 T + 6].
        limit: most that each changes in a step, [n, 3 T + 6].
    """

    values: Tensor
    free: Tensor
    weight: Tensor
    limit: Tensor


class OverlapRelief:
    """Relieves batches of one schema.

    Args:
        measure: of the schema.
        options: see there.
    """

    def __init__(self, measure: OverlapMeasure, options: OverlapReliefOptions | None = None):
        self.measure, self.options = measure, options or OverlapReliefOptions()
        self.stop = measure.schema.stop

    @torch.no_grad()
    def __call__(self, batch: Batch, chosen: Tensor | None = None) -> tuple[Batch, Tensor]:
        """Relieve the crystals of a batch that need it; the others' numbers stay bit for bit.

        Args:
            chosen: crystals to relieve, bool [B]; those below the threshold if not given.

        Returns:
            The batch with other coordinates and lattice numbers, and the shortest scaled distance
            of each crystal in it [B], which is never less than it was.
        """
        shortest = self.measure.shortest(batch)
        chosen = shortest < self.options.threshold if chosen is None else chosen
        rows = (chosen & (shortest < self.options.target)).nonzero()[:, 0]
        once, steps = dict(batch.once), dict(batch.steps)
        if len(rows) == 0:
            return batch, shortest
        relieved, shortest[rows] = self._relieve(batch.subset(rows), shortest[rows])
        once["lattice"] = once["lattice"].index_put((rows,), relieved.once["lattice"])
        width = relieved.steps[AXES[0]].shape[1]
        for axis in AXES:
            steps[axis] = steps[axis].clone()
            steps[axis][rows, :width] = relieved.steps[axis]
        return Batch(once, steps, batch.length, batch.auxiliary), shortest

    def _relieve(self, batch: Batch, shortest: Tensor) -> tuple[Batch, Tensor]:
        """The step of the longest shortest distance, of each crystal."""
        options = self.options
        start = self._variables(batch)
        best, reached = start.values.clone(), shortest.clone()
        active = torch.arange(len(batch), device=batch.device)
        values = _nudge(start, shortest < _COINCIDENT)
        for number in range(options.steps + options.further_steps):
            part = self._write(batch.subset(active), values)
            cells = self.measure.expand(part)
            now, contacts = self.measure.search(cells, options.target)
            better = now > reached[active]
            best[active[better]] = values[better]
            reached[active[better]] = now[better]
            left = now < (options.target if number < options.steps else options.threshold)
            if not bool(left.any()):
                break
            move = self._step(part, cells, contacts, start, active)
            values = (values + move)[left]
            active = active[left]
            ceiling = start.values[active, -_LATTICE] + options.swelling
            values[:, -_LATTICE] = torch.minimum(values[:, -_LATTICE], ceiling)
        return self._write(batch, best), reached

    def _variables(self, batch: Batch) -> _Variables:
        options = self.options
        numbers, group = batch.once["lattice"], batch.once["space_group"]
        tables = self.measure.tables(numbers.device, numbers.dtype)
        free_lattice = tables.lattice[group]
        lattice = torch.nan_to_num(numbers) * tables.spread + tables.mean
        lattice[:, 0] = lattice[:, 0].clamp(*VOLUME_LIMITS)
        points = torch.stack([batch.steps[axis] for axis in AXES], -1)  # [B, T + 1, 3]
        free = tables.free[batch.steps["wyckoff_position"]]
        length = self.measure.expand(batch).lattice.norm(dim=-1)  # [B, 3]
        length = length[:, None].expand_as(points)
        weight = options.damping * length**2
        cell = torch.full_like(lattice, options.damping * options.cell_damping)
        change = torch.full_like(lattice, options.largest_change)
        return _Variables(
            torch.cat([torch.nan_to_num(points).flatten(1), lattice], 1),
            torch.cat([free.flatten(1), free_lattice], 1),
            torch.cat([weight.flatten(1), cell], 1),
            torch.cat([(options.largest_step / length).flatten(1), change], 1),
        )

    def _write(self, batch: Batch, values: Tensor) -> Batch:
        """The batch with these variables, NaN where it has NaN."""
        numbers = batch.once["lattice"]
        tables = self.measure.tables(numbers.device, numbers.dtype)
        width = batch.steps[AXES[0]].shape[1]
        lattice = (values[:, -_LATTICE:] - tables.mean) / tables.spread
        points = values[:, :-_LATTICE].reshape(len(values), -1, 3)[:, :width] % 1.0
        once = batch.once | {"lattice": torch.where(numbers.isnan(), numbers, lattice)}
        steps = dict(batch.steps)
        for i, axis in enumerate(AXES):
            steps[axis] = torch.where(steps[axis].isnan(), steps[axis], points[..., i])
        return Batch(once, steps, batch.length, batch.auxiliary)

    def _step(
        self,
        batch: Batch,
        cells: Cells,
        contacts: Contacts,
        variables: _Variables,
        rows: Tensor,
    ) -> Tensor:
        """Change of the variables of the crystals `rows`, [n, 3 T + 6]."""
        options = self.options
        free = variables.free[rows]
        columns, slope, scaled = self._slopes(batch, cells, contacts, free.shape[1])
        crystal = cells.crystal[contacts.start]
        n, size = free.shape
        slope = slope * free[crystal[:, None], columns]
        short = options.target - scaled
        flat = columns[:, :, None] * size + columns[:, None, :] + (crystal * size**2)[:, None, None]
        square = (slope[:, :, None] * slope[:, None, :]).flatten()
        matrix = slope.new_zeros(n * size * size).index_add(0, flat.flatten(), square)
        matrix = matrix.reshape(n, size, size)
        target = slope.new_zeros(n * size).index_add(
            0, (columns + (crystal * size)[:, None]).flatten(), (slope * short[:, None]).flatten()
        )
        matrix.diagonal(dim1=1, dim2=2).add_(variables.weight[rows])
        factor = torch.linalg.cholesky_ex(matrix)[0]
        move = torch.cholesky_solve(target.reshape(n, size, 1), factor)[..., 0]
        most = (move.abs() / variables.limit[rows]).amax(1).clamp(min=1.0)
        out: Tensor = torch.where(free, move, 0.0) / most[:, None]
        return out

    def _slopes(
        self, batch: Batch, cells: Cells, contacts: Contacts, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Derivatives of scaled distances: columns of variables int64 [C, 12], slopes [C, 12], and
        the distances [C]."""
        lattice = cells.lattice
        tables = self.measure.tables(lattice.device, lattice.dtype)
        crystal = cells.crystal[contacts.start]
        apart = cells.coordinates[contacts.end] - cells.coordinates[contacts.start]
        apart = apart + contacts.shift
        vector = torch.einsum("ci,cij->cj", apart, lattice[crystal])
        radius = tables.radii[cells.element]
        total = radius[contacts.start] + radius[contacts.end]
        distance = vector.norm(dim=-1).clamp(min=1e-6)
        unit = vector / (distance * total)[:, None]
        along = torch.einsum("cij,cj->ci", lattice[crystal], unit)
        ends = [
            sign * torch.einsum("cij,ci->cj", tables.linear[cells.operation[atom]], along)
            for sign, atom in ((-1.0, contacts.start), (1.0, contacts.end))
        ]
        change = self._lattice_slopes(batch, cells.atoms)  # [n, 6, 3, 3]
        cell = torch.einsum("ckij,ci,cj->ck", change[crystal], apart, unit)
        axis = torch.arange(3, device=lattice.device)
        places = [3 * cells.step[atom][:, None] + axis for atom in (contacts.start, contacts.end)]
        numbers = torch.arange(size - _LATTICE, size, device=lattice.device)
        columns = torch.cat([*places, numbers.expand(len(crystal), -1)], 1)
        return columns, torch.cat([*ends, cell], 1), distance / total

    def _lattice_slopes(self, batch: Batch, atoms: Tensor) -> Tensor:
        """Derivatives of the basis vectors by the lattice numbers, by differences, [n, 6, 3, 3]."""
        numbers, group = batch.once["lattice"], batch.once["space_group"]
        tables = self.measure.tables(numbers.device, numbers.dtype)
        change = torch.diag(_DIFFERENCE / tables.spread)
        up, down = (
            self.measure.lattice(
                (numbers[:, None] + sign * change).flatten(0, 1),
                group.repeat_interleave(_LATTICE),
                atoms.repeat_interleave(_LATTICE),
            )
            for sign in (1.0, -1.0)
        )
        out: Tensor = ((up - down) / (2 * _DIFFERENCE)).reshape(-1, _LATTICE, 3, 3)
        return out


class OverlapRefiner(Refiner):
    """Quality is the shortest scaled distance; repair is `OverlapRelief`."""

    def __init__(self, schema: Schema):
        self.measure = OverlapMeasure(schema)
        self.relief = OverlapRelief(self.measure)
        self.enough, self.mendable = self.relief.options.threshold, _MENDABLE

    def quality(self, batch: Batch) -> Tensor:
        return self.measure.shortest(batch)

    def repair(self, batch: Batch) -> Batch:
        every = torch.ones(len(batch), dtype=torch.bool, device=batch.device)
        return self.relief(batch, every)[0]


def _nudge(variables: _Variables, rows: Tensor) -> Tensor:
    """Atoms on one point have no direction to part in: move coordinates a little, the same way
    each time."""
    size = variables.values.shape[1]
    golden = torch.arange(size, device=rows.device) * 0.6180339887498949 % 1 - 0.5
    golden[size - _LATTICE :] = 0.0
    chosen = variables.free & rows[:, None]
    return variables.values + torch.where(chosen, 0.3 * golden * variables.limit, 0.0)
