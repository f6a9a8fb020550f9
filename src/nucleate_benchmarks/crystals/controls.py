"""What stands beside every figure of a crystal model: crystals that no model made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import permutations
from math import gcd

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals import elements
from nucleate.crystals.geometry.describe import composition
from nucleate.crystals.wyckoff.wyckoff_string import Site, WyckoffStructure, from_string, to_string

COORDINATE_NOISE = 0.05
"""Standard deviation of a perturbed free coordinate, in fractions of the cell."""
LATTICE_NOISE = 0.05
"""Relative standard deviation of a perturbed cell edge."""
ANGLE_NOISE = 1.0
"""Standard deviation of a perturbed cell angle, degrees."""


def replayed(train: Sequence[str], count: int, seed: int) -> list[str]:
    """Random training crystals, without repetition: at most all of them."""
    order = np.random.default_rng(seed).permutation(len(train))[:count]
    return [train[i] for i in order.tolist()]


def _with_elements(gene: WyckoffStructure, new: dict[str, str]) -> WyckoffStructure:
    sites = (replace(site, element=new[site.element]) for site in gene.sites)
    return replace(gene, sites=tuple(sorted(sites, key=lambda s: (s.letter, s.number))))


def permuted(crystals: Sequence[str], pool: Sequence[str], seed: int) -> list[str]:
    """The same crystals, no element where it was.

    Elements change places among the sites; a crystal of one element gets another one, drawn from
    the crystals of `pool`. Where the pool knows no other element, the crystal stays.
    """
    rng = np.random.default_rng(seed)
    known = sorted({symbol for crystal in pool for symbol in composition(crystal)})
    out = []
    for crystal in crystals:
        gene = from_string(crystal)
        present = sorted({site.element for site in gene.sites})
        if len(present) > 1:
            # A cyclic shift of a random order leaves nothing in its place.
            order = [present[i] for i in rng.permutation(len(present)).tolist()]
            new = dict(zip(order, [*order[1:], order[0]], strict=True))
        else:
            others = [symbol for symbol in known if symbol not in present] or present
            new = {present[0]: others[int(rng.integers(len(others)))]}
        out.append(to_string(_with_elements(gene, new)))
    return out


def random_coordinates(crystals: Sequence[str], seed: int) -> list[str]:
    """The same space group, sites, elements and cell; free coordinates anywhere."""
    rng = np.random.default_rng(seed)
    out = []
    for crystal in crystals:
        gene = from_string(crystal)
        sites = [
            replace(site, parameters=tuple(rng.random(len(site.parameters)).tolist()))
            for site in gene.sites
        ]
        out.append(to_string(replace(gene, sites=tuple(sites))))
    return out


def perturbed(crystals: Sequence[str], seed: int) -> list[str]:
    """The same space group, sites and elements; noise on free coordinates and on the cell."""
    rng = np.random.default_rng(seed)
    return [to_string(_perturbed(from_string(crystal), rng)) for crystal in crystals]


def _perturbed(gene: WyckoffStructure, rng: np.random.Generator) -> WyckoffStructure:
    def moved(site: Site) -> Site:
        noise = rng.normal(0, COORDINATE_NOISE, len(site.parameters))
        values = (np.array(site.parameters) + noise) % 1.0
        return replace(site, parameters=tuple(values.tolist()))

    free = []
    for index in gene.group.free_lattice:
        value, noise = gene.lattice[index], float(rng.normal())
        edge = index < 3
        free.append(value * np.exp(LATTICE_NOISE * noise) if edge else value + ANGLE_NOISE * noise)
    lattice = gene.group.complete_lattice(tuple(float(value) for value in free))
    return replace(gene, sites=tuple(moved(site) for site in gene.sites), lattice=lattice)


Pattern = tuple[int, ...]


def _reduced(crystal: str) -> tuple[Pattern, list[int]]:
    """Amounts in lowest terms, falling, and the elements (numbers) that have them."""
    amounts = composition(crystal)
    divisor = reduce(gcd, amounts.values())
    pairs = sorted(
        ((count // divisor, elements.NUMBERS[symbol]) for symbol, count in amounts.items()),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return tuple(count for count, _ in pairs), [number for _, number in pairs]


class Templates:
    """Known prototypes, to be filled with the elements of an asked composition.

    The nearest is the known crystal of the same proportions whose elements are most alike the
    asked ones, by the descriptors in `elements.features`. Structures are not looked at: this is
    what one can do knowing only the composition.
    """

    def __init__(self, known: Sequence[str]):
        self.known = list(known)
        places: dict[Pattern, list[int]] = defaultdict(list)
        numbers: dict[Pattern, list[list[int]]] = defaultdict(list)
        for place, crystal in enumerate(self.known):
            pattern, present = _reduced(crystal)
            places[pattern].append(place)
            numbers[pattern].append(present)
        self._places = dict(places)
        self._numbers = {pattern: np.array(rows) - 1 for pattern, rows in numbers.items()}
        table = elements.features()
        table = (table - table.mean(0)) / np.maximum(table.std(0), 1e-6)
        self._unlike = np.linalg.norm(table[:, None] - table[None], axis=-1)  # 94 x 94

    def retrieve(self, crystal: str) -> str | None:
        """The nearest known prototype with this crystal's elements, its volume scaled.

        None where no known crystal has these proportions.
        """
        pattern, asked = _reduced(crystal)
        if pattern not in self._places:
            return None
        rows = self._numbers[pattern]
        best: tuple[float, int, tuple[int, ...]] | None = None
        for order in _orders(pattern):
            distances = self._distances(rows[:, list(order)], np.array(asked) - 1, pattern)
            place = int(distances.argmin())
            if best is None or distances[place] < best[0]:
                best = (float(distances[place]), place, order)
        assert best is not None
        _, place, order = best
        # The element at place order[i] of the template becomes the i-th asked one.
        new = {
            elements.SYMBOLS[int(rows[place, old])]: elements.SYMBOLS[asked[i] - 1]
            for i, old in enumerate(order)
        }
        return _filled(self.known[self._places[pattern][place]], new)

    def _distances(
        self, rows: NDArray[np.int64], asked: NDArray[np.int64], pattern: Pattern
    ) -> NDArray[np.float64]:
        weights = np.array(pattern) / sum(pattern)
        found: NDArray[np.float64] = self._unlike[rows, asked] @ weights
        return found


def _orders(pattern: Pattern) -> list[tuple[int, ...]]:
    """Assignments that exchange only elements of equal amounts."""
    return [
        order
        for order in permutations(range(len(pattern)))
        if all(pattern[i] == pattern[j] for i, j in enumerate(order))
    ]


def _filled(template: str, new: dict[str, str]) -> str:
    gene = from_string(template)
    volumes = elements.volumes()

    def volume(which: WyckoffStructure) -> float:
        sizes = [which.group.position(s.letter).primitive_multiplicity for s in which.sites]
        parts = [float(volumes[s.number - 1]) for s in which.sites]
        return float(np.dot(sizes, parts))

    filled = _with_elements(gene, new)
    scale = (volume(filled) / volume(gene)) ** (1 / 3)
    lattice = (*(edge * scale for edge in filled.lattice[:3]), *filled.lattice[3:])
    return to_string(replace(filled, lattice=lattice))
