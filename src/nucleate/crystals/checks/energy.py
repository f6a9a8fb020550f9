"""Energy above the hull of a named set of competing phases, and the formation energy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, model_validator

from nucleate.core.errors import StructureError
from nucleate.core.settings import Settings
from nucleate.crystals import properties
from nucleate.crystals.checks.relaxation import EnergyCheck
from nucleate.crystals.energy.energy_model import DEFAULT, ModelName
from nucleate.crystals.energy.hull import Hull
from nucleate.crystals.geometry.describe import composition
from nucleate.matter.checks import Candidate, Verdict

BUNDLED = "bundled prototypes (CHGNet-relaxed)"
"""Name of the reference set that comes with the package."""


class AboveHullOptions(Settings):
    energy_model: ModelName = DEFAULT
    """By which energies; another one than CHGNet needs a `reference` of its own energies."""
    maximum: float = 0.1
    """eV/atom."""
    minimum: float = -5.0
    """eV/atom below which CHGNet is taken to err; a salt can lie 4 below its elements."""
    competing: NonNegativeInt = 0
    """Least number of competing compounds in the chemical system, elements not counted. 0 rejects
    none for it: a new chemical system is what a search may look for."""
    confident: Annotated[int, Field(ge=1)] = 3
    """Competing compounds below which the column `hull_confidence` says `low`."""
    reference: str | None = None
    """CSV or Parquet file of competing phases, columns `formula` and `energy` (eV/atom), which
    takes the place of the bundled set. It must hold the elements."""
    reference_scale: Literal["chgnet", "formation"] = "chgnet"
    """What its energies are: like the model's own (CHGNet's are like the Materials Project's
    corrected ones), or formation energies, in which case the model's are converted with regressed
    element references."""

    @model_validator(mode="after")
    def _one_scale(self) -> AboveHullOptions:
        if self.energy_model != DEFAULT and self.reference is None:
            raise ValueError("the bundled hull holds CHGNet's energies: give `reference`")
        return self


class AboveHullCheck(EnergyCheck):
    """Whether a mixture of known crystals would be lower in energy.

    A hull that rests on elements alone lets every compound with a negative formation energy pass:
    `reference_set`, `competing_compounds` and `hull_confidence` say what the value is worth.
    """

    name = "energy_above_hull"
    description = (
        "CHGNet energy above the hull of known phases (the bundled CHGNet-relaxed prototypes, or a "
        "file of one's own)"
    )
    Options = AboveHullOptions
    expensive = True
    limit = "at most {maximum:g} eV/atom"

    @cached_property
    def _reference(self) -> tuple[str, Hull]:
        """Name and hull; read once, errors in the file raise `DatasetError`."""
        options: AboveHullOptions = self.options
        if options.reference is None:
            return BUNDLED, Hull.bundled()
        return Path(options.reference).name, Hull.from_file(Path(options.reference))

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the value is in eV/atom, negative below the known hull.

        Raises:
            DatasetError: the reference file cannot be read.
        """
        if not candidates:
            return []
        crystals = [candidate.structure for candidate in candidates]
        energies = properties.energies(crystals, self.model)
        return [self._one(c, float(e)) for c, e in zip(crystals, energies, strict=True)]

    def _one(self, crystal: str, energy: float) -> Verdict:
        options: AboveHullOptions = self.options
        try:
            amounts = composition(crystal)
        except StructureError as error:
            return Verdict(False, reason=str(error))
        name, hull = self._reference
        references = self.model.references()
        formation = references.formation_energy(amounts, energy) if references else np.nan
        ours = energy if options.reference_scale == "chgnet" else formation
        height = ours - hull.hull_energy(amounts)
        columns: dict[str, Any] = {"reference_set": name}
        if references and np.isfinite(formation):
            columns["formation_energy_per_atom"] = round(formation, 5)
            columns["formation_energy_error"] = references.mean_error
        if not np.isfinite(height):
            if np.isfinite(energy):
                return Verdict.unjudged(self._without_reference(amounts), columns=columns)
            if beyond := self.beyond(crystal):
                return Verdict.unjudged(beyond, columns=columns)
            return Verdict(False, reason=f"{self.model.title} gives no energy", columns=columns)
        compounds = hull.competing_phases(amounts, 2)
        columns |= {
            "competing_entries": hull.competing_phases(amounts),
            "competing_compounds": compounds,
            "hull_confidence": confidence(compounds, len(amounts), options.confident),
        }
        reason = self._reason(height, compounds)
        return Verdict(not reason, value=round(height, 5), reason=reason, columns=columns)

    def _reason(self, height: float, compounds: int) -> str:
        options: AboveHullOptions = self.options
        if height > options.maximum:
            return (
                f"{height:.3f} eV/atom above the hull of {compounds} competing compounds and the "
                f"elements, more than {options.maximum:g}"
            )
        if height < options.minimum:
            return (
                f"{-height:.3f} eV/atom below the hull of {compounds} competing compounds is not "
                "credible"
            )
        if compounds < options.competing:
            return f"only {compounds} competing compounds, need {options.competing}"
        return ""

    def _without_reference(self, amounts: dict[str, int]) -> str:
        name, hull = self._reference
        absent = sorted(set(amounts) - hull.elements)
        if absent:
            return f"no {', '.join(absent)} in the reference set {name}"
        return "an element has no regressed reference"


def confidence(compounds: int, elements: int, enough: int) -> str:
    """How far a distance to the hull is to be trusted, in words.

    Args:
        compounds: competing ones in the chemical system.
        elements: of the candidate.
        enough: compounds from which it is not called low.
    """
    if elements == 1:
        return "compared with the known form of the element"
    if compounds == 0:
        return "none: elements only, says nothing of stability"
    if compounds < enough:
        return f"low: {compounds} competing compound{'s' if compounds > 1 else ''}"
    return f"fair: {compounds} competing compounds"
