"""Molecules as canonical SMILES: RDKit and SELFIES live in this package and nowhere else."""

from __future__ import annotations

from nucleate.core.settings import Settings
from nucleate.matter.base import Matter
from nucleate.matter.part import part


class Molecules(Matter):
    """Small organic molecules. The structure string is RDKit's canonical isomeric SMILES."""

    name = "molecules"
    structure_column = "smiles"
    reader = part("nucleate.molecules.io.read:MoleculeReader")
    codecs = part("nucleate.molecules.codecs.molecule_codecs:MoleculeCodecs")
    identity = part("nucleate.molecules.chemistry.lookup:MoleculeIdentity")
    properties = part("nucleate.molecules.properties:MoleculeProperties")
    checks = part("nucleate.molecules.checks:MoleculeChecks")
    variations = part("nucleate.molecules.edits.token_edits:MoleculeVariations")
    guide = part("nucleate.molecules.conditions.guide:MoleculeGuide")
    export = part("nucleate.molecules.io.write:MoleculeExport")

    def condition_options(self) -> type[Settings]:
        return Settings
