"""Sites of the asymmetric unit -> all atoms of the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.io.cif.space_group import Setting

Array = NDArray[np.float64]

THIRDS = 1e-4
"""Relative distance within which a coordinate is 1/3 or 2/3."""
NEAR_SPECIAL = 0.0201, 0.5
"""Fractions of the cell along each axis, and angstrom, within which images of a site are one on a
special position, whose coordinates were rounded to two or three digits. No two whole atoms are so
close."""
ONE_PLACE = 0.05
"""Angstrom within which two sites are one place."""


@dataclass(frozen=True)
class Orbit:
    """A site with its images.

    Attributes:
        positions: fractional, [multiplicity, 3].
        moved: angstrom from where the file has the site.
    """

    positions: Array
    moved: float


def round_thirds(coordinates: Array) -> None:
    """Put coordinates of four digits and more on 1/3 and 2/3, in place."""
    for third in (1 / 3, 2 / 3):
        coordinates[np.abs(coordinates / third - 1) <= THIRDS] = third


def orbit(point: Array, setting: Setting, lattice: Array) -> Orbit:
    """The images of a point, which is put on the special position that it is near to.

    Raises:
        StructureError: `unreadable`, where it is near to several that are not one.
    """
    rotations, translations = setting.matrices()
    if len(rotations) == 1:
        return Orbit(point[None], 0.0)
    images = rotations @ point + translations
    offset = images - point
    offset -= np.rint(offset)
    near = np.abs(offset).max(axis=1) <= NEAR_SPECIAL[0]
    near &= np.linalg.norm(offset @ lattice, axis=1) <= NEAR_SPECIAL[1]
    shift = offset[near].mean(axis=0)
    images = rotations @ (point + shift) + translations
    places = np.unique(np.round(images % 1.0, 6) % 1.0, axis=0, return_index=True)[1]
    if len(places) * near.sum() != len(images):
        places = _distinct(images)
    if len(places) * near.sum() != len(images):
        shown = ", ".join(f"{x:g}" for x in point)
        raise StructureError("unreadable", f"{shown} lies near special positions, and on none")
    return Orbit(images[np.sort(places)], float(np.linalg.norm(shift @ lattice)))


def _distinct(images: Array) -> NDArray[np.int64]:
    """Index of the first of those images that are one place."""
    difference = images[:, None] - images[None]
    difference -= np.rint(difference)
    same = (np.abs(difference) < 1e-5).all(axis=-1)
    return np.unique(same.argmax(axis=1))


def fits(setting: Setting, lattice: Array) -> bool:
    """Whether the cell has the symmetry of the operations, to a hundredth of its edges."""
    metric = lattice @ lattice.T
    rotations = setting.matrices()[0]
    turned = np.swapaxes(rotations, 1, 2) @ metric @ rotations
    edges = np.sqrt(np.diag(metric))
    return bool((np.abs(turned - metric) <= 0.02 * np.outer(edges, edges)).all())


def same_place(point: Array, positions: Array, lattice: Array) -> NDArray[np.bool_]:
    """Which of these positions a point lies on, lattice vectors apart."""
    offset = positions - point
    offset -= np.rint(offset)
    near: NDArray[np.bool_] = np.linalg.norm(offset @ lattice, axis=1) < ONE_PLACE
    return near
