"""The costly checks: CHGNet relaxation and the hull, behind a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from nucleate import progress
from nucleate.config import Positive, Settings
from nucleate.crystals import properties
from nucleate.crystals.checks.geometry import failure
from nucleate.crystals.describe import composition, reduced_formula
from nucleate.crystals.gene import from_string, structure_from_gene
from nucleate.crystals.matching import displacement
from nucleate.crystals.relaxation import Relaxed, relax
from nucleate.errors import StructureError
from nucleate.matter import Candidate, Check, Verdict


class BudgetOptions(Settings):
    limit: Positive = 120
    """Candidates that go on to relaxation."""
    per_formula: Positive = 3
    """Of one reduced formula at most."""
    maximum_atoms: Positive = 32
    """In the primitive cell; a relaxation's time grows with them."""


class BudgetCheck(Check):
    """Keeps the costly checks affordable. It rejects for no fault of the candidate's own."""

    name = "budget"
    description = "Among the best, as many as the relaxation can afford"
    Options = BudgetOptions
    expensive = True  # so that all candidates are scored and in order by now

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the value is the place among the candidates."""
        limits: BudgetOptions = self.options
        formulas: Counter[str] = Counter()
        taken = 0
        verdicts = []
        for place, candidate in enumerate(candidates, start=1):
            try:
                formula = reduced_formula(candidate.structure)
                atoms = from_string(candidate.structure).atoms
            except StructureError as error:
                verdicts.append(failure(error))
                continue
            reason = ""
            if atoms > limits.maximum_atoms:
                reason = f"{atoms} atoms in the cell, at most {limits.maximum_atoms} are relaxed"
            elif formulas[formula] >= limits.per_formula:
                reason = f"{limits.per_formula} better candidates have the same formula"
            elif taken >= limits.limit:
                reason = f"beyond the {limits.limit} best, which are all that is relaxed"
            else:
                taken += 1
                formulas[formula] += 1
            verdicts.append(Verdict(not reason, value=place, reason=reason))
        return verdicts


class RelaxationOptions(Settings):
    force: Annotated[float, Field(gt=0)] = 0.1
    """Threshold of the largest force (eV/A) and of the largest virial per atom (eV)."""
    steps: Positive = 50
    """Optimiser steps within which it must be reached."""
    keep_symmetry: bool = True
    """Whether the space group is kept, which is faster; a crystal may yet gain symmetry."""
    maximum_volume_change: Annotated[float, Field(gt=0)] = 0.4
    """Largest relative change of the volume."""


class RelaxationCheck(Check):
    """A crystal that was drawn well is near its own minimum."""

    name = "relaxation"
    description = "CHGNet relaxes it, and StructureMatcher finds it unchanged"
    Options = RelaxationOptions
    expensive = True

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the value is the rms displacement, the structure the relaxed one.

        Displacements are StructureMatcher's, in units of the cube root of the volume per atom.
        """
        options: RelaxationOptions = self.options
        relaxed = relax(
            [candidate.structure for candidate in candidates],
            fmax=options.force,
            maximum_steps=options.steps,
            keep_symmetry=options.keep_symmetry,
            processes=self.context.processes,
            device=self.context.device,
        )
        shown = progress.bar(relaxed, description="relax", total=len(candidates), unit="crystal")
        return [
            self._one(candidate.structure, found)
            for candidate, found in zip(candidates, shown, strict=True)
        ]

    def _one(self, crystal: str, found: Relaxed) -> Verdict:
        options: RelaxationOptions = self.options
        columns: dict[str, float] = {"relaxation_steps": found.steps}
        if not found.converged or found.structure is None or found.string is None:
            return Verdict(False, reason=found.reason, columns=columns)
        start = structure_from_gene(from_string(crystal))
        end = structure_from_gene(from_string(found.string))
        change = (end.volume / len(end)) / (start.volume / len(start)) - 1
        columns |= {
            "energy_per_atom": round(found.energy, 5),
            "relaxation_gain": round(found.start_energy - found.energy, 5),
            "relaxation_volume_change": round(change, 4),
        }
        rms = displacement(start, found.structure)
        if rms is None:
            reason = "relaxes into another structure by StructureMatcher's defaults"
            return Verdict(False, reason=reason, columns=columns)
        if abs(change) > options.maximum_volume_change:
            reason = (
                f"the volume changes by {change:+.0%} on relaxing, more than "
                f"{options.maximum_volume_change:.0%}"
            )
            return Verdict(False, value=round(rms, 4), reason=reason, columns=columns)
        columns["relaxation_rms"] = round(rms, 4)
        properties.remember(found.string, found.energy)
        return Verdict(True, value=round(rms, 4), columns=columns, structure=found.string)


class AboveHullOptions(Settings):
    maximum: float = 0.1
    """eV/atom."""
    minimum: float = -5.0
    """eV/atom below which CHGNet is taken to err; a salt can lie 4 below its elements."""
    competing: Annotated[int, Field(ge=0)] = 0
    """Least number of reference compositions in the chemical system, elements counted: a hull of
    elements alone lets everything pass."""


class AboveHullCheck(Check):
    """Whether a mixture of known crystals would be lower in energy."""

    name = "energy_above_hull"
    description = "CHGNet energy above the hull of the bundled reference set is low"
    Options = AboveHullOptions
    expensive = True

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the value is in eV/atom, negative below the known hull."""
        crystals = [candidate.structure for candidate in candidates]
        heights = properties.energies_above_hull(crystals, self.context.device)
        return [self._one(c, float(h)) for c, h in zip(crystals, heights, strict=True)]

    def _one(self, crystal: str, height: float) -> Verdict:
        from nucleate.crystals.hull import Hull

        options: AboveHullOptions = self.options
        if not np.isfinite(height):
            reason = "no CHGNet energy, or an element without reference"
            return Verdict(False, reason=reason)
        competing = Hull.bundled().competing(composition(crystal))
        reason = ""
        if height > options.maximum:
            reason = (
                f"{height:.3f} eV/atom above the hull of {competing} competing compositions, more "
                f"than {options.maximum:g}"
            )
        elif height < options.minimum:
            reason = (
                f"{-height:.3f} eV/atom below the hull of {competing} competing compositions is "
                f"not credible"
            )
        elif competing < options.competing:
            reason = f"only {competing} competing compositions, need {options.competing}"
        columns = {"competing_entries": competing}
        return Verdict(not reason, value=round(height, 5), reason=reason, columns=columns)
