"""Crystals as canonical Wyckoff strings: pymatgen, moyopy, SMACT and CHGNet live here only."""

from __future__ import annotations

from nucleate.core.settings import Settings
from nucleate.matter.base import Matter
from nucleate.matter.part import part


class Crystals(Matter):
    """Ordered crystals. The structure string is the canonical Wyckoff string (see `wyckoff`)."""

    name = "crystals"
    structure_column = "crystal"
    reader = part("nucleate.crystals.io.read:CrystalReader")
    codecs = part("nucleate.crystals.codec.codecs:CrystalCodecs")
    identity = part("nucleate.crystals.geometry.lookup:CrystalIdentity")
    properties = part("nucleate.crystals.properties:CrystalProperties")
    checks = part("nucleate.crystals.checks:CrystalChecks")
    variations = part("nucleate.crystals.edits:CrystalVariations")
    guide = part("nucleate.crystals.conditions.guide:CrystalGuide")
    export = part("nucleate.crystals.io.write:CrystalExport")

    def condition_options(self) -> type[Settings]:
        from nucleate.crystals.conditions.options import CrystalConditions

        return CrystalConditions
