"""Known crystals with other elements, so that they meet conditions: where to start from.

The oldest recipe of crystal structure prediction (Hautier et al. 2011 put numbers to it): an
arrangement that one set of elements takes, another one may take too. Elements are paired in the
order of their electronegativities, so that anions stay anions, and the volume is scaled by the
elements' typical atomic volumes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from nucleate.crystals.conditions.constrained_legality import DecodingRequest
from nucleate.crystals.elements import SYMBOLS, volumes
from nucleate.crystals.geometry.describe import (
    by_electronegativity,
    composition,
    electronegativities,
)
from nucleate.crystals.wyckoff.symmetry import SpaceGroup
from nucleate.crystals.wyckoff.wyckoff_string import Site, WyckoffStructure, from_string, to_string


def adapt(structure: str, wanted: DecodingRequest) -> str | None:
    """A crystal that meets the conditions, as near to the given one as can be.

    Args:
        structure: Wyckoff string.

    Returns:
        Wyckoff string, not canonical; None if no change of elements does it.
    """
    gene, count = from_string(structure), composition(structure)
    fits = len(gene.sites) in wanted.sites and sum(count.values()) in wanted.atoms
    if not fits or gene.space_group not in wanted.candidates:
        return None
    other = _by_amount(count, wanted) if wanted.formula else _by_element(count, wanted)
    return None if other is None else to_string(_exchange_elements(gene, other))


def _by_amount(count: dict[str, int], wanted: DecodingRequest) -> dict[str, str] | None:
    """New elements where the amounts are those of the formula, else None."""
    divisor = math.gcd(*count.values())
    given = {symbol: amount // divisor for symbol, amount in count.items()}
    if sorted(given.values()) != sorted(wanted.formula.values()):
        return None
    units = wanted.asked.formula_units
    if units is not None and not units[0] <= divisor <= units[1]:
        return None
    out: dict[str, str] = {}
    for amount in set(given.values()):
        old = by_electronegativity(s for s, n in given.items() if n == amount)
        new = by_electronegativity(s for s, n in wanted.formula.items() if n == amount)
        out |= dict(zip(old, new, strict=True))
    return out


def _by_element(count: dict[str, int], wanted: DecodingRequest) -> dict[str, str] | None:
    """New elements: those that are allowed stay, those that lack take the places most like them."""
    known = electronegativities()
    allowed = {SYMBOLS[z - 1] for z in wanted.elements}
    required = {SYMBOLS[z - 1] for z in wanted.required}
    out = {symbol: symbol for symbol in count if symbol in required}
    free = [symbol for symbol in count if symbol not in out]

    def nearest(symbols: list[str], to: str) -> str:
        return min(symbols, key=lambda s: (abs(known[s] - known[to]), s))

    for symbol in by_electronegativity(required - set(out)):
        if not free:
            return None
        unwelcome = [s for s in free if s not in allowed]
        place = nearest(unwelcome or free, symbol)
        out[place] = symbol
        free.remove(place)
    for symbol in free:
        left = sorted(allowed - set(out.values()) - set(count))
        if symbol not in allowed and not left:
            return None
        out[symbol] = symbol if symbol in allowed else nearest(left, symbol)
    return out if len(set(out.values())) == len(out) else None


def _exchange_elements(gene: WyckoffStructure, other: dict[str, str]) -> WyckoffStructure:
    sites = tuple(replace(site, element=other[site.element]) for site in gene.sites)
    growth = _typical_volume(gene.group, sites) / _typical_volume(gene.group, gene.sites)
    lengths = (growth ** (1 / 3) * length for length in gene.lattice[:3])
    return WyckoffStructure(gene.space_group, sites, (*lengths, *gene.lattice[3:]))


def _typical_volume(group: SpaceGroup, sites: Sequence[Site]) -> float:
    """Of the primitive cell, cubic angstrom."""
    sizes = (group.position(site.letter).primitive_multiplicity for site in sites)
    return sum(n * float(volumes()[s.number - 1]) for n, s in zip(sizes, sites, strict=True))
