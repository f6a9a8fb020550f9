"""Checks on rings and on stereochemistry."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from nucleate.core.settings import Settings
from nucleate.matter.checks import Verdict
from nucleate.molecules.alerts.strain import strain, unspecified_stereo
from nucleate.molecules.checks.single_check import SingleCheck


class RingsOptions(Settings):
    maximum_ring: Annotated[int, Field(ge=3)] = 8
    """Largest ring, in atoms."""
    maximum_rings: Annotated[int, Field(ge=0)] = 8
    """Most rings of the smallest set."""
    maximum_three_rings: Annotated[int, Field(ge=0)] = 3
    """Most three-membered rings, wherever they are."""


class RingsCheck(SingleCheck):
    """No macrocycle, no bond arrangement too strained to exist. The value is the largest ring.

    See `nucleate.molecules.alerts.strain` for what counts as too strained.
    """

    name = "rings"
    description = (
        "no macrocycle, cumulated double bonds, alkyne, allene or trans alkene in a small ring, "
        "cyclopropene, cyclobutadiene, bridgehead double bond (Bredt's rule), small rings fused "
        "to each other, bent arene or small propellane"
    )
    Options = RingsOptions

    @property
    def threshold(self) -> str:
        return f"at most {self.options.maximum_ring} atoms"

    def judge(self, found: Any, smiles: str) -> Verdict:
        options = self.options
        sizes = [len(ring) for ring in found.GetRingInfo().AtomRings()]
        largest = max(sizes, default=0)
        if largest > options.maximum_ring:
            return Verdict(False, largest, f"a ring of {largest} atoms")
        if len(sizes) > options.maximum_rings:
            return Verdict(False, largest, f"{len(sizes)} rings")
        reason = strain(found)
        three = sizes.count(3)
        if not reason and three > options.maximum_three_rings:
            reason = f"{three} three-membered rings"
        return Verdict(not reason, largest, reason)


class StereoOptions(Settings):
    maximum_unspecified: Annotated[int, Field(ge=0)] = 8
    """Most stereocentres and double bonds left open, together. A racemate has one; a flat drawing
    of n has up to 2^n isomers. Ask for 0 where a candidate must be one compound."""


class StereoCheck(SingleCheck):
    """Few stereocentres and double bonds are left open. The value is their number.

    Columns: `unspecified_stereocentres`, `unspecified_double_bonds`.
    """

    name = "stereo"
    description = "few stereocentres and double bonds without a stated configuration"
    Options = StereoOptions

    @property
    def threshold(self) -> str:
        return f"at most {self.options.maximum_unspecified}"

    def judge(self, found: Any, smiles: str) -> Verdict:
        centres, bonds = unspecified_stereo(found)
        columns = {"unspecified_stereocentres": centres, "unspecified_double_bonds": bonds}
        total, limit = centres + bonds, self.options.maximum_unspecified
        reason = ""
        if total > limit:
            reason = (
                f"{centres} stereocentres and {bonds} double bonds are unspecified, "
                f"at most {limit} may be"
            )
        return Verdict(not reason, total, reason, columns)
