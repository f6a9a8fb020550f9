"""The canonical gene of a structure.

moyopy finds the space group and the standard cell. That cell still depends on the origin and on
the axes chosen among those which the group's normaliser allows, so the same crystal would get
many genes. Here all of them are compared and one is taken (Parthe & Gelato 1984 had the same aim):
first the least list of (letter, atomic number) over the coset representatives of the Euclidean
normaliser, then, over what fixes that list and with the origin of polar groups put on a site, the
coordinates of the highest `preference`, a smooth periodic function without symmetry of its own.
Comparing coordinates digit by digit instead fails on near-ties, which pseudo-symmetric crystals
are full of; two values of a smooth function are as good as never within rounding of each other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.gene import (
    LATTICE_DECIMALS,
    PARAMETER_DECIMALS,
    Gene,
    Site,
    expand,
    to_string,
)
from nucleate.crystals.symmetry import LETTERS, SpaceGroup, WyckoffPosition, space_group
from nucleate.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

logging.getLogger("moyo").setLevel(logging.ERROR)  # it remarks on every centred input cell

Array = NDArray[np.float64]
Arrays = tuple[Array, Array, NDArray[np.int64]]

ON_POSITION = 2e-3
"""Fractional distance within which a standardised point lies on a Wyckoff position."""
OVERLAP = 0.1
"""Angstrom; atoms this close are the same one written twice, or nonsense."""
OFF_TIE = 1.7e-7
"""Added before rounding: published coordinates have six decimals so often that ties, and thirds of
the last digit, must not be decided by noise."""
WEIGHTS = np.array([1.0, 0.737, 0.541])
PHASES = np.array([0.137, 0.1191, 0.1037])
"""Of `preference`: no fraction that a symmetry operation holds, and small positive coordinates are
preferred."""


def arrays_of(structure: Structure) -> Arrays:
    """Lattice (rows, angstrom), fractional coordinates and atomic numbers of an ordered structure.

    Raises:
        StructureError: see `gene_from_structure`.
    """
    if len(structure) == 0:
        raise StructureError("empty", "no atoms")
    numbers = []
    for index, site in enumerate(structure):
        species = site.species
        if len(species) > 1:
            raise StructureError("disorder", f"site {index + 1} is shared: {species}")
        specie, amount = next(iter(species.items()))
        if abs(amount - 1) > 1e-4:
            raise StructureError("partial_occupancy", f"site {index + 1}: {species}")
        number = getattr(specie, "Z", None)
        if not isinstance(number, int) or not 1 <= number <= len(SYMBOLS):
            raise StructureError("unknown_element", f"site {index + 1}: {specie}")
        numbers.append(number)
    lattice = np.array(structure.lattice.matrix, dtype=np.float64)
    return lattice, np.array(structure.frac_coords, np.float64), np.array(numbers, np.int64)


def canonical_gene(
    lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float = 0.01
) -> Gene:
    """The canonical gene of a cell given as arrays.

    A crystal at the very edge of the tolerance gains symmetry when it is rebuilt from its rounded
    gene, and rounding may make another triclinic cell the reduced one; then the rebuilt crystal's
    gene is taken, so that a gene's structure has that gene.

    Raises:
        StructureError: `not_finite`, `zero_volume`, `overlapping_atoms`, `symmetry_failed`.
    """
    if not (np.isfinite(lattice).all() and np.isfinite(positions).all()):
        raise StructureError("not_finite", "a coordinate is not a finite number")
    lengths = np.linalg.norm(lattice, axis=1)
    volume = abs(np.linalg.det(lattice))
    if volume < 1e-3 * max(1e-9, float(lengths.prod())) or volume < 0.1 * len(numbers):
        raise StructureError("zero_volume", f"{volume:.3g} A^3 for {len(numbers)} atoms")
    if _overlap(lattice, positions):
        raise StructureError("overlapping_atoms", f"two atoms within {OVERLAP} A")
    dataset = _dataset(lattice, positions, numbers, tolerance)
    passed: list[Gene] = []
    while True:
        gene = _gene_of(dataset)
        if gene in passed:  # a cycle, nearly always of one
            return min(passed[passed.index(gene) :], key=to_string)
        passed.append(gene)
        dataset = _dataset(*expand(gene), tolerance)
        if dataset.number == gene.space_group and gene.group.system != "triclinic":
            return gene


def _dataset(lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float) -> Any:
    """moyopy's symmetry search in the standard setting."""
    import moyopy

    cell = moyopy.Cell(lattice.tolist(), (positions % 1.0).tolist(), numbers.tolist())
    with _failures_told():
        return moyopy.MoyoDataset(cell, symprec=tolerance, setting=moyopy.Setting.standard())


@contextmanager
def _failures_told() -> Iterator[None]:
    """moyopy's failures as StructureError."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise StructureError("symmetry_failed", str(error)) from None
    except BaseException as error:
        # What Rust calls a panic is no Exception, and would end a whole run.
        if type(error).__name__ != "PanicException":
            raise
        raise StructureError("symmetry_failed", f"moyopy: {error}") from None


def _gene_of(dataset: Any) -> Gene:
    """The preferred description of what a symmetry search found."""
    with _failures_told():
        normaliser = dataset.normalizer_wyckoff_positions()
    group = space_group(dataset.number)
    standard = dataset.std_cell
    sites = _Sites(group, np.array(standard.positions), np.array(standard.numbers), normaliser)
    return Gene(
        group.number, sites.preferred(), lattice_parameters(group, np.array(standard.basis))
    )


def _overlap(lattice: Array, positions: Array) -> bool:
    """Whether two atoms (or an atom and its own image across a short edge) coincide."""
    difference = positions[:, None] - positions[None]
    difference -= np.rint(difference)
    distance = np.linalg.norm(difference @ lattice, axis=-1)
    np.fill_diagonal(distance, np.linalg.norm(lattice, axis=1).min())
    return bool((distance < OVERLAP).any())


def lattice_parameters(group: SpaceGroup, basis: Array) -> tuple[float, ...]:
    """Six conventional lattice parameters, rounded, exact where the crystal system fixes them."""
    lengths = np.linalg.norm(basis, axis=1)
    unit = basis / lengths[:, None]
    cosines = np.clip([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]], -1, 1)
    values = np.concatenate([lengths, np.degrees(np.arccos(cosines))])
    free = tuple(round(float(values[i]) + OFF_TIE, LATTICE_DECIMALS) for i in group.free_lattice)
    return group.complete_lattice(free)


class _Sites:
    """Inequivalent sites of a standard cell and the search for their preferred description."""

    def __init__(
        self, group: SpaceGroup, positions: Array, numbers: NDArray[np.int64], normaliser: Any
    ):
        self.group = group
        letters = [w.letter for w in normaliser.wyckoffs]
        chosen = _one_per_orbit(group, positions, numbers, letters)
        self.points = positions[chosen]
        self.numbers = numbers[chosen].tolist()
        best: list[tuple[int, int]] | None = None
        operations: list[tuple[Any, list[str]]] = []
        for operation, wyckoffs in normaliser.coset_representatives:
            assigned = [wyckoffs[i].letter for i in chosen]
            key = sorted((LETTERS.index(a), z) for a, z in zip(assigned, self.numbers, strict=True))
            if best is None or key < best:
                best, operations = key, []
            if key == best:
                operations.append((operation, assigned))
        self.representatives = operations
        stabiliser = _pack(normaliser.stabilizer)
        self.stabiliser = _modulo_group(group.number, stabiliser.tobytes())

    def preferred(self) -> tuple[Site, ...]:
        """The sites in the description of the highest preference."""
        placements = [
            ((self.points @ w.T + t) @ np.array(outer.linear, np.float64).T + outer.origin_shift, a)
            for outer, a in self.representatives
            for w, t in zip(*self.stabiliser, strict=True)
        ]
        by_letters: dict[tuple[str, ...], list[Array]] = {}
        for points, letters in placements:
            by_letters.setdefault(tuple(letters), []).append(points)
        found = [
            preferred_sites(self.group, np.array(points), letters, self.numbers)
            for letters, points in by_letters.items()
        ]
        return max(found, key=lambda f: f[0])[1]


def _one_per_orbit(
    group: SpaceGroup, positions: Array, numbers: NDArray[np.int64], letters: list[str]
) -> list[int]:
    """Index of one atom of each orbit of the standard cell."""
    classes: dict[tuple[str, int], list[int]] = {}
    for index, (letter, number) in enumerate(zip(letters, numbers.tolist(), strict=True)):
        classes.setdefault((letter, number), []).append(index)
    chosen = []
    for (letter, _), members in classes.items():
        left = members
        size = group.position(letter).multiplicity
        while left:
            chosen.append(left[0])
            if len(left) <= size:
                break
            images = group.general.linear @ positions[left[0]] + group.general.shift
            difference = positions[left][:, None] - images[None]
            difference -= np.rint(difference)
            distance = (difference**2).sum(axis=-1).min(axis=1)
            orbit = set(np.argsort(distance)[:size].tolist())
            left = [atom for place, atom in enumerate(left) if place not in orbit]
    return chosen


def _pack(operations: list[Any]) -> Array:
    """Affine operations as one array [n, 3, 4]."""
    linear = np.array([o.linear for o in operations], np.float64)
    shift = np.array([o.origin_shift for o in operations], np.float64)
    exact = np.rint(shift * 24) / 24  # as all but polar shifts are; rounding decimals spoils thirds
    shift = np.where(np.abs(shift - exact) < 1e-6, exact, shift)
    return np.concatenate([linear, shift[:, :, None]], axis=2)


@lru_cache(maxsize=4096)
def _modulo_group(number: int, packed: bytes) -> tuple[Array, Array]:
    """One normaliser operation of each coset of the space group, as linear parts and shifts."""
    operations = np.frombuffer(packed).reshape(-1, 3, 4)
    general = space_group(number).general
    kept, seen = [], set()
    for index, operation in enumerate(operations):
        linear = general.linear @ operation[:, :3]
        shift = (general.linear @ operation[:, 3] + general.shift) % 1.0
        shift = np.rint(shift * 1e3) % 1e3
        rows = np.concatenate([linear.reshape(-1, 9), shift], axis=1).astype(np.int64)
        key = min(map(tuple, rows.tolist()))
        if key not in seen:
            seen.add(key)
            kept.append(index)
    chosen = operations[kept]
    return chosen[:, :, :3].copy(), chosen[:, :, 3].copy()


def preferred_sites(
    group: SpaceGroup, images: Array, letters: Sequence[str], numbers: list[int]
) -> tuple[float, tuple[Site, ...]]:
    """The preferred description among K placements of the same sites.

    Args:
        images: one point of each site in each placement, [K, L, 3].
        letters: Wyckoff letter of each site, the same in all placements.

    Returns:
        its total preference and its sites, rounded and sorted.

    Raises:
        StructureError: `symmetry_failed`, if a point does not lie on its position.
    """
    kinds = [(LETTERS.index(a), z) for a, z in zip(letters, numbers, strict=True)]
    if group.polar.any():
        images = _anchored(group, images, kinds)
    ranks = {kind: rank for rank, kind in enumerate(sorted(set(kinds)))}
    total = np.zeros(len(images))
    columns = []
    for index, kind in enumerate(kinds):
        position = group.positions[kind[0]]
        parameters, preference = preferred_parameters(group, position, images[:, index])
        columns.append(parameters)
        total += preference * (1 + ranks[kind] * 0.618 % 1)
    best = int(total.argmax())
    rounded = [np.round(c[best] % 1.0 + OFF_TIE, PARAMETER_DECIMALS) % 1.0 for c in columns]
    sites = sorted((*kind, tuple(r.tolist())) for kind, r in zip(kinds, rounded, strict=True))
    return float(total[best]), tuple(Site(LETTERS[a], SYMBOLS[z - 1], p) for a, z, p in sites)


def _anchored(group: SpaceGroup, images: Array, kinds: list[tuple[int, int]]) -> Array:
    """Placements with each anchor site at the origin of the polar axes, [K', L, 3].

    Anchors are the sites of the rarest (then first) kind, in each of the places along the polar
    axes to which screws and glides take them.
    """
    kind = min(set(kinds), key=lambda k: (kinds.count(k), k))
    anchors = [i for i, k in enumerate(kinds) if k == kind]
    steps = np.unique(np.rint(24 * group.general.shift * group.polar), axis=0) / 24
    origins = (images[:, anchors] * group.polar)[:, :, None] + steps
    return (images[:, None, None] - origins[:, :, :, None]).reshape(-1, *images.shape[1:])


def preferred_parameters(
    group: SpaceGroup, position: WyckoffPosition, points: Array
) -> tuple[Array, Array]:
    """The preferred free parameters among a point's images that lie on the first operation.

    Args:
        points: one point per placement, [K, 3].

    Returns:
        parameters [K, F] and their preference [K].

    Raises:
        StructureError: `symmetry_failed`, if a point does not lie on the position.
    """
    count = len(points)
    if not position.free:
        return np.zeros((count, 0)), np.zeros(count)
    general = group.general
    images = np.einsum("nij,kj->kni", general.linear, points) + general.shift
    parameters = position.read(images)
    back = parameters @ position.linear[0][:, list(position.free)].T + position.shift[0]
    miss = back - images
    on = (np.abs(miss - np.rint(miss)) < ON_POSITION).all(axis=-1)
    if not on.any(axis=1).all():
        raise StructureError("symmetry_failed", f"no point on position {position.letter}")
    preferences = np.where(on, preference(parameters), -np.inf)
    rows, chosen = np.arange(count), preferences.argmax(axis=1)
    return parameters[rows, chosen], preferences[rows, chosen]


def preference(parameters: Array) -> Array:
    """A generic smooth function of period 1 in each of the parameters [..., F].

    The last term ties the coordinates of a site together: without it two sites that swap one
    coordinate would be preferred alike.
    """
    size = parameters.shape[-1]
    waves: Array = np.cos(2 * np.pi * (parameters - PHASES[:size])) @ WEIGHTS[:size]
    together: Array = np.cos(2 * np.pi * (parameters.sum(axis=-1) - 0.0817))
    return waves + 0.293 * together


def tidy(gene: Gene) -> Gene:
    """The gene with each site in its preferred image, rounded and sorted: no symmetry search."""
    group = gene.group
    points = np.array([group.position(s.letter).expand(s.parameters)[0] for s in gene.sites])
    kinds = [(s.letter, s.number) for s in gene.sites]
    _, sites = preferred_sites(group, points[None], [k[0] for k in kinds], [k[1] for k in kinds])
    free = tuple(round(gene.lattice[i], LATTICE_DECIMALS) for i in group.free_lattice)
    return Gene(gene.space_group, sites, group.complete_lattice(free))
