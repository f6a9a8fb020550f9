"""Euclidean normalisers of the space groups: which descriptions of a crystal are equally good.

The normaliser of a group holds the changes of origin and of axes that leave the group's operations
as they are (*International Tables A*, chapter 3.5). It depends on the lattice: equal edges, say,
allow more. For lattices that have no more symmetry than their crystal system asks of them the
normalisers lie in `normalisers.npz`, one operation of each coset of the space group, the free
shifts of polar groups left out, made from moyopy's by `nucleate_data.crystal_tables`. Monoclinic
and triclinic lattices have no such common normaliser, since their angles are free.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.wyckoff.symmetry import LETTERS, SpaceGroup, space_group

TABLE_PATH = Path(__file__).with_name("normalisers.npz")
DENOMINATOR = 24
SPECIAL = 0.03
"""Relative difference of an axis ratio from a special one below which a lattice is not generic.
Far wider than any tolerance of a symmetry search."""

_SQUARE_ROOTS = {name: float(np.sqrt(value)) for name, value in (("2", 2), ("3", 3), ("6", 6))}
_TETRAGONAL = {"P": (1.0,), "I": (1.0, _SQUARE_ROOTS["2"])}
"""c/a at which a tetragonal lattice is cubic."""
_RHOMBOHEDRAL = (_SQUARE_ROOTS["6"], _SQUARE_ROOTS["6"] / 2, _SQUARE_ROOTS["6"] / 4)
"""c/a in hexagonal axes at which a rhombohedral lattice is cubic (F, P, I)."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Operations of a normaliser, one of each coset of its space group.

    Attributes:
        linear: [K, 3, 3], x' = linear x + shift.
        shift: [K, 3].
        letters: int64 [K, P], to which position (by its place in the group) each operation takes
            each of the P positions.
    """

    linear: Array
    shift: Array
    letters: NDArray[np.int64]


def is_generic(group: SpaceGroup, lattice: tuple[float, ...]) -> bool:
    """Whether a lattice surely has no more symmetry than the crystal system's.

    Args:
        lattice: conventional a, b, c (angstrom), alpha, beta, gamma (degrees).
    """
    a, b, c = lattice[:3]
    if group.system in ("cubic", "hexagonal"):
        return True
    if group.system == "trigonal":
        return group.centring == "P" or not _near(c / a, _RHOMBOHEDRAL)
    if group.system == "tetragonal":
        return not _near(c / a, _TETRAGONAL[group.centring])
    if group.system == "orthorhombic":
        ratios = [a / b, b / c, c / a]
        if any(_near(ratio, (1.0,)) for ratio in ratios):
            return False
        centred = {"C": 0, "A": 1}.get(group.centring)
        root = _SQUARE_ROOTS["3"]
        return centred is None or not _near(ratios[centred], (root, 1 / root))
    return False


def _near(ratio: float, special: tuple[float, ...]) -> bool:
    return any(abs(ratio / value - 1) < SPECIAL for value in special)


@cache
def _table() -> dict[str, NDArray[Any]]:
    with np.load(TABLE_PATH, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@cache
def generic_normaliser(number: int) -> Normaliser:
    """The normaliser of a space group for lattices for which `is_generic` holds.

    Raises:
        ValueError: the group is triclinic or monoclinic.
    """
    table = _table()
    rows = table["group"] == number
    if not rows.any():
        raise ValueError(f"group {number} has no normaliser that all its lattices share")
    linear = table["linear"][rows].astype(np.float64)
    shift = table["shift"][rows] / DENOMINATOR
    return Normaliser(linear, shift, _permutations(space_group(number), linear, shift))


def _permutations(group: SpaceGroup, linear: Array, shift: Array) -> NDArray[np.int64]:
    """To which position each operation takes a point of each position, [K, P]."""
    generic = (0.1371, 0.2293, 0.3119)
    letters = np.empty((len(linear), len(group.positions)), np.int64)
    for place, position in enumerate(group.positions):
        point = position.expand(generic[: len(position.free)])[0]
        letters[:, place] = [place_of(group, point, place) for point in linear @ point + shift]
    return letters


def place_of(group: SpaceGroup, point: Array, like: int) -> int:
    """Which position a point lies on, among those of the multiplicity and freedom of one of them.

    Raises:
        ValueError: none of them.
    """
    model = group.positions[like]
    for place, position in enumerate(group.positions):
        if (position.multiplicity, len(position.free)) != (model.multiplicity, len(model.free)):
            continue
        images = group.general.linear @ point + group.general.shift
        back = position.read(images) @ position.linear[0][:, list(position.free)].T
        miss = back + position.shift[0] - images
        if (np.abs(miss - np.rint(miss)) < 1e-6).all(axis=-1).any():
            return place
    raise ValueError(f"{point} lies on no position like {LETTERS[like]} of group {group.number}")


def pack_operations(operations: list[Any]) -> Array:
    """moyopy's affine operations as one array [n, 3, 4]."""
    linear = np.array([o.linear for o in operations], np.float64)
    shift = np.array([o.origin_shift for o in operations], np.float64)
    # As all but polar shifts are; rounding decimals spoils thirds.
    exact = np.rint(shift * DENOMINATOR) / DENOMINATOR
    shift = np.where(np.abs(shift - exact) < 1e-6, exact, shift)
    return np.concatenate([linear, shift[:, :, None]], axis=2)


@lru_cache(maxsize=4096)
def modulo_group(number: int, operations: bytes) -> tuple[Array, Array]:
    """One operation of each coset of the space group, as linear parts [K, 3, 3] and shifts [K, 3].

    Args:
        operations: bytes of a float64 array [n, 3, 4].
    """
    found = np.frombuffer(operations).reshape(-1, 3, 4)
    general = space_group(number).general
    kept, seen = [], set()
    for index, operation in enumerate(found):
        linear = general.linear @ operation[:, :3]
        shift = (general.linear @ operation[:, 3] + general.shift) % 1.0
        shift = np.rint(shift * 1e3) % 1e3
        rows = np.concatenate([linear.reshape(-1, 9), shift], axis=1).astype(np.int64)
        key = min(map(tuple, rows.tolist()))
        if key not in seen:
            seen.add(key)
            kept.append(index)
    chosen = found[kept]
    return chosen[:, :, :3].copy(), chosen[:, :, 3].copy()
