"""The costly checks, behind a budget: a plausible shape in three dimensions."""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import Field

from nucleate.core.settings import Settings
from nucleate.matter.checks import Verdict
from nucleate.molecules.checks.single_check import SingleCheck
from nucleate.molecules.chemistry.conformer import MAXIMUM_ATOMS, Relaxation, embed, relax
from nucleate.novelty.common_checks import Accepted, Budget


class BudgetOptions(Settings):
    limit: Annotated[int, Field(ge=1)] = 300
    """Candidates that go on to the costly checks, the best ones; the others fail with that
    reason."""


class BudgetCheck(Budget):
    """See `Budget`."""

    description = "Among the best, as many as the costly checks can afford"
    Options = BudgetOptions

    @property
    def threshold(self) -> str:
        return f"the best {self.options.limit}"

    def beside(self, structure: str, place: int, accepted: Accepted) -> Verdict:
        limit = self.options.limit
        if place <= limit:
            return Verdict(True, place)
        return Verdict(False, place, f"only the best {limit} candidates are embedded (`limit`)")


class EmbeddingOptions(Settings):
    attempts: Annotated[int, Field(ge=1)] = 10
    """Starts of the embedding per molecule."""
    seconds: Annotated[int, Field(ge=1)] = 5
    """Time for them; a molecule that has no coordinates by then is not judged."""
    maximum_strain: Annotated[float, Field(gt=0)] = 7.0
    """Largest energy of the relaxed conformer, electrostatics left out, kcal/mol per heavy atom.
    Medicines stay below 4.5, cubane has 6.6."""
    minimum_contact: Annotated[float, Field(ge=0)] = 2.3
    """Shortest distance of heavy atoms four or more bonds apart, angstrom; a strong hydrogen bond
    has 2.4."""


class EmbeddingCheck(SingleCheck):
    """Distance geometry (ETKDG version 3, Wang et al. 2020) finds coordinates that a force field
    can relax without much strain. The value names the force field.

    Columns: `strain_energy` (kcal/mol per heavy atom, MMFF94 without electrostatics; UFF where
    MMFF94 has no parameters) and `shortest_contact` (angstrom; heavy atoms four or more bonds
    apart).
    """

    name = "embedding"
    description = (
        "three-dimensional coordinates are found (ETKDGv3), and a force field relaxes them "
        "without undue strain"
    )
    Options = EmbeddingOptions
    expensive = True
    seconds = 30.0

    @property
    def threshold(self) -> str:
        return f"strain at most {self.options.maximum_strain:g} kcal/mol per heavy atom"

    def judge(self, found: Any, smiles: str) -> Verdict:
        options = self.options
        atoms = found.GetNumAtoms(onlyExplicit=False)
        if atoms > MAXIMUM_ATOMS:
            return Verdict.unjudged(f"{atoms} atoms, at most {MAXIMUM_ATOMS} are embedded")
        begun = time.monotonic()
        embedded = embed(smiles, options.attempts, options.seconds, self.context.seed)
        if embedded is None and time.monotonic() - begun >= options.seconds:
            return Verdict.unjudged(f"no coordinates in {options.seconds} s", "none")
        if embedded is None:
            return Verdict(False, "none", f"no coordinates in {options.attempts} attempts")
        relaxed = relax(embedded)
        if relaxed is None:
            return Verdict.unjudged("no force field has parameters for it", "no force field")
        contact = None if relaxed.contact is None else round(relaxed.contact, 3)
        columns = {"strain_energy": round(relaxed.strain, 3), "shortest_contact": contact}
        reason = self._fault(relaxed)
        return Verdict(not reason, relaxed.force_field, reason, columns)

    def _fault(self, relaxed: Relaxation) -> str:
        options = self.options
        if relaxed.strain > options.maximum_strain:
            return (
                f"strain of {relaxed.strain:.1f} kcal/mol per heavy atom ({relaxed.force_field}) "
                f"is above {options.maximum_strain:g}"
            )
        if relaxed.contact is not None and relaxed.contact < options.minimum_contact:
            return (
                f"atoms four or more bonds apart come as close as {relaxed.contact:.2f} A, "
                f"less than {options.minimum_contact:g}"
            )
        return ""
