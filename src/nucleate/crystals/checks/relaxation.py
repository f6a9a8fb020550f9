"""Relaxation with an energy model, behind a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import PositiveFloat

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals import properties
from nucleate.crystals.energy.energy_model import DEFAULT, EnergyModel, ModelName, energy_model
from nucleate.crystals.energy.perturbation import RelaxedPerturbation, relax_perturbed
from nucleate.crystals.energy.relaxation import TOGETHER, Relaxed, relax
from nucleate.crystals.geometry.describe import reduced_formula
from nucleate.crystals.wyckoff.matching import displacement
from nucleate.crystals.wyckoff.symmetry import space_group
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff
from nucleate.matter.checks import Candidate, Check, CheckContext, Verdict
from nucleate.novelty.common_checks import Accepted, Budget


def group_title(number: int) -> str:
    """Symbol and number of a space group, `Fm-3m (225)`; `none found` for 0."""
    return space_group(number).title if number else "none found"


class BudgetOptions(Settings):
    limit: Positive = 120
    """Candidates that go on to relaxation."""
    per_formula: Positive = 3
    """Of one reduced formula at most."""
    maximum_atoms: Positive = 32
    """In the primitive cell; a relaxation's time grows with them."""


class BudgetCheck(Budget):
    """See `Budget`."""

    description = "Among the best, as many as the relaxation can afford"
    Options = BudgetOptions

    def beside(self, structure: str, place: int, accepted: Accepted) -> Verdict:
        """See `BestFirstCheck.beside`."""
        limits: BudgetOptions = self.options
        formula, atoms = reduced_formula(structure), from_string(structure).atoms
        if atoms > limits.maximum_atoms:
            reason = f"{atoms} atoms in the cell, at most {limits.maximum_atoms} are relaxed"
        else:
            reason = accepted.full(formula, limits.per_formula, "the same formula")
        if not reason and accepted.number >= limits.limit:
            reason = f"beyond the {limits.limit} best, which are all that is relaxed"
        if not reason:
            accepted.groups[formula] += 1
        return Verdict(not reason, value=place, reason=reason)


class EnergyCheck(Check):
    """A check that asks the energy model that its option `energy_model` names."""

    def __init__(self, options: Any, context: CheckContext):
        super().__init__(options, context)
        # The text for people names the default model.
        self.description = self.description.replace("CHGNet", self.model.title)  # type: ignore[misc]

    @property
    def model(self) -> EnergyModel:
        """On the run's device."""
        return energy_model(self.options.energy_model, self.context.device)

    def beyond(self, crystal: str) -> str:
        """Why the model cannot judge a crystal; empty if it can, or if it cannot be read."""
        try:
            return self.model.beyond(structure_from_wyckoff(crystal))
        except StructureError:
            return ""


class RelaxationOptions(Settings):
    energy_model: ModelName = DEFAULT
    """By which energies and forces; those of the group `nucleate.energy_models` are known."""
    force: PositiveFloat = 0.1
    """Threshold of the largest force (eV/A) and of the largest virial per atom (eV)."""
    steps: Positive = 50
    """Optimiser steps within which it must be reached."""
    keep_symmetry: bool = True
    """Whether the space group is kept, which is faster; a crystal may yet gain symmetry."""
    maximum_volume_change: PositiveFloat = 0.4
    """Largest relative change of the volume."""
    release: bool = True
    """Whether a crystal relaxed with its symmetry kept is pushed a little and relaxed again without
    symmetry: one that only its symmetry holds falls away."""
    push: PositiveFloat = 0.03
    """Displacement of each atom before the release, angstrom."""
    release_steps: Positive = 30
    """Optimiser steps of the release; what has not converged by then is judged as it stands."""
    maximum_release_gain: PositiveFloat = 0.05
    """eV/atom by which the released crystal may lie lower."""


class RelaxationCheck(EnergyCheck):
    """A crystal that was drawn well is near its own minimum."""

    name = "relaxation"
    description = "CHGNet relaxes it, StructureMatcher finds it unchanged, symmetry released too"
    Options = RelaxationOptions
    expensive = True
    independent = True
    chunk = TOGETHER  # models are quicker on batches
    limit = "{force:g} eV/A within {steps} steps"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`; the value is the rms displacement, the structure the relaxed one.

        Displacements are StructureMatcher's, in units of the cube root of the volume per atom.
        """
        verdicts: list[Verdict] = []
        for start in range(0, len(candidates), TOGETHER):
            crystals = [one.structure for one in candidates[start : start + TOGETHER]]
            relaxed = self._relax(crystals)
            verdicts += map(self._one, crystals, relaxed, self._release(relaxed))
        return verdicts

    def _relax(self, crystals: Sequence[str]) -> list[Relaxed]:
        options: RelaxationOptions = self.options
        found = relax(
            crystals,
            fmax=options.force,
            maximum_steps=options.steps,
            keep_symmetry=options.keep_symmetry,
            model=self.model,
        )
        return list(found)

    def _release(self, relaxed: Sequence[Relaxed]) -> list[RelaxedPerturbation | None]:
        """What became of those that have converged when they were let go of their symmetry."""
        options: RelaxationOptions = self.options
        out: list[RelaxedPerturbation | None] = [None] * len(relaxed)
        if not (options.release and options.keep_symmetry):
            return out
        held = {k: s for k, one in enumerate(relaxed) if (s := one.structure) and one.converged}
        ends = relax_perturbed(
            list(held.values()),
            [relaxed[place].energy for place in held],
            amplitude=options.push,
            fmax=options.force,
            maximum_steps=options.release_steps,
            seed=self.context.seed,
            model=self.model,
        )
        for place, end in zip(held, ends, strict=True):
            out[place] = end
        return out

    def _one(self, crystal: str, found: Relaxed, released: RelaxedPerturbation | None) -> Verdict:
        options: RelaxationOptions = self.options
        columns: dict[str, Any] = {"relaxation_steps": found.steps}
        if np.isfinite(found.residual_force):
            columns["residual_force"] = round(found.residual_force, 4)
            columns["residual_stress"] = round(found.residual_stress, 3)
        if not found.converged or found.structure is None or found.string is None:
            if beyond := self.beyond(crystal):
                return Verdict.unjudged(beyond)
            return Verdict(False, reason=found.reason, columns=columns)
        start = structure_from_wyckoff(crystal)
        end = structure_from_wyckoff(found.string)
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
        value = round(rms, 4)
        if abs(change) > options.maximum_volume_change:
            reason = (
                f"the volume changes by {change:+.0%} on relaxing, more than "
                f"{options.maximum_volume_change:.0%}"
            )
            return Verdict(False, value, reason, columns)
        columns["relaxation_rms"] = value
        reason = ""
        if released is not None and released.structure is None:
            reason = f"without its symmetry the relaxation fails: {released.reason}"
        elif released is not None:
            columns |= {
                "release_gain": round(released.gain, 5),
                "released_space_group": group_title(released.space_group),
            }
            if released.gain > options.maximum_release_gain:
                reason = (
                    "only its symmetry holds it: released from space group "
                    f"{from_string(found.string).group.title} it falls by {released.gain:.3f} "
                    f"eV/atom (space group {group_title(released.space_group)}), more than "
                    f"{options.maximum_release_gain:g}"
                )
        if reason:
            return Verdict(False, value, reason, columns)
        properties.remember(found.string, found.energy, options.energy_model)
        return Verdict(True, value, columns=columns, structure=found.string)
