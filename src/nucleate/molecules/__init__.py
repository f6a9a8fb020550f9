"""Molecules as canonical SMILES: RDKit and SELFIES live in this package and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.matter.base import Matter
from nucleate.matter.checks import Check
from nucleate.matter.codec import Codec, RawRow, Standardised
from nucleate.matter.properties import Property
from nucleate.matter.variation import Comparison, Edits
from nucleate.molecules import options as _options
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings

if TYPE_CHECKING:
    from nucleate.matter.conditions import Guide
    from nucleate.matter.identity import Identity
    from nucleate.vae.legality import Legality
    from nucleate.vae.schema import Schema


class Molecules(Matter):
    """Small organic molecules. The structure string is RDKit's canonical isomeric SMILES."""

    name = "molecules"
    structure_column = "smiles"
    StandardiseOptions = _options.StandardiseOptions
    CodecOptions = _options.CodecOptions
    screening = {"maximum_heavy_atoms": 200}  # noqa: RUF012 (constant)
    split_kinds = ("random", "scaffold")

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        from nucleate.molecules.io.read import read_rows

        return read_rows(source, dataset)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        from nucleate.molecules.io.standardise import standardise

        return standardise(payload, options)

    def same(self, first: str, second: str) -> bool:
        """Canonical SMILES are unique, stereo included."""
        return first == second

    def altered(self, text: str, structure: str) -> bool:
        """Whether the SMILES is of another molecule: parts left out, charges taken away."""
        from nucleate.molecules.chemistry.chem import canonical, parse

        molecule = parse(text)
        return molecule is not None and canonical(molecule) != structure

    def split_key(self, structure: str, kind: str) -> str:
        """The structure itself, or its Bemis-Murcko scaffold (acyclic molecules stay apart)."""
        if kind != "scaffold":
            return structure
        from nucleate.molecules.chemistry.chem import scaffold

        return scaffold(structure) or structure

    def fit_codec(self, structures: Sequence[str], options: Any, seed: int) -> Codec:
        from nucleate.molecules.codecs.registry import fit_codec

        return fit_codec(structures, options, seed)

    def load_codec(self, data: Mapping[str, Any]) -> Codec:
        from nucleate.molecules.codecs.registry import load_codec

        return load_codec(data)

    def spellings(self, structure: str, count: int, seed: int) -> list[str]:
        from nucleate.molecules.chemistry.chem import random_spellings

        return random_spellings(structure, count, seed)

    def legality(self, schema: Schema) -> Legality:
        from nucleate.molecules.codecs.legality import PreorderLegality, SelfiesLegality

        return (PreorderLegality if schema.options.get("preorder") else SelfiesLegality)(schema)

    def guide(self) -> Guide:
        from nucleate.molecules.conditions.guide import MoleculeGuide

        return MoleculeGuide(self)

    def identity(self) -> Identity:
        from nucleate.molecules.chemistry.lookup import MoleculeIdentity

        return MoleculeIdentity()

    def comparison(self) -> Comparison:
        from nucleate.molecules.chemistry.comparison import MoleculeComparison

        return MoleculeComparison()

    def edits(self, codec: Codec) -> dict[str, Edits]:
        from nucleate.molecules.edits.token_edits import edits

        return edits(codec)

    def regrowth(
        self, codec: Codec, structures: Sequence[str | None], seed: int
    ) -> Legality | None:
        from nucleate.molecules.edits.token_edits import regrowth

        return regrowth(codec, structures, seed)

    def properties(self) -> dict[str, str]:
        from nucleate.molecules.properties import properties

        return properties()

    def usual_properties(self) -> list[str]:
        """All but RDKit's descriptors."""
        from nucleate.molecules.properties import usual_properties

        return usual_properties()

    def property(self, name: str, arguments: Mapping[str, Any]) -> Property:
        from nucleate.molecules.properties import build

        return build(name, arguments)

    def default_objectives(self) -> tuple[PropertySettings, ...]:
        """Drug-like (QED), easy to make (SA score), and of a moderate logP."""
        return (
            PropertySettings(property="qed", low=0.0, high=1.0),
            PropertySettings(property="sa_score", goal="minimise", low=2.0, high=6.0),
            PropertySettings(
                property="logp", goal="range", low=0.0, high=4.0, tolerance=1.0, weight=0.5
            ),
        )

    def checks(self) -> dict[str, type[Check]]:
        from nucleate.molecules.checks import CHECKS

        return {check.name: check for check in CHECKS}

    def forbidden(self, structures: Sequence[str]) -> list[str]:
        """Explosives, organophosphorus agents and their like: see `molecules.hazards`."""
        from nucleate.molecules.alerts.hazards import forbidden

        return [forbidden(structure) for structure in structures]

    def describe(self, structure: str) -> dict[str, Any]:
        from nucleate.molecules.io.draw import describe

        return describe(structure)

    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        from nucleate.molecules.io.draw import draw

        return draw(structure, width, height)

    def write_candidates(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
        from nucleate.molecules.io.write import write_candidates

        return write_candidates(folder, rows)

    def write_samples(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
        from nucleate.molecules.io.write import write_samples

        return write_samples(folder, rows)

    def write_reconstructions(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
        from nucleate.molecules.io.write import write_reconstructions

        return write_reconstructions(folder, rows)
