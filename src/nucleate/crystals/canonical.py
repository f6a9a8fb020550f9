"""The canonical gene of a structure.

moyopy finds the space group and the standard cell. That cell still depends on the origin and on
the axes chosen among those which the group's normaliser allows, so the same crystal would get
many genes. Here all of them are compared and the least is taken (Parthe & Gelato 1984 had the
same aim): first the least list of (letter, atomic number) over the coset representatives of the
Euclidean normaliser, then the least coordinates over what fixes that list, with the origin of
polar groups put on a site.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.gene import LATTICE_DECIMALS, PARAMETER_DECIMALS, Gene, Site, expand
from nucleate.crystals.symmetry import LETTERS, SpaceGroup, WyckoffPosition, space_group
from nucleate.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

Array = NDArray[np.float64]
Arrays = tuple[Array, Array, NDArray[np.int64]]

WRAP = 1e-4
"""Coordinates this little below a whole number count as zero."""
ON_POSITION = 2e-3
"""Fractional distance within which a standardised point lies on a Wyckoff position."""
OFF_TIE = 1.3e-8
"""Added before rounding: published coordinates end in a 5 so often that ties must not be decided by
the last bit."""
COARSE, FINE = 1e3, 1e5
"""Bins per cell edge. Coordinates are compared in coarse bins first, so that numerical noise does
not decide; multiples of 1/24 lie well inside a bin."""
NEVER = np.iinfo(np.int64).max


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
    gene; then the rebuilt crystal's gene is taken, so that a gene's structure has that gene.

    Raises:
        StructureError: `not_finite`, `zero_volume`, `overlapping_atoms`, `symmetry_failed`.
    """
    if not (np.isfinite(lattice).all() and np.isfinite(positions).all()):
        raise StructureError("not_finite", "a coordinate is not a finite number")
    lengths = np.linalg.norm(lattice, axis=1)
    volume = abs(np.linalg.det(lattice))
    if volume < 1e-3 * max(1e-9, float(lengths.prod())) or volume < 0.1 * len(numbers):
        raise StructureError("zero_volume", f"{volume:.3g} A^3 for {len(numbers)} atoms")
    dataset = _dataset(lattice, positions, numbers, tolerance)
    for _ in range(3):
        gene = _gene_of(dataset)
        dataset = _dataset(*expand(gene), tolerance)
        if dataset.number == gene.space_group:
            break
    return gene


def _dataset(lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float) -> Any:
    """moyopy's symmetry search in the standard setting."""
    import moyopy

    cell = moyopy.Cell(lattice.tolist(), (positions % 1.0).tolist(), numbers.tolist())
    try:
        return moyopy.MoyoDataset(cell, symprec=tolerance, setting=moyopy.Setting.standard())
    except (ValueError, RuntimeError) as error:
        if _overlap(lattice, positions, tolerance):
            raise StructureError("overlapping_atoms", "two atoms coincide") from None
        raise StructureError("symmetry_failed", str(error)) from None


def _gene_of(dataset: Any) -> Gene:
    """The least description of what a symmetry search found."""
    try:
        normaliser = dataset.normalizer_wyckoff_positions()
    except (ValueError, RuntimeError) as error:
        raise StructureError("symmetry_failed", str(error)) from None
    group = space_group(dataset.number)
    standard = dataset.std_cell
    sites = _Sites(group, np.array(standard.positions), np.array(standard.numbers), normaliser)
    return Gene(group.number, sites.least(), lattice_parameters(group, np.array(standard.basis)))


def _overlap(lattice: Array, positions: Array, tolerance: float) -> bool:
    difference = positions[:, None] - positions[None]
    difference -= np.rint(difference)
    distance = np.linalg.norm(difference @ lattice, axis=-1)
    np.fill_diagonal(distance, np.inf)
    return bool((distance < 4 * tolerance).any())


def lattice_parameters(group: SpaceGroup, basis: Array) -> tuple[float, ...]:
    """Six conventional lattice parameters, rounded, exact where the crystal system fixes them."""
    lengths = np.linalg.norm(basis, axis=1)
    unit = basis / lengths[:, None]
    cosines = np.clip([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]], -1, 1)
    values = np.concatenate([lengths, np.degrees(np.arccos(cosines))])
    free = tuple(round(float(values[i]) + OFF_TIE, LATTICE_DECIMALS) for i in group.free_lattice)
    return group.complete_lattice(free)


class _Sites:
    """Inequivalent sites of a standard cell and the search for their least description."""

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

    def least(self) -> tuple[Site, ...]:
        """Sites with the least sorted parameters over all equivalent descriptions."""
        best: tuple[Any, tuple[Site, ...]] | None = None
        for operation, letters in self.representatives:
            outer = np.array(operation.linear, np.float64)
            shift = np.array(operation.origin_shift)
            inner = self.points @ self.stabiliser[0].transpose(0, 2, 1)
            images = (inner + self.stabiliser[1][:, None]) @ outer.T + shift  # K x L x 3
            found = least_sites(self.group, images, letters, self.numbers)
            if best is None or found[0] < best[0]:
                best = found
        if best is None:
            raise StructureError("symmetry_failed", "the normaliser is empty")
        return best[1]


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
    return np.concatenate([linear, shift[:, :, None]], axis=2).round(6)


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


def least_sites(
    group: SpaceGroup, images: Array, letters: list[str], numbers: list[int]
) -> tuple[Any, tuple[Site, ...]]:
    """The least description among K placements of the same sites.

    Args:
        images: one point of each site in each placement, [K, L, 3].
        letters: Wyckoff letter of each site, the same in all placements.

    Returns:
        a sortable key (smaller is better) and the sorted sites.
    """
    if group.polar.any():
        images = _anchored(group, images, letters, numbers)
    columns = [
        least_parameters(group, group.position(letter), images[:, index])
        for index, letter in enumerate(letters)
    ]
    order = [(LETTERS.index(a), z) for a, z in zip(letters, numbers, strict=True)]
    best: tuple[Any, list[tuple[Any, ...]]] | None = None
    for k in range(len(images)):
        sites = sorted(
            (*order[i], int(column[1][k]), int(column[2][k]), i) for i, column in enumerate(columns)
        )
        key = ([s[2] for s in sites], [s[3] for s in sites])
        if best is None or key < best[0]:
            best = (key, [(*s, k) for s in sites])
    if best is None:
        raise StructureError("symmetry_failed", "no placement")
    chosen = []
    for place, number, _, _, index, k in best[1]:
        rounded = np.round(columns[index][0][k] + OFF_TIE, PARAMETER_DECIMALS) % 1.0
        chosen.append(Site(LETTERS[place], SYMBOLS[number - 1], tuple(rounded.tolist())))
    return best[0], tuple(chosen)


def _anchored(group: SpaceGroup, images: Array, letters: list[str], numbers: list[int]) -> Array:
    """Placements with each image of an anchor site at the origin of the polar axes, [K', L, 3].

    Anchors are the sites of the rarest (then first) kind.
    """
    kinds = [(LETTERS.index(a), z) for a, z in zip(letters, numbers, strict=True)]
    kind = min(set(kinds), key=lambda k: (kinds.count(k), k))
    anchors = [i for i, k in enumerate(kinds) if k == kind]
    general = group.general
    orbit = np.einsum("nij,kaj->kani", general.linear, images[:, anchors]) + general.shift
    origins = np.where(group.polar, orbit % 1.0, 0.0).reshape(len(images), -1, 3)
    out = []
    for placement, shifts in zip(images, origins, strict=True):
        bins = np.rint(shifts * COARSE) % COARSE
        _, first = np.unique(bins, axis=0, return_index=True)
        out.append(placement[None] - shifts[first][:, None])
    return np.concatenate(out)


def least_parameters(
    group: SpaceGroup, position: WyckoffPosition, points: Array
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """The least free parameters among a point's images that lie on the first operation.

    Args:
        points: one point per placement, [K, 3].

    Returns:
        parameters [K, F], and their keys in coarse and in fine bins, [K].

    Raises:
        StructureError: `symmetry_failed`, if a point does not lie on the position.
    """
    count = len(points)
    if not position.free:
        zeros = np.zeros(count, np.int64)
        return np.zeros((count, 0)), zeros, zeros
    general = group.general
    images = np.einsum("nij,kj->kni", general.linear, points) + general.shift
    parameters = position.read(images)
    back = parameters @ position.linear[0][:, list(position.free)].T + position.shift[0]
    miss = back - images
    on = (np.abs(miss - np.rint(miss)) < ON_POSITION).all(axis=-1)
    if not on.any(axis=1).all():
        raise StructureError("symmetry_failed", f"no point on position {position.letter}")
    parameters = (parameters + WRAP) % 1.0 - WRAP
    coarse = np.where(on, _key(parameters, COARSE), NEVER)
    least = coarse.min(axis=1)
    fine = np.where(coarse == least[:, None], _key(parameters, FINE), NEVER)
    chosen = fine.argmin(axis=1)
    rows = np.arange(count)
    return parameters[rows, chosen], least, fine[rows, chosen]


def _key(parameters: Array, bins: float) -> NDArray[np.int64]:
    """Parameters [..., F] as one integer that sorts like the tuple of their bins."""
    base = int(bins) * 2
    key = np.zeros(parameters.shape[:-1], np.int64)
    for column in range(parameters.shape[-1]):
        key = key * base + np.maximum(np.rint(parameters[..., column] * bins), 0).astype(np.int64)
    return key
