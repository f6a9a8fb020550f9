"""A crystal's conventional cell as one self-contained SVG: edges, atoms, a legend of elements."""

from __future__ import annotations

from html import escape
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.wyckoff.wyckoff_string import WyckoffStructure, expand, from_string

Array = NDArray[np.float64]

MAXIMUM_CONVENTIONAL = 60
"""Atoms of a conventional cell that are drawn; of a larger one the primitive cell is."""
_MARGIN = 8.0
_LEGEND = 18.0


def draw(structure: str, width: int = 220, height: int = 180) -> str:
    """The cell seen in parallel projection, c upwards, atoms on its faces repeated.

    Atoms have Jmol's colours and sizes by covalent radius; nearer ones cover farther ones.
    """
    try:
        gene = from_string(structure)
        lattice, points, numbers = _cell(gene)
    except StructureError as error:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f'<text x="8" y="20" font-size="11">{escape(error.reason)}</text></svg>'
        )
    view = _view(lattice)
    corners = np.array(list(product((0, 1), repeat=3)), float) @ lattice @ view.T
    atoms = points @ lattice @ view.T
    from ase.data import covalent_radii

    radii = 0.42 * covalent_radii[numbers]
    reach = np.concatenate([corners, atoms - radii[:, None], atoms + radii[:, None]])[:, :2]
    low, high = reach.min(axis=0), reach.max(axis=0)
    room = np.array([width - 2 * _MARGIN, height - 2 * _MARGIN - _LEGEND])
    scale = float((room / np.maximum(high - low, 1e-6)).min())
    middle = np.array([width / 2, (height - _LEGEND) / 2])

    def place(flat: Array) -> Array:
        moved = (flat[:, :2] - (low + high) / 2) * scale
        return middle + moved * np.array([1.0, -1.0])

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="sans-serif">',
        f"<title>{escape(structure)}</title>",
    ]
    hidden = int(corners[:, 2].argmin())
    parts += _edges(place(corners), hidden, behind=True)
    spots = place(atoms)
    for index in np.argsort(atoms[:, 2], kind="stable"):
        parts.append(_ball(spots[index], radii[index] * scale, int(numbers[index])))
    parts += _edges(place(corners), hidden, behind=False)
    parts += _legend(gene, width, height)
    return "".join([*parts, "</svg>"])


def _cell(gene: WyckoffStructure) -> tuple[Array, Array, NDArray[np.int64]]:
    """Lattice, fractional coordinates with the copies on far faces, atomic numbers."""
    lattice, points, numbers = expand(gene, primitive=False)
    if len(numbers) > MAXIMUM_CONVENTIONAL:
        lattice, points, numbers = expand(gene, primitive=True)
    out_points, out_numbers = [], []
    for shift in product((0, 1), repeat=3):
        moved = points + np.array(shift, float)
        inside = (moved <= 1 + 1e-3).all(axis=1)
        out_points.append(moved[inside])
        out_numbers.append(numbers[inside])
    return lattice, np.concatenate(out_points), np.concatenate(out_numbers)


def _view(lattice: Array) -> Array:
    """Rotation whose rows are right, up and towards the eye: c up, a turned a little forward."""
    up = lattice[2] / np.linalg.norm(lattice[2])
    side = np.cross(up, lattice[0])
    side /= np.linalg.norm(side)  # perpendicular to a and c
    forward = np.cross(side, up)
    turn, tilt = np.radians(28), np.radians(14)
    right = side * np.cos(turn) - forward * np.sin(turn)
    front = side * np.sin(turn) + forward * np.cos(turn)
    high = up * np.cos(tilt) - front * np.sin(tilt)
    near = up * np.sin(tilt) + front * np.cos(tilt)
    return np.array([right, high, near])


def _edges(corners: Array, hidden: int, behind: bool) -> list[str]:
    """The twelve edges; the three at the hidden corner are drawn behind the atoms."""
    lines = []
    for first, second in product(range(8), repeat=2):
        if first < second and bin(first ^ second).count("1") == 1:
            at_back = hidden in (first, second)
            if at_back != behind:
                continue
            (x1, y1), (x2, y2) = corners[first], corners[second]
            dash = ' stroke-dasharray="3 3"' if at_back else ""
            lines.append(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                f'stroke="#667" stroke-width="0.9" stroke-opacity="0.75"{dash}/>'
            )
    return lines


def colour(number: int) -> str:
    """Jmol's colour of an element, `#rrggbb`."""
    from ase.data.colors import jmol_colors

    red, green, blue = (round(255 * float(v)) for v in jmol_colors[number])
    return f"#{red:02x}{green:02x}{blue:02x}"


def _ball(spot: Array, radius: float, number: int) -> str:
    x, y = spot
    shine = f'cx="{x - 0.3 * radius:.1f}" cy="{y - 0.32 * radius:.1f}" r="{0.3 * radius:.1f}"'
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour(number)}" '
        'stroke="#223" stroke-width="0.7"/>'
        f'<circle {shine} fill="#fff" fill-opacity="0.45"/>'
    )


def _legend(gene: WyckoffStructure, width: int, height: int) -> list[str]:
    """A dot and a symbol per element, centred under the cell."""
    numbers = sorted({site.number for site in gene.sites})
    step = min(34.0, (width - 2 * _MARGIN) / max(len(numbers), 1))
    left = (width - step * len(numbers)) / 2 + 8
    y = height - _LEGEND / 2 - 2
    parts = []
    for index, number in enumerate(numbers):
        x = left + index * step
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour(number)}" stroke="#223" '
            f'stroke-width="0.7"/><text x="{x + 7:.1f}" y="{y + 3.8:.1f}" font-size="11" '
            f'fill="#223">{SYMBOLS[number - 1]}</text>'
        )
    return parts
