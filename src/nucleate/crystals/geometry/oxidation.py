"""Oxidation states of a formula by pymatgen's statistics of the ICSD, by dynamic programming.

`pymatgen.core.Composition.oxi_state_guesses` tries every combination, which takes seconds for the
formulas of large cells. The same answer follows from the best score of each sum of charges, first
over the atoms of an element and then over the elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from nucleate.core.quiet import silenced

LARGEST = 400
"""Atoms of a reduced formula beyond which no guess is made."""


@cache
def _occurrences(symbol: str) -> tuple[tuple[int, float], ...]:
    """Integer oxidation states of an element in the ICSD, and how often each occurs there."""
    with silenced():
        from pymatgen.core import Composition, Element, Species

        if Composition.oxi_prob is None:
            Composition("NaCl").oxi_state_guesses()  # loads the table
        element = Element(symbol)
        states = element.icsd_oxidation_states or element.common_oxidation_states
        return tuple(
            (int(state), float(Composition.oxi_prob.get(Species(symbol, state), 0.0)))
            for state in states
        )


@lru_cache(maxsize=8192)
def _sums(symbol: str, count: int) -> dict[int, float]:
    """Best score of each sum of the charges of so many atoms of an element."""
    best: dict[int, float] = {0: 0.0}
    for _ in range(count):
        following: dict[int, float] = {}
        for total, score in best.items():
            for state, occurrence in _occurrences(symbol):
                value = score + occurrence
                if value > following.get(total + state, -1.0):
                    following[total + state] = value
        best = following
    return best


def average_states(counts: Mapping[str, int]) -> dict[str, float]:
    """The likeliest neutral oxidation states, averaged over the atoms of each element.

    The score is pymatgen's: the sum over atoms of how often the ICSD has the state.

    Args:
        counts: atoms by symbol, in lowest terms.

    Returns:
        By symbol, in the order of `counts`; empty if no combination is neutral, or if there are
        more than `LARGEST` atoms.
    """
    if not counts or sum(counts.values()) > LARGEST:
        return {}
    # Elements one after the other: by total charge the best score and the sums that led there.
    reached: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for symbol, count in counts.items():
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for total, (score, path) in reached.items():
            for own, own_score in _sums(symbol, count).items():
                known = following.get(total + own)
                if known is None or score + own_score > known[0]:
                    following[total + own] = (score + own_score, (*path, own))
        reached = following
    if 0 not in reached:
        return {}
    _, path = reached[0]
    return {s: own / count for (s, count), own in zip(counts.items(), path, strict=True)}


@lru_cache(maxsize=65536)
def oxidation_states(formula: str) -> Mapping[str, float]:
    """`average_states` of a formula; do not change what is returned."""
    from pymatgen.core import Composition

    reduced = Composition(formula).reduced_composition
    return average_states({str(e): round(n) for e, n in reduced.items()})


def states_text(states: Mapping[str, float]) -> str:
    """Oxidation states on one line: `Na+1 Cl-1`; empty if there are none."""
    return " ".join(f"{symbol}{charge:+.3g}" for symbol, charge in states.items())
