"""Checks of a crystal's form: legal, plausible density, no clashing atoms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat

from nucleate.core.errors import StructureError
from nucleate.core.settings import Settings
from nucleate.crystals import properties
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.geometry.contacts import Contacts, contacts, metals
from nucleate.crystals.geometry.describe import cell
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string, to_string
from nucleate.matter.checks import Candidate, EachCheck, Verdict


def failure(error: StructureError) -> Verdict:
    """The verdict on a candidate that cannot even be read."""
    return Verdict(False, reason=str(error))


class LegalCheck(EachCheck):
    """Equal strings are equal crystals only if every string is its crystal's canonical one."""

    name = "legal"
    description = "The Wyckoff string can be read, rebuilt, and is found again from the atoms"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`. A string that is not canonical is replaced by the one that is."""
        canonical = crystal = candidate.structure
        try:
            canonical = _rebuild(crystal)
        except StructureError as error:
            if error.reason != "overlapping_atoms":  # which `distances` will refuse
                raise
        if canonical != crystal and _rebuild(canonical) != canonical:
            return Verdict(False, reason="rebuilding it twice gives two different crystals")
        gene = from_string(canonical)
        columns = {
            "space_group": gene.group.symbol,
            "space_group_number": gene.space_group,
            "atoms": gene.atoms,
        }
        return Verdict(True, gene.group.title, columns=columns, structure=canonical)


def _rebuild(crystal: str) -> str:
    return to_string(canonical_wyckoff(*expand(crystal)))


class DensityOptions(Settings):
    lightest: PositiveFloat = 0.3
    """g/cm3; lithium has 0.53."""
    densest: PositiveFloat = 25.0
    """g/cm3; osmium has 22.6."""
    smallest_volume: PositiveFloat = 4.5
    """A^3 per atom; diamond has 5.7."""
    largest_volume: PositiveFloat = 120.0
    """A^3 per atom; caesium has 115."""


class DensityCheck(EachCheck):
    """Within what is known of condensed matter at ordinary pressure."""

    name = "density"
    description = "Density and volume per atom are plausible"
    Options = DensityOptions
    limit = "{lightest:g} to {densest:g} g/cm3"

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


class DistancesOptions(Settings):
    """Bounds are ratios of a distance to the sum of both covalent radii. Each default is what all
    but about one in a thousand of the training crystals keep, of those that have such a pair."""

    scaled: PositiveFloat = 0.67
    """Least ratio of any pair (uranyl's U=O bond has .68)."""
    metals: PositiveFloat = 0.7
    """Of two metals."""
    cations: PositiveFloat = 0.73
    """Of two atoms of positive oxidation state (potassium and its like come nearest)."""
    anions: PositiveFloat = 0.95
    """Of two like anions with full shells, such as two sulphide ions."""
    oxides: PositiveFloat = 1.2
    """Of two oxide or two fluoride ions (peroxides, which have 1.1, count as what they are)."""
    hydrogen: PositiveFloat = 0.92
    """Of hydrogen and a metal."""
    hydrogen_by_xrays: PositiveFloat = 0.72
    """Of hydrogen and a non-metal. X-rays see its electron, which is in the bond: C-H .93, N-H .86
    and O-H .82 A in SHELXL's riding model (AFIX), .7 A where they were refined freely; neutrons
    see 1.09, 1.01 and .98 A (Allen and Bruno 2010, doi:10.1107/S0108768110012048)."""
    two_hydrogens: PositiveFloat = 1.15
    """Of two hydrogen atoms (H2 has 1.2)."""
    shortest: PositiveFloat = 0.5
    """Least distance in angstrom (CDVAE's criterion, which alone says next to nothing)."""
    scattered: PositiveFloat = 1.6
    """Largest ratio of the closest contact: beyond, no atom touches another."""


class DistancesCheck(EachCheck):
    """Atoms neither clash nor float apart, each kind of pair by its own measure."""

    name = "distances"
    description = "No contact is too short for its kind of pair, by covalent radii (Cordero 2008)"
    Options = DistancesOptions
    limit = "at least {scaled:g}"

    def one(self, candidate: Candidate) -> Verdict:
        """See `EachCheck.one`; the value is the least scaled distance, that of `tightest_pair`.
        `shortest_distance` is that of `closest_pair`."""
        limits: DistancesOptions = self.options
        found = nearest(*cell(candidate.structure))
        columns = {
            "shortest_distance": round(found.distance, 4),
            "closest_pair": "-".join(SYMBOLS[z - 1] for z in found.closest),
            "tightest_pair": "-".join(SYMBOLS[z - 1] for z in found.pair),
        }
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
        else:
            reason = self._by_kind(contacts(candidate.structure))
        return Verdict(not reason, value=round(found.scaled, 4), reason=reason, columns=columns)

    def _by_kind(self, found: Contacts) -> str:
        """The first kind of pair that is too near, as a reason; empty if none is."""
        limits: DistancesOptions = self.options
        for kind, mask, least in kinds(found, limits):
            if not mask.any():
                continue
            place = int(np.where(mask, found.scaled, np.inf).argmin())
            if found.scaled[place] < least:
                pair = [found.symbols[i[place]] for i in (found.first, found.second)]
                return (
                    f"{kind} {'-'.join(pair)} are {found.distance[place]:.2f} A apart, "
                    f"{found.scaled[place]:.2f} of the sum of covalent radii, less than {least:g}"
                )
        return ""


def kinds(
    found: Contacts, limits: DistancesOptions
) -> Iterator[tuple[str, NDArray[np.bool_], float]]:
    """Kinds of pairs: name, which of the contacts are of that kind, and their least ratio."""
    i, j = found.first, found.second
    hydrogen = found.numbers == 1
    yield "two hydrogen atoms", hydrogen[i] & hydrogen[j], limits.two_hydrogens
    metal = metals()[found.numbers]
    bound = (hydrogen[i] ^ hydrogen[j]) & ~(metal[i] | metal[j])
    yield "hydrogen and a non-metal", bound, limits.hydrogen_by_xrays
    yield "hydrogen and another atom", (hydrogen[i] ^ hydrogen[j]) & ~bound, limits.hydrogen
    yield "two metals", metal[i] & metal[j], limits.metals
    positive = (found.charges > 0) & ~hydrogen
    yield "two cations", positive[i] & positive[j], limits.cations
    like = found.full_shells()[i] & (found.numbers[i] == found.numbers[j]) & ~hydrogen[i]
    light = np.isin(found.numbers, (8, 9))[i]
    yield "two oxide or fluoride ions", like & light, limits.oxides
    yield "two anions", like & ~light, limits.anions
