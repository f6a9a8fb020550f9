"""Probes of mechanical stability without phonons, for those that have come so far."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals import properties
from nucleate.crystals.energy.chgnet import refuse
from nucleate.crystals.energy.stability import RelaxedPerturbation, doubled, elastic_tensors, settle
from nucleate.crystals.wyckoff.matching import displacement
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff
from nucleate.matter.checks import Candidate, Check, Verdict

if TYPE_CHECKING:
    from pymatgen.core import Structure

Amount = Annotated[float, Field(gt=0)]
TOGETHER = 12
"""Crystals whose strained or rattled cells CHGNet sees together."""


class Probe(Check):
    """A check of the best few, on structures that CHGNet accepts; the others pass unjudged."""

    expensive: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("relaxation",)

    @abstractmethod
    def probe(self, crystals: Sequence[str], structures: Sequence[Structure]) -> list[Verdict]:
        """One verdict per structure."""

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`. Candidates beyond the option `limit` pass without a value."""
        verdicts: list[Verdict] = [Verdict(True) for _ in candidates]
        places: list[int] = []
        structures: list[Structure] = []
        for place, candidate in enumerate(candidates):
            if len(places) >= self.options.limit:
                break
            try:
                structure = structure_from_wyckoff(from_string(candidate.structure))
            except StructureError as error:
                verdicts[place] = Verdict(False, reason=str(error))
                continue
            clash = refuse(structure)
            if clash:
                verdicts[place] = Verdict(False, reason=clash)
                continue
            places.append(place)
            structures.append(structure)
        for start in range(0, len(places), TOGETHER):
            part = places[start : start + TOGETHER]
            crystals = [candidates[place].structure for place in part]
            found = self.probe(crystals, structures[start : start + TOGETHER])
            for place, verdict in zip(part, found, strict=True):
                verdicts[place] = verdict
        return verdicts


class ElasticOptions(Settings):
    least: float = 0.0
    """GPa; least eigenvalue of the stiffness matrix."""
    limit: Positive = 60
    """Best candidates that are judged."""


class ElasticCheck(Probe):
    """A crystal that some small strain lowers in energy is none."""

    name = "elastic"
    description = "Born's criterion: CHGNet's stiffness matrix is positive (atoms held in place)"
    Options = ElasticOptions

    @property
    def threshold(self) -> str:
        return f"at least {self.options.least:g} GPa"

    def probe(self, crystals: Sequence[str], structures: Sequence[Structure]) -> list[Verdict]:
        """See `Probe.probe`; the value is the least eigenvalue of the stiffness matrix, GPa (Born;
        Mouhat and Coudert 2014, doi:10.1103/PhysRevB.90.224104)."""
        return [self._one(tensor) for tensor in elastic_tensors(structures, self.context.device)]

    def _one(self, tensor: Any | None) -> Verdict:
        options: ElasticOptions = self.options
        if tensor is None:
            return Verdict(False, reason="CHGNet refuses a strained cell")
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
    push: Amount = 0.05
    """Displacement of each atom, angstrom."""
    force: Amount = 0.05
    """Threshold of forces (eV/A) and of the virial per atom (eV)."""
    steps: Positive = 40
    """Optimiser steps; what has not converged by then is judged as it stands."""
    maximum_gain: Amount = 0.03
    """eV/atom by which it may end lower."""
    double: bool = False
    """Whether the cell is doubled along its shortest vector first, for modes of alternate sign."""
    limit: Positive = 60
    """Best candidates that are judged."""


class RattleCheck(Probe):
    """Shaken, a crystal comes back to where it was."""

    name = "rattle"
    description = "Rattled and relaxed without symmetry it returns to its energy and structure"
    Options = RattleOptions
    usual: ClassVar[bool] = False

    @property
    def threshold(self) -> str:
        return f"at most {self.options.maximum_gain:g} eV/atom"

    def probe(self, crystals: Sequence[str], structures: Sequence[Structure]) -> list[Verdict]:
        """See `Probe.probe`; the value is the energy gained, eV/atom."""
        options: RattleOptions = self.options
        cells = [doubled(one) for one in structures] if options.double else list(structures)
        ends = settle(
            cells,
            properties.energies(crystals, self.context.device).tolist(),
            amplitude=options.push,
            fmax=options.force,
            maximum_steps=options.steps,
            seed=self.context.seed,
            device=self.context.device,
        )
        return [self._one(cell, end) for cell, end in zip(cells, ends, strict=True)]

    def _one(self, cell: Structure, end: RelaxedPerturbation) -> Verdict:
        options: RattleOptions = self.options
        if end.structure is None:
            return Verdict(False, reason=f"the relaxation after the rattle fails: {end.reason}")
        rms = displacement(cell, end.structure)
        columns: dict[str, Any] = {"rattled_space_group": end.space_group}
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
