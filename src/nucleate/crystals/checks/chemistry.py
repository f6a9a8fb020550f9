"""Charge neutrality by SMACT, with pymatgen's guess of oxidation states as second opinion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from nucleate.core.quiet import silenced
from nucleate.core.settings import Settings
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.geometry.contacts import metals
from nucleate.crystals.geometry.describe import reduced_formula
from nucleate.crystals.geometry.oxidation import oxidation_states, states_text
from nucleate.matter.checks import Candidate, EachCheck, Verdict

MOST_ELEMENTS = 5
"""SMACT tries every combination of oxidation states: beyond so many elements that may take hours,
and the same question is answered by dynamic programming."""
_STATES = {
    "smact14": "oxidation_states_smact14",
    "icsd16": "oxidation_states_icsd16",
    "icsd24": "oxidation_states_icsd24",
    "pymatgen_sp": "oxidation_states_sp",
}


class SmactOptions(Settings):
    oxidation_states: Literal["smact14", "icsd16", "icsd24", "pymatgen_sp"] = "icsd24"
    """SMACT's set; on known crystals the verdict moves by several percent with it."""
    pauling: bool = True
    """Whether cations must be less electronegative than anions."""
    alloys: bool = True
    """Whether a compound of metals alone is valid without charges."""
    mixed_valence: bool = True
    """Whether pymatgen's states may do where SMACT finds none and a metal has two of them at once,
    as iron has in magnetite: SMACT gives all atoms of an element the same state."""


class SmactCheck(EachCheck):
    """SMACT (Davies et al. 2019, doi:10.21105/joss.01361), every option pinned."""

    name = "smact"
    description = "Some assignment of known oxidation states is neutral (SMACT), or all are metals"
    Options = SmactOptions
    limit = "neutral by {oxidation_states}"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the column `oxidation_guess` is pymatgen's, empty if it finds
        none, and `oxidation_states_agree` whether both find some or both find none."""
        options: SmactOptions = self.options
        formula = reduced_formula(candidate.structure)
        valid = smact_valid(formula, options.oxidation_states, options.pauling, options.alloys)
        states = oxidation_states(formula)
        guess = states_text(states)
        value = "valid" if valid else "not neutral"
        agree = valid == bool(guess)
        if not valid and options.mixed_valence and is_mixed_valent(states):
            valid, value = True, "mixed valence"
        if valid and not guess and options.alloys:
            # SMACT lets alloys and elements pass without looking for charges.
            alloy = _without_charges(formula)
            value, agree = ("alloy" if alloy else value), alloy
        reason = ""
        if not valid:
            second = "finds some" if guess else "finds none either"
            reason = (
                f"no neutral oxidation states in SMACT's {options.oxidation_states} set; "
                f"pymatgen's guess {second}"
            )
        columns = {"formula": formula, "oxidation_guess": guess, "oxidation_states_agree": agree}
        return Verdict(valid, value=value, reason=reason, columns=columns)


def is_mixed_valent(states: Mapping[str, float]) -> bool:
    """Whether oxidation states are whole numbers but for those of metals, at least one of which is
    positive and not whole."""
    fractional = {s: q for s, q in states.items() if abs(q - round(q)) > 1e-6}
    return bool(fractional) and all(
        q > 0 and metals()[NUMBERS[symbol]] for symbol, q in fractional.items()
    )


def _without_charges(formula: str) -> bool:
    """Whether a formula is an element or of metals alone."""
    from pymatgen.core import Composition

    numbers = [element.Z for element in Composition(formula)]
    return len(numbers) == 1 or bool(metals()[numbers].all())


@lru_cache(maxsize=16384)
def smact_valid(formula: str, oxidation_states: str, pauling: bool, alloys: bool) -> bool:
    """SMACT's verdict on a formula; elements are valid if alloys are."""
    with silenced():
        from pymatgen.core import Composition
        from smact.screening import smact_validity

        counts = {str(e): int(n) for e, n in Composition(formula).items()}
        if len(counts) > MOST_ELEMENTS:
            return many_element_validity(counts, oxidation_states, pauling, alloys)
        return bool(
            smact_validity(
                formula,
                use_pauling_test=pauling,
                include_alloys=alloys,
                check_metallicity=False,
                oxidation_states_set=oxidation_states,
                mixed_valence=False,
            )
        )


def many_element_validity(
    counts: Mapping[str, int], oxidation_states: str, pauling: bool, alloys: bool
) -> bool:
    """What `smact.screening.smact_validity` answers, in time that grows with the charges' range.

    Elements are passed by rising electronegativity; what matters of those passed is the sum of
    their charges, whether one is an anion (no cation may follow: it would be as electronegative or
    more) and the electronegativity of the last cation (no anion may have the same).

    Args:
        counts: atoms by symbol, in lowest terms.
    """
    import smact

    if len(counts) == 1 or (alloys and all(symbol in smact.metals for symbol in counts)):
        return True
    species = [(smact.Element(symbol), count) for symbol, count in counts.items()]
    if pauling and any(element.pauling_eneg is None for element, _ in species):
        return False
    if pauling:
        species.sort(key=lambda pair: float(pair[0].pauling_eneg))
    reached: set[tuple[int, bool, float]] = {(0, False, -1.0)}
    for element, count in species:
        states = getattr(element, _STATES[oxidation_states]) or ()
        own = float(element.pauling_eneg) if pauling else 0.0
        reached = {
            (total + count * state, anion or state < 0, own if state > 0 else cation)
            for total, anion, cation in reached
            for state in states
            if not pauling or not ((state > 0 and anion) or (state < 0 and cation == own))
        }
    return any(total == 0 for total, _, _ in reached)
