"""Space groups and their Wyckoff positions in the standard setting, from a table in the package.

Standard setting: unique axis b and cell choice 1 (monoclinic), hexagonal axes (rhombohedral),
origin choice 2; the same as moyopy's `Setting.standard()`. Needs numpy only, so that training
without any crystallographic library can use it. The table is made by
`nucleate_data.crystal_tables`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TABLE_PATH = Path(__file__).with_name("wyckoff.npz")
LETTERS = "abcdefghijklmnopqrstuvwxyzA"
"""Wyckoff letters in order; the 27th position of group 47 is written `A` (alpha in the Tables)."""

CENTRINGS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "P": ((0, 0, 0),),
    "A": ((0, 0, 0), (0, 0.5, 0.5)),
    "C": ((0, 0, 0), (0.5, 0.5, 0)),
    "I": ((0, 0, 0), (0.5, 0.5, 0.5)),
    "F": ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)),
    "R": ((0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3)),
}
"""Lattice points of the conventional cell by centring letter (R: obverse)."""

PRIMITIVE: dict[str, tuple[tuple[float, float, float], ...]] = {
    "P": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "A": ((1, 0, 0), (0, 0.5, -0.5), (0, 0.5, 0.5)),
    "C": ((0.5, 0.5, 0), (-0.5, 0.5, 0), (0, 0, 1)),
    "I": ((-0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.5, 0.5, -0.5)),
    "F": ((0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)),
    "R": ((2 / 3, 1 / 3, 1 / 3), (-1 / 3, 1 / 3, 1 / 3), (-1 / 3, -2 / 3, 1 / 3)),
}
"""Primitive basis vectors (rows) in the conventional basis, right-handed."""

LATTICE_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")
FREE_LATTICE: dict[str, tuple[int, ...]] = {
    "triclinic": (0, 1, 2, 3, 4, 5),
    "monoclinic": (0, 1, 2, 4),
    "orthorhombic": (0, 1, 2),
    "tetragonal": (0, 2),
    "trigonal": (0, 2),
    "hexagonal": (0, 2),
    "cubic": (0,),
}
"""Indices into `LATTICE_NAMES` that the crystal system leaves free."""


@dataclass(frozen=True, eq=False)
class WyckoffPosition:
    """One row of the Tables.

    Attributes:
        index: global number, 0..1730, groups ascending and letters ascending within a group.
        letter: Wyckoff letter.
        multiplicity: sites per conventional cell.
        primitive_multiplicity: sites per primitive cell; the first so many operations make it.
        linear: float64 [multiplicity, 3, 3], takes (x, y, z) to fractional coordinates.
        shift: float64 [multiplicity, 3].
        free: which of x, y, z (0, 1, 2) the first operation leaves free.
        rows: for each free variable, a coordinate of the first operation that is that variable
            alone plus a constant, so that it is read off without solving.
    """

    index: int
    letter: str
    multiplicity: int
    primitive_multiplicity: int
    linear: NDArray[np.float64]
    shift: NDArray[np.float64]
    free: tuple[int, ...]
    rows: tuple[int, ...]

    def expand(self, parameters: tuple[float, ...], primitive: bool = False) -> NDArray[np.float64]:
        """Fractional coordinates (conventional basis, not wrapped) of all sites, [n, 3]."""
        count = self.primitive_multiplicity if primitive else self.multiplicity
        point = np.zeros(3)
        point[list(self.free)] = parameters
        coordinates: NDArray[np.float64] = self.linear[:count] @ point + self.shift[:count]
        return coordinates

    def read(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Free parameters [..., F] of points [..., 3] that lie on the first operation."""
        rows = list(self.rows)
        parameters: NDArray[np.float64] = points[..., rows] - self.shift[0, rows]
        return parameters


@dataclass(frozen=True, eq=False)
class SpaceGroup:
    """A space group in the standard setting.

    Attributes:
        number: 1..230.
        symbol: short Hermann-Mauguin symbol, underscore before a screw's subscript.
        system: crystal system.
        centring: letter of `CENTRINGS`.
        positions: Wyckoff positions, 'a' first, the general position last.
        polar: bool [3], axes along which the origin is arbitrary.
    """

    number: int
    symbol: str
    system: str
    centring: str
    positions: tuple[WyckoffPosition, ...]
    polar: NDArray[np.bool_]

    @property
    def title(self) -> str:
        """Symbol and number: `Fm-3m (225)`."""
        return f"{self.symbol} ({self.number})"

    @property
    def general(self) -> WyckoffPosition:
        return self.positions[-1]

    @property
    def free_lattice(self) -> tuple[int, ...]:
        """Indices of the free lattice parameters among a, b, c, alpha, beta, gamma."""
        return FREE_LATTICE[self.system]

    def position(self, letter: str) -> WyckoffPosition:
        """The position of that letter.

        Raises:
            KeyError: the group has none.
        """
        index = LETTERS.find(letter)
        if len(letter) != 1 or not 0 <= index < len(self.positions):
            raise KeyError(letter)
        return self.positions[index]

    def complete_lattice(self, free: tuple[float, ...]) -> tuple[float, ...]:
        """All six lattice parameters from the free ones, in the order of `free_lattice`."""
        a, b, c, alpha, beta, gamma = 0.0, 0.0, 0.0, 90.0, 90.0, 90.0
        if self.system in ("trigonal", "hexagonal"):
            gamma = 120.0
        values = [a, b, c, alpha, beta, gamma]
        for index, value in zip(self.free_lattice, free, strict=True):
            values[index] = value
        if 1 not in self.free_lattice:
            values[1] = values[0]
        if 2 not in self.free_lattice:
            values[2] = values[0]
        return tuple(values)


@cache
def table() -> dict[str, NDArray[Any]]:
    """The raw table: arrays over all operations, positions and groups (see `tables.build`)."""
    with np.load(TABLE_PATH, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@cache
def _starts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First operation of each position [1732], first position of each group [231]."""
    data = table()
    operations = np.concatenate([[0], np.cumsum(data["multiplicity"], dtype=np.int64)])
    groups = np.searchsorted(data["group"], np.arange(1, 232)).astype(np.int64)
    return operations, groups


def group_starts() -> NDArray[np.int64]:
    """Global index of each group's position 'a'; entry 230 is the number of positions."""
    return _starts()[1]


@cache
def space_group(number: int) -> SpaceGroup:
    """The space group of that number.

    Raises:
        ValueError: not 1..230.
    """
    if not 1 <= number <= 230:
        raise ValueError(f"no space group {number}")
    data = table()
    operation_starts, starts = _starts()
    centring = str(data["centring"][number - 1])
    order = len(CENTRINGS[centring])
    positions = []
    for index in range(starts[number - 1], starts[number]):
        span = slice(operation_starts[index], operation_starts[index + 1])
        linear = data["linear"][span].astype(np.float64)
        shift = data["shift"][span] / 24
        free = tuple(j for j in range(3) if linear[0, :, j].any())
        rows = tuple(_reading_row(linear[0], j) for j in free)
        letter = LETTERS[index - starts[number - 1]]
        count = len(linear)
        positions.append(
            WyckoffPosition(int(index), letter, count, count // order, linear, shift, free, rows)
        )
    general = positions[-1].linear
    polar = (general == np.eye(3)).all(axis=(0, 1))
    symbol, system = str(data["symbol"][number - 1]), str(data["system"][number - 1])
    return SpaceGroup(number, symbol, system, centring, tuple(positions), polar)


def _reading_row(linear: NDArray[np.float64], variable: int) -> int:
    unit = np.eye(3)[variable]
    return int(np.flatnonzero((linear == unit).all(axis=1))[0])


def lattice_matrix(parameters: tuple[float, ...]) -> NDArray[np.float64]:
    """Basis vectors (rows, angstrom) of six lattice parameters: a along x, b in the xy plane.

    Raises:
        ValueError: the angles span no positive volume.
    """
    a, b, c = parameters[:3]
    cos_a, cos_b, cos_g = np.cos(np.radians(parameters[3:]))
    sin_g = np.sin(np.radians(parameters[5]))
    square = volume_factor(parameters[3:]) ** 2
    if not (min(a, b, c) > 0 and square > 1e-8 and sin_g > 1e-4):
        raise ValueError(f"lattice parameters {parameters} span no volume")
    matrix = np.array(
        [
            [a, 0.0, 0.0],
            [b * cos_g, b * sin_g, 0.0],
            [c * cos_b, c * (cos_a - cos_b * cos_g) / sin_g, c * np.sqrt(square) / sin_g],
        ]
    )
    matrix[np.abs(matrix) < 1e-12] = 0.0
    return matrix


def volume_factor(angles: tuple[float, ...]) -> float:
    """Volume of the cell of unit edges with these angles (degrees); 0 if there is none."""
    cos = np.cos(np.radians(angles))
    return float(np.sqrt(max(0.0, 1 - (cos**2).sum() + 2 * cos.prod())))
