"""Mechanical stability without phonons, for those that have come so far."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals import properties
from nucleate.crystals.checks.relaxation import EnergyCheck, group_title
from nucleate.crystals.energy.elasticity import elastic_tensors
from nucleate.crystals.energy.energy_model import DEFAULT, ModelName
from nucleate.crystals.energy.perturbation import (
    RelaxedPerturbation,
    double_cell,
    relax_perturbed,
)
from nucleate.crystals.wyckoff.matching import displacement
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff
from nucleate.matter.checks import Candidate, Verdict

if TYPE_CHECKING:
    from pymatgen.core import Structure

TOGETHER = 12
"""Crystals whose strained or rattled cells the model sees together."""


class StabilityCheck(EnergyCheck):
    """A check on structures that the model accepts. Any beyond the best few that the settings let
    it look at are not judged."""

    expensive: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("relaxation",)

    @abstractmethod
    def judge(self, crystals: Sequence[str], structures: Sequence[Structure]) -> list[Verdict]:
        """One verdict per structure."""

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`. Candidates beyond the option `limit` are not judged."""
        most = self.options.limit or len(candidates)
        rest = Verdict.unjudged(f"beyond the {most} best, which are all that is looked at")
        verdicts = [rest] * len(candidates)
        structures: dict[int, Structure] = {}
        for place, candidate in enumerate(candidates):
            if len(structures) >= most:
                break
            try:
                structure = structure_from_wyckoff(candidate.structure)
                refusal = self.model.refuse(structure)
            except StructureError as error:
                refusal = str(error)
            if beyond := self.beyond(candidate.structure):
                verdicts[place] = Verdict.unjudged(beyond)
            elif refusal:
                verdicts[place] = Verdict(False, reason=refusal)
            else:
                structures[place] = structure
        for start in range(0, len(structures), TOGETHER):
            part = list(structures)[start : start + TOGETHER]
            crystals = [candidates[place].structure for place in part]
            found = self.judge(crystals, [structures[place] for place in part])
            for place, verdict in zip(part, found, strict=True):
                verdicts[place] = verdict
        return verdicts


class ElasticOptions(Settings):
    energy_model: ModelName = DEFAULT
    """By which stresses."""
    least: float = 0.0
    """GPa; least eigenvalue of the stiffness matrix."""
    limit: NonNegativeInt = 0
    """Best candidates that are judged; 0 for all that come so far, so that none is handed out
    without. Those beyond a number are told as not judged."""


class ElasticCheck(StabilityCheck):
    """A crystal that some small strain lowers in energy is none."""

    name = "elastic"
    description = "Born's criterion: CHGNet's stiffness matrix is positive (atoms held in place)"
    Options = ElasticOptions
    limit = "at least {least:g} GPa"

    def judge(self, crystals: Sequence[str], structures: Sequence[Structure]) -> list[Verdict]:
        """The value is the least eigenvalue of the stiffness matrix, GPa (Born; Mouhat and Coudert
        2014, doi:10.1103/PhysRevB.90.224104)."""
        return [self._one(tensor) for tensor in elastic_tensors(structures, self.model)]

    def _one(self, tensor: Any | None) -> Verdict:
        options: ElasticOptions = self.options
        if tensor is None:
            return Verdict.unjudged(f"{self.model.title} refuses a strained cell")
        matrix = np.asarray(tensor.voigt)
        least = float(np.linalg.eigvalsh((matrix + matrix.T) / 2).min())
        columns = {
            "bulk_modulus": round(float(tensor.k_vrh), 2),
            "shear_modulus": round(float(tensor.g_vrh), 2),
        }
        reason = ""
        if least < options.least:
            reason = (
                f"mechanically unstable: the stiffness matrix has an eigenvalue of {least:.1f} "
                f"GPa, less than {options.least:g}"
            )
        return Verdict(not reason, round(least, 2), reason, columns)


class RattleOptions(Settings):
    energy_model: ModelName = DEFAULT
    """By which energies and forces."""
    push: PositiveFloat = 0.05
    """Displacement of each atom, angstrom."""
    force: PositiveFloat = 0.05
    """Threshold of forces (eV/A) and of the virial per atom (eV)."""
    steps: Positive = 40
    """Optimiser steps; what has not converged by then is judged as it stands."""
    maximum_gain: PositiveFloat = 0.03
    """eV/atom by which it may end lower."""
    double: bool = False
    """Whether the cell is doubled along its shortest vector first, for modes of alternate sign."""
    limit: NonNegativeInt = 0
    """Best candidates that are judged; 0 for all that come so far, so that none is handed out
    without. Those beyond a number are told as not judged."""


class RattleCheck(StabilityCheck):
    """Shaken, a crystal comes back to where it was."""

    name = "rattle"
    description = "Rattled and relaxed without symmetry it returns to its energy and structure"
    Options = RattleOptions
    usual: ClassVar[bool] = False
    limit = "at most {maximum_gain:g} eV/atom"

    def judge(self, crystals: Sequence[str], structures: Sequence[Structure]) -> list[Verdict]:
        """The value is the energy gained, eV/atom."""
        options: RattleOptions = self.options
        cells = [double_cell(one) for one in structures] if options.double else list(structures)
        ends = relax_perturbed(
            cells,
            properties.energies(crystals, self.model).tolist(),
            amplitude=options.push,
            fmax=options.force,
            maximum_steps=options.steps,
            seed=self.context.seed,
            model=self.model,
        )
        return [self._one(cell, end) for cell, end in zip(cells, ends, strict=True)]

    def _one(self, cell: Structure, end: RelaxedPerturbation) -> Verdict:
        options: RattleOptions = self.options
        if end.structure is None:
            return Verdict(False, reason=f"the relaxation after the rattle fails: {end.reason}")
        rms = displacement(cell, end.structure)
        columns: dict[str, Any] = {"rattled_space_group": group_title(end.space_group)}
        value = round(end.gain, 5)
        reason = ""
        if end.gain > options.maximum_gain:
            reason = (
                f"rattled by {options.push:g} A it falls by {end.gain:.3f} eV/atom, more than "
                f"{options.maximum_gain:g}"
            )
        elif rms is None:
            reason = f"rattled by {options.push:g} A it becomes another structure"
        if rms is not None:
            columns["rattle_rms"] = round(rms, 4)
        return Verdict(not reason, value, reason, columns)
