"""The preferred one among many descriptions of the same sites.

A description is preferred by the sum of `preference`, a smooth periodic function without symmetry
of its own, over its sites. Comparing coordinates digit by digit instead fails on near-ties, which
pseudo-symmetric crystals are full of; two values of a smooth function are as good as never within
rounding of each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.wyckoff.symmetry import LETTERS, SpaceGroup, WyckoffPosition
from nucleate.crystals.wyckoff.wyckoff_string import (
    LATTICE_DECIMALS,
    PARAMETER_DECIMALS,
    Site,
    WyckoffStructure,
)

Array = NDArray[np.float64]

ON_POSITION = 2e-3
"""Fractional distance within which a standardised point lies on a Wyckoff position."""
OFF_TIE = 1.7137e-7
"""Added before rounding, so that noise decides no tie. Published coordinates have six or eight
decimals, and symmetry averages up to 24 of them: this is no multiple of 1e-8 / 24, nor near one."""
WEIGHTS = np.array([1.0, 0.737, 0.541])
PHASES = np.array([0.137, 0.1191, 0.1037])
"""Of `preference`: no fraction that a symmetry operation holds, and small positive coordinates are
preferred."""


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
        images = _anchor(group, images, kinds)
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


def _anchor(group: SpaceGroup, images: Array, kinds: list[tuple[int, int]]) -> Array:
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


def tidy(gene: WyckoffStructure) -> WyckoffStructure:
    """The same with each site in its preferred image, rounded and sorted: no symmetry search."""
    group = gene.group
    points = np.array([group.position(s.letter).expand(s.parameters)[0] for s in gene.sites])
    kinds = [(s.letter, s.number) for s in gene.sites]
    _, sites = preferred_sites(group, points[None], [k[0] for k in kinds], [k[1] for k in kinds])
    free = tuple(round(gene.lattice[i], LATTICE_DECIMALS) for i in group.free_lattice)
    return WyckoffStructure(gene.space_group, sites, group.complete_lattice(free))
