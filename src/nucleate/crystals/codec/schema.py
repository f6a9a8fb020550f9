"""The schema of crystals: which fields a crystal becomes, and their fixed descriptors.

numpy only, so that training needs no crystallographic library.

Once: `space_group` (number - 1) and `lattice` (six numbers: log volume per atom, log b/a, log c/a,
and log(angle / (180 - angle)) of alpha, beta, gamma, each less its mean over its spread in the
training set; NaN where the crystal system fixes it). Step, one per occupied Wyckoff position:
`wyckoff_position` (0 stops, else 1 + its global index), `element` (atomic number - 1), and the free
parameters under the names of their variables in the position's first operation: `x`, `y`, `z`,
period 1, NaN where that variable is not free. Auxiliary: the property columns of `MEASURED`, NaN
where a structure has no such label.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals import elements
from nucleate.crystals.wyckoff.symmetry import (
    CENTRINGS,
    FREE_LATTICE,
    LETTERS,
    group_starts,
    space_group,
    volume_factor,
)
from nucleate.vae.schema import Field, Schema

AXES = ("x", "y", "z")
MEASURED = {"formation_energy_per_atom": "eV/atom", "band_gap": "eV"}
"""Property columns that the latent vector shall tell, and their units."""
RATIO_LIMIT = np.log(30.0)
ANGLE_LIMIT = np.log(150 / 30)
VOLUME_LIMITS = np.log([2.0, 500.0])


def free_components(system: str) -> tuple[int, ...]:
    """Which of the six lattice numbers a crystal system leaves free."""
    return tuple(sorted({0} | {i for i in FREE_LATTICE[system] if i > 0}))


@cache
def position_table() -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Atoms in the primitive cell [1732] and which of x, y, z are free [1732, 3], of stop (0,
    none) and the Wyckoff positions."""
    positions = [p for number in range(1, 231) for p in space_group(number).positions]
    free = np.zeros((len(positions) + 1, 3), bool)
    for row, position in enumerate(positions, start=1):
        free[row, list(position.free)] = True
    return np.array([0, *(p.primitive_multiplicity for p in positions)]), free


@cache
def lattice_table() -> NDArray[np.bool_]:
    """Which of the six lattice numbers each space group leaves free, [230, 6]."""
    free = np.zeros((230, 6), bool)
    for number in range(1, 231):
        free[number - 1, list(free_components(space_group(number).system))] = True
    return free


def lattice_components(lattice: tuple[float, ...], atoms: int, system: str) -> NDArray[np.float64]:
    """The six numbers, not normalised, of conventional lattice parameters.

    Args:
        atoms: in the conventional cell.
    """
    a, b, c = lattice[:3]
    angles = np.array(lattice[3:])
    volume = a * b * c * volume_factor(lattice[3:])
    values = np.array(
        [np.log(volume / atoms), np.log(b / a), np.log(c / a), *np.log(angles / (180 - angles))]
    )
    fixed = np.ones(6, bool)
    fixed[list(free_components(system))] = False
    values[fixed] = np.nan
    return values


def lattice_from_components(
    values: NDArray[np.float64], atoms: int, number: int
) -> tuple[float, ...]:
    """Conventional lattice parameters of the six numbers; always of positive volume.

    Values beyond any crystal are brought back: volume per atom to 2..500 cubic angstrom, axis
    ratios to a factor of 30, angles to 30..150 degrees; three angles that close no cell are drawn
    together towards 90 degrees until they do.
    """
    limits = [RATIO_LIMIT, RATIO_LIMIT, ANGLE_LIMIT, ANGLE_LIMIT, ANGLE_LIMIT]
    log_volume = np.clip(values[0], *VOLUME_LIMITS)
    rest = np.clip(np.nan_to_num(values[1:]), np.negative(limits), limits)
    angles = 180 / (1 + np.exp(-rest[2:]))
    group = space_group(number)
    while volume_factor(tuple(angles)) < 0.1:
        angles = 90 + 0.9 * (angles - 90)
    free = {1: np.exp(rest[0]), 2: np.exp(rest[1]), 3: angles[0], 4: angles[1], 5: angles[2]}
    unit = group.complete_lattice(
        tuple(1.0 if i == 0 else float(free[i]) for i in group.free_lattice)
    )
    volume = unit[0] * unit[1] * unit[2] * volume_factor(unit[3:])
    a = float((np.exp(log_volume) * atoms / volume) ** (1 / 3))
    return (a * unit[0], a * unit[1], a * unit[2], *unit[3:])


@cache
def group_features() -> NDArray[np.float32]:
    """Descriptors of the 230 groups: crystal system, centring, polar axes, size and freedom."""
    systems, centrings = list(FREE_LATTICE), list(CENTRINGS)
    rows = []
    for number in range(1, 231):
        group = space_group(number)
        general = group.general
        inversion = (general.linear == -np.eye(3)).all(axis=(1, 2)).any()
        mirror = bool((np.linalg.det(general.linear) < 0).any())
        rows.append(
            [
                *(float(group.system == s) for s in systems),
                *(float(group.centring == c) for c in centrings),
                *group.polar.astype(float),
                float(inversion),
                float(mirror),
                np.log(general.primitive_multiplicity) / 3,
                np.log(len(group.positions)) / 3,
            ]
        )
    return np.array(rows, np.float32)


@cache
def position_features() -> NDArray[np.float32]:
    """Descriptors of stop and the 1,731 Wyckoff positions.

    The first operation's linear part and shift (12), log multiplicities (conventional, primitive),
    which variables are free (3) and how many (one-hot 4), place of the letter, and whether it is
    stop. Stop has zeros elsewhere.
    """
    rows = []
    for number in range(1, 231):
        group = space_group(number)
        for place, position in enumerate(group.positions):
            rows.append(
                [
                    *position.linear[0].ravel(),
                    *position.shift[0],
                    np.log(position.multiplicity) / 3,
                    np.log(position.primitive_multiplicity) / 3,
                    *(float(axis in position.free) for axis in range(3)),
                    *(float(len(position.free) == n) for n in range(4)),
                    place / len(LETTERS),
                    0.0,
                ]
            )
    stop = np.zeros((1, len(rows[0])))
    stop[0, -1] = 1.0
    return np.concatenate([stop, np.array(rows)]).astype(np.float32)


def build_schema(
    maximum_sites: int,
    maximum_atoms: int,
    noble_gases: bool,
    mean: list[float],
    spread: list[float],
) -> Schema:
    """The schema, with all that masks and augmentation need among its options.

    Args:
        maximum_atoms: in the primitive cell.
        mean: of the six lattice numbers, so that stored = (number - mean) / spread.
    """
    options: dict[str, Any] = {
        "maximum_atoms": maximum_atoms,
        "noble_gases": noble_gases,
        "lattice_mean": mean,
        "lattice_spread": spread,
    }
    return Schema(
        matter="crystals",
        once=(
            Field("space_group", "categorical", 230, group_features()),
            Field("lattice", "gaussian_mixture", 6),
        ),
        step=(
            Field(
                "wyckoff_position", "categorical", 1 + int(group_starts()[-1]), position_features()
            ),
            Field("element", "categorical", elements.LARGEST, elements.features()),
            *(Field(axis, "von_mises_mixture") for axis in AXES),
        ),
        auxiliary=tuple(Field(name, "gaussian", 1, unit=unit) for name, unit in MEASURED.items()),
        maximum_steps=maximum_sites,
        options=options,
    )
