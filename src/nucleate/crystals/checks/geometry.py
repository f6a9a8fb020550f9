"""Checks of a crystal's form: legal, no clashing atoms, plausible density."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nucleate.config import Settings
from nucleate.crystals import properties
from nucleate.crystals.distances import nearest
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.gene import from_string, gene_from_structure, structure_from_gene, to_string
from nucleate.errors import StructureError
from nucleate.matter import Candidate, EachCheck, Verdict

Positive = Annotated[float, Field(gt=0)]


def failure(error: StructureError) -> Verdict:
    """The verdict on a candidate that cannot even be read."""
    return Verdict(False, reason=str(error))


class LegalCheck(EachCheck):
    """Equal strings are equal crystals only if every string is its crystal's canonical one."""

    name = "legal"
    description = "The Wyckoff string can be read, rebuilt, and is found again from the atoms"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`. A string that is not canonical is replaced by the one that is."""
        crystal = candidate.structure
        canonical = _rebuilt_or_overlapping(crystal)
        if canonical != crystal and _rebuilt(canonical) != canonical:
            return Verdict(False, reason="rebuilding it twice gives two different crystals")
        gene = from_string(canonical)
        columns = {"space_group": gene.space_group, "atoms": gene.atoms}
        return Verdict(True, value=gene.space_group, columns=columns, structure=canonical)


def _rebuilt(crystal: str) -> str:
    return to_string(gene_from_structure(structure_from_gene(from_string(crystal))))


def _rebuilt_or_overlapping(crystal: str) -> str:
    """The canonical string, or the given one if atoms coincide: `distances` will refuse that."""
    try:
        return _rebuilt(crystal)
    except StructureError as error:
        if error.reason != "overlapping_atoms":
            raise
        return crystal


class DistancesOptions(Settings):
    scaled: Positive = 0.7
    """Least ratio of a distance to the sum of covalent radii (real crystals: 1 % below .73)."""
    shortest: Positive = 0.5
    """Least distance in angstrom (CDVAE's criterion, which alone says next to nothing)."""
    scattered: Positive = 1.6
    """Largest ratio of the closest contact: beyond, no atom touches another."""


class DistancesCheck(EachCheck):
    """Atoms neither clash nor float apart."""

    name = "distances"
    description = "Closest contact over the sum of covalent radii (Cordero 2008) is plausible"
    Options = DistancesOptions

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the scaled distance."""
        limits: DistancesOptions = self.options
        found = nearest(*properties.cell(candidate.structure))
        reason = ""
        if found.scaled < limits.scaled:
            reason = (
                f"a contact of {found.pair_distance:.2f} A is {found.scaled:.2f} of the sum of "
                f"covalent radii, less than {limits.scaled:g}"
            )
        elif found.distance <= limits.shortest:
            reason = f"two atoms are {found.distance:.2f} A apart, need {limits.shortest:g} A"
        elif found.scaled > limits.scattered:
            reason = (
                f"no atoms touch: the closest contact is {found.scaled:.2f} of the sum of covalent "
                f"radii, more than {limits.scattered:g}"
            )
        columns = {
            "shortest_distance": round(found.distance, 4),
            "closest_pair": "-".join(SYMBOLS[z - 1] for z in found.pair),
        }
        return Verdict(not reason, value=round(found.scaled, 4), reason=reason, columns=columns)


class DensityOptions(Settings):
    lightest: Positive = 0.3
    """g/cm3; lithium has 0.53."""
    densest: Positive = 25.0
    """g/cm3; osmium has 22.6."""
    smallest_volume: Positive = 4.5
    """A^3 per atom; diamond has 5.7."""
    largest_volume: Positive = 120.0
    """A^3 per atom; caesium has 115."""


class DensityCheck(EachCheck):
    """Within what is known of condensed matter at ordinary pressure."""

    name = "density"
    description = "Density and volume per atom are plausible"
    Options = DensityOptions

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the density, g/cm3."""
        limits: DensityOptions = self.options
        crystal = candidate.structure
        density = properties.density(crystal)
        volume = properties.volume_per_atom(crystal)
        reason = ""
        if not limits.lightest <= density <= limits.densest:
            reason = (
                f"{density:.2f} g/cm3 is outside {limits.lightest:g} to {limits.densest:g} g/cm3"
            )
        elif not limits.smallest_volume <= volume <= limits.largest_volume:
            reason = (
                f"{volume:.2f} A^3 per atom is outside {limits.smallest_volume:g} to "
                f"{limits.largest_volume:g} A^3"
            )
        return Verdict(
            not reason,
            value=round(density, 4),
            reason=reason,
            columns={"volume_per_atom": round(volume, 4)},
        )
