"""The canonical description of a structure.

moyopy finds the space group and the standard cell. That cell still depends on the origin and on
the axes chosen among those which the group's normaliser allows, so the same crystal would get many
descriptions. Here all of them are compared and one is taken (Parthe & Gelato 1984 had the same
aim): first the least list of (letter, atomic number) over the Euclidean normaliser, then, over what
fixes that list and with the origin of polar groups put on a site, the preferred coordinates (see
`preferred_setting`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.wyckoff.normaliser import (
    generic_normaliser,
    is_generic,
    modulo_group,
    pack_operations,
)
from nucleate.crystals.wyckoff.preferred_setting import OFF_TIE, preferred_sites
from nucleate.crystals.wyckoff.symmetry import LETTERS, SpaceGroup, space_group
from nucleate.crystals.wyckoff.wyckoff_string import (
    LATTICE_DECIMALS,
    WyckoffStructure,
    expand,
    to_string,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

logging.getLogger("moyo").setLevel(logging.ERROR)  # it remarks on every centred input cell

Array = NDArray[np.float64]
Arrays = tuple[Array, Array, NDArray[np.int64]]
Placements = dict[tuple[str, ...], Array]

FLAT = 1e-5
"""Volume over the product of the edges below which a cell is no cell. Long crystals (polytypes of
layers) in skewed cells come to 1e-4."""
LONGEST = 1000
"""Angstrom; the symmetry search of a cell that is some 100,000 times as long as wide never ends."""
LOOSER = (1.01, 1.03, 1.1, 1.3)
"""Times the tolerance, to find symmetry at its edge."""
OVERLAP = 0.1
"""Angstrom; atoms this close are the same one written twice, or nonsense."""


def wyckoff_from_structure(structure: Structure, tolerance: float = 0.01) -> WyckoffStructure:
    """The canonical description: the same for any cell, origin, orientation and order of atoms.

    A chiral crystal and its mirror image share a description, unless their space groups differ.

    Args:
        structure: ordered pymatgen structure.
        tolerance: of the symmetry search, angstrom.

    Raises:
        StructureError: `partial_occupancy`, `disorder`, `unknown_element`, `not_finite`,
            `zero_volume`, `empty`, `overlapping_atoms`, `symmetry_failed`.
    """
    return canonical_wyckoff(*arrays_of(structure), tolerance)


def arrays_of(structure: Structure) -> Arrays:
    """Lattice (rows, angstrom), fractional coordinates and atomic numbers of an ordered structure.

    Raises:
        StructureError: see `wyckoff_from_structure`.
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


def canonical_wyckoff(
    lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float = 0.01
) -> WyckoffStructure:
    """The canonical description of a cell given as arrays.

    A crystal at the very edge of the tolerance gains symmetry when it is rebuilt from its rounded
    description, and rounding may make another triclinic cell the reduced one; then that of the
    rebuilt crystal is taken, so that a description's structure has that description.

    Raises:
        StructureError: `not_finite`, `zero_volume`, `too_long_cell`, `overlapping_atoms`,
            `symmetry_failed`.
    """
    if not (np.isfinite(lattice).all() and np.isfinite(positions).all()):
        raise StructureError("not_finite", "a coordinate is not a finite number")
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers that no cell has
        lengths = np.linalg.norm(lattice, axis=1)
        volume = abs(np.linalg.det(lattice))
    if volume < FLAT * max(1e-9, float(lengths.prod())) or volume < 0.1 * len(numbers):
        raise StructureError("zero_volume", f"{volume:.3g} A^3 for {len(numbers)} atoms")
    if lengths.max() > LONGEST:
        raise StructureError(
            "too_long_cell", f"an edge of {lengths.max():,.0f} A, at most {LONGEST}"
        )
    if _overlap(lattice, positions):
        raise StructureError("overlapping_atoms", f"two atoms within {OVERLAP} A")
    dataset = symmetry_dataset(lattice, positions, numbers, tolerance)
    passed: list[WyckoffStructure] = []
    while True:
        gene = _preferred_description(dataset)
        if gene in passed:  # a cycle, nearly always of one
            return min(passed[passed.index(gene) :], key=to_string)
        passed.append(gene)
        again = expand(gene)
        if _overlap(*again[:2]):  # by rounding
            raise StructureError("overlapping_atoms", f"two atoms within {OVERLAP} A")
        rebuilt = symmetry_dataset(*again, tolerance)
        if rebuilt.number == gene.space_group and gene.group.system != "triclinic":
            return gene
        dataset = rebuilt
        if rebuilt.number != gene.space_group:
            cell = (lattice, positions, numbers)
            dataset = _search_for(rebuilt.number, cell, tolerance) or rebuilt


def _search_for(number: int, cell: Arrays, tolerance: float) -> Any | None:
    """The symmetry search of the crystal as it came, at the least tolerance that finds this group.

    At the edge of the tolerance it depends on the cell, or on rounding, whether all symmetry is
    found; but not what it makes of the coordinates, if it is found in the same ones.
    """
    for factor in LOOSER:
        dataset = symmetry_dataset(*cell, tolerance * factor)
        if dataset.number == number:
            return dataset
    return None


def symmetry_dataset(
    lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float
) -> Any:
    """moyopy's symmetry search in the standard setting.

    Raises:
        StructureError: `symmetry_failed`.
    """
    import moyopy

    cell = moyopy.Cell(lattice.tolist(), (positions % 1.0).tolist(), numbers.tolist())
    with _as_structure_errors():
        return moyopy.MoyoDataset(cell, symprec=tolerance, setting=moyopy.Setting.standard())


@contextmanager
def _as_structure_errors() -> Iterator[None]:
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


def _preferred_description(dataset: Any) -> WyckoffStructure:
    """The preferred description of what a symmetry search found."""
    group = space_group(dataset.number)
    lattice = lattice_parameters(group, np.array(dataset.std_cell.basis))
    if is_generic(group, lattice):
        placements, numbers = _generic_placements(group, dataset)
    else:
        placements, numbers = _special_placements(group, dataset)
    found = [
        preferred_sites(group, points, letters, numbers) for letters, points in placements.items()
    ]
    return WyckoffStructure(group.number, max(found, key=lambda f: f[0])[1], lattice)


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


def _generic_placements(group: SpaceGroup, dataset: Any) -> tuple[Placements, list[int]]:
    """Descriptions with the least letters, by a normaliser from the table.

    Returns:
        points [K, L, 3] of the L inequivalent sites by their Wyckoff letters, and the sites'
        atomic numbers.
    """
    orbits = np.array(dataset.orbits)
    first = np.flatnonzero(orbits == np.arange(len(orbits)))
    primitive = dataset.prim_std_cell
    rows = np.array(dataset.mapping_std_prim)[first]
    change = np.array(primitive.basis) @ np.linalg.inv(np.array(dataset.std_cell.basis))
    points = np.array(primitive.positions)[rows] @ (np.rint(change * 6) / 6)
    numbers = np.array(primitive.numbers)[rows]
    letters = np.array([LETTERS.index(dataset.wyckoffs[i]) for i in first])
    normaliser = generic_normaliser(group.number)
    assigned = normaliser.letters[:, letters]  # K x L
    kinds = np.sort(assigned * 128 + numbers, axis=1).tolist()
    least = min(kinds)
    kept = [index for index, kind in enumerate(kinds) if kind == least]
    images = np.einsum("kij,lj->kli", normaliser.linear[kept], points)
    images += normaliser.shift[kept][:, None]
    by_letters: dict[tuple[str, ...], list[Array]] = {}
    for image, places in zip(images, assigned[kept].tolist(), strict=True):
        by_letters.setdefault(tuple(LETTERS[p] for p in places), []).append(image)
    return {key: np.array(group) for key, group in by_letters.items()}, numbers.tolist()


def _special_placements(group: SpaceGroup, dataset: Any) -> tuple[Placements, list[int]]:
    """Descriptions with the least letters, by the normaliser that moyopy finds for this lattice.

    Returns:
        see `_generic_placements`.
    """
    with _as_structure_errors():
        normaliser = dataset.normalizer_wyckoff_positions()
    positions = np.array(dataset.std_cell.positions)
    all_numbers = np.array(dataset.std_cell.numbers)
    chosen = _one_per_orbit(group, positions, all_numbers, [w.letter for w in normaliser.wyckoffs])
    numbers = all_numbers[chosen].tolist()
    best: list[tuple[int, int]] | None = None
    representatives: list[tuple[Any, tuple[str, ...]]] = []
    for operation, wyckoffs in normaliser.coset_representatives:
        letters = tuple(wyckoffs[i].letter for i in chosen)
        key = sorted((LETTERS.index(a), z) for a, z in zip(letters, numbers, strict=True))
        if best is None or key < best:
            best, representatives = key, []
        if key == best:
            representatives.append((operation, letters))
    linear, shift = modulo_group(
        group.number, pack_operations(list(normaliser.stabilizer)).tobytes()
    )
    moved = np.einsum("kij,lj->kli", linear, positions[chosen]) + shift[:, None]
    by_letters: dict[tuple[str, ...], list[Array]] = {}
    for outer, letters in representatives:
        images = moved @ np.array(outer.linear, np.float64).T + outer.origin_shift
        by_letters.setdefault(letters, []).append(images)
    return {key: np.concatenate(parts) for key, parts in by_letters.items()}, numbers


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
