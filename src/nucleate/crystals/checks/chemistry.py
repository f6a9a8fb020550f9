"""Charge neutrality by SMACT, with pymatgen's guess of oxidation states as second opinion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from nucleate.config import Settings
from nucleate.crystals.checks.geometry import failure
from nucleate.crystals.chgnet import silenced
from nucleate.crystals.describe import reduced_formula
from nucleate.errors import StructureError
from nucleate.matter import Candidate, Check, Verdict

LARGEST_GUESSED = 24
"""Atoms of a reduced formula beyond which pymatgen's guess takes too long."""


class SmactOptions(Settings):
    oxidation_states: Literal["smact14", "icsd16", "icsd24", "pymatgen_sp"] = "icsd24"
    """SMACT's set; on known crystals the verdict moves by several percent with it."""
    pauling: bool = True
    """Whether cations must be less electronegative than anions."""
    alloys: bool = True
    """Whether a compound of metals alone is valid without charges."""


class SmactCheck(Check):
    """SMACT (Davies et al. 2019, doi:10.21105/joss.01361), every option pinned."""

    name = "smact"
    description = "Some assignment of known oxidation states is neutral (SMACT), or all are metals"
    Options = SmactOptions

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the column `oxidation_guess` is pymatgen's, empty if it finds none."""
        return [self._one(candidate.structure) for candidate in candidates]

    def _one(self, crystal: str) -> Verdict:
        options: SmactOptions = self.options
        try:
            formula = reduced_formula(crystal)
        except StructureError as error:
            return failure(error)
        valid = smact_valid(formula, options.oxidation_states, options.pauling, options.alloys)
        guess = oxidation_guess(formula)
        reason = ""
        if not valid:
            second = "finds some" if guess else "finds none either"
            reason = (
                f"no neutral oxidation states in SMACT's {options.oxidation_states} set; "
                f"pymatgen's guess {second}"
            )
        columns = {"formula": formula, "oxidation_guess": guess}
        value = "valid" if valid else "not neutral"
        return Verdict(valid, value=value, reason=reason, columns=columns)


@lru_cache(maxsize=16384)
def smact_valid(formula: str, oxidation_states: str, pauling: bool, alloys: bool) -> bool:
    """SMACT's verdict on a formula; elements are valid if alloys are."""
    with silenced():
        from smact.screening import smact_validity

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


@lru_cache(maxsize=16384)
def oxidation_guess(formula: str) -> str:
    """pymatgen's likeliest neutral oxidation states (its ICSD statistics), as `Na+1 Cl-1`."""
    from pymatgen.core import Composition

    try:
        with silenced():
            guesses = Composition(formula).oxi_state_guesses(max_sites=-LARGEST_GUESSED)
    except ValueError:
        return ""
    if not guesses:
        return ""
    return " ".join(f"{symbol}{charge:+.3g}" for symbol, charge in guesses[0].items())
