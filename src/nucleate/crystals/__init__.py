"""Crystals as canonical Wyckoff strings: pymatgen, moyopy, SMACT and CHGNet live here only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.core.settings import validate
from nucleate.crystals.codec.wyckoff_codec import CodecOptions
from nucleate.crystals.io.standardise import HoldOutOptions, StandardiseOptions
from nucleate.matter.base import Matter
from nucleate.matter.checks import Check
from nucleate.matter.codec import Codec, RawRow, Standardised
from nucleate.matter.properties import Property
from nucleate.matter.variation import Comparison, Edits
from nucleate.settings.data import DatasetSettings

if TYPE_CHECKING:
    import torch

    from nucleate.matter.conditions import Guide
    from nucleate.matter.identity import Identity
    from nucleate.vae.arrays import Batch
    from nucleate.vae.legality import Legality
    from nucleate.vae.refinement import Refiner
    from nucleate.vae.schema import Schema


class Crystals(Matter):
    """Ordered crystals. The structure string is the canonical Wyckoff string (see `gene`)."""

    name = "crystals"
    structure_column = "crystal"
    StandardiseOptions = StandardiseOptions
    CodecOptions = CodecOptions
    screening = {"maximum_atoms": 200, "maximum_input_atoms": 500}  # noqa: RUF012 (constant)
    split_kinds = ("random", "formula")
    HoldOutOptions = HoldOutOptions
    exchange_key = "cif"

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        from nucleate.crystals.io.read import read_rows

        return read_rows(source, dataset)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        from nucleate.crystals.io.standardise import standardise

        return standardise(payload, options)

    def same(self, first: str, second: str) -> bool:
        """Whether StructureMatcher, with CDVAE's tolerances, maps one onto the other."""
        from nucleate.crystals.wyckoff.canonical import same_crystal
        from nucleate.crystals.wyckoff.wyckoff_string import CDVAE_MATCHER

        return same_crystal(first, second, **CDVAE_MATCHER)

    def duplicate(self, first: str, second: str) -> bool:
        """Whether StructureMatcher, with its own tolerances, matches them."""
        from nucleate.crystals.wyckoff.canonical import same_crystal
        from nucleate.crystals.wyckoff.fingerprint import far_apart

        return not far_apart(first, second) and same_crystal(first, second)

    def key(self, structure: str) -> str:
        """Space group, letters and elements without numbers."""
        from nucleate.crystals.wyckoff.wyckoff_string import prototype_key

        return prototype_key(structure)

    def split_key(self, structure: str, kind: str) -> str:
        """The structure itself, or its reduced formula."""
        if kind != "formula":
            return structure
        from nucleate.crystals.geometry.describe import reduced_formula

        return reduced_formula(structure)

    def groups(self) -> dict[str, Callable[[str], str]]:
        """`chemical_system`, `formula` (reduced), `prototype` (space group and letters, each
        element as a number)."""
        from nucleate.crystals.geometry.describe import composition, reduced_formula
        from nucleate.crystals.wyckoff.wyckoff_string import anonymous_key

        return {
            "chemical_system": lambda crystal: "-".join(sorted(composition(crystal))),
            "formula": reduced_formula,
            "prototype": anonymous_key,
        }

    def may_hold_out(self, structure: str, options: Any) -> bool:
        from nucleate.crystals.geometry.describe import composition

        return bool(options.allows(composition(structure)))

    def fit_codec(self, structures: Sequence[str], options: Any, seed: int) -> Codec:
        from nucleate.crystals.codec.wyckoff_codec import WyckoffCodec

        return WyckoffCodec.fit(structures, options)

    def load_codec(self, data: Mapping[str, Any]) -> Codec:
        from nucleate.crystals.codec.wyckoff_codec import WyckoffCodec

        return WyckoffCodec.load(data)

    def legality(self, schema: Schema) -> Legality:
        from nucleate.crystals.codec.legality import CrystalLegality

        return CrystalLegality(schema)

    def augment(
        self, schema: Schema, options: Mapping[str, Any]
    ) -> Callable[[Batch, torch.Generator], Batch] | None:
        from nucleate.crystals.codec.augment import AugmentOptions, build_augment

        return build_augment(schema, validate(AugmentOptions, options, "train.augment"))

    def refiner(self, schema: Schema) -> Refiner:
        from nucleate.crystals.codec.overlap_relief import OverlapRefiner

        return OverlapRefiner(schema)

    def guide(self) -> Guide:
        from nucleate.crystals.conditions.guide import CrystalGuide

        return CrystalGuide(self)

    def identity(self) -> Identity:
        from nucleate.crystals.geometry.lookup import CrystalIdentity

        return CrystalIdentity()

    def comparison(self) -> Comparison:
        from nucleate.crystals.geometry.comparison import CrystalComparison

        return CrystalComparison()

    def edits(self, codec: Codec) -> dict[str, Edits]:
        from nucleate.crystals.edits import edits

        return edits(codec)

    def regrowth(
        self, codec: Codec, structures: Sequence[str | None], seed: int
    ) -> Legality | None:
        """Arrangements that are kept while one or two elements are the decoder's."""
        from nucleate.crystals.conditions.substitution import regrowth

        return regrowth(codec, structures, seed)

    def properties(self) -> dict[str, str]:
        from nucleate.crystals.properties import properties

        return properties()

    def property(self, name: str, arguments: Mapping[str, Any]) -> Property:
        from nucleate.crystals.properties import build

        return build(name, arguments)

    def checks(self) -> dict[str, type[Check]]:
        from nucleate.crystals.checks import checks

        return checks()

    def describe(self, structure: str) -> dict[str, Any]:
        from nucleate.crystals.geometry.describe import describe

        return describe(structure)

    def title(self, structure: str) -> str:
        """Formula and space group: `NaCl, Fm-3m (225)`."""
        from nucleate.crystals.geometry.describe import title

        return title(structure)

    def exchange(self, structure: str) -> str:
        """Text of a CIF with the group's operations."""
        from nucleate.crystals.io.write import cif_text
        from nucleate.crystals.wyckoff.wyckoff_string import from_string

        return cif_text(from_string(structure), "crystal")

    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        from nucleate.crystals.io.draw import draw

        return draw(structure, width, height)

    def write_candidates(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
        from nucleate.crystals.io.write import write_candidates

        return write_candidates(folder, rows)

    def write_samples(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
        from nucleate.crystals.io.write import write_samples

        return write_samples(folder, rows)

    def write_best(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
        from nucleate.crystals.io.write import write_best

        return write_best(folder, rows)

    def write_reconstructions(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
        from nucleate.crystals.io.write import write_reconstructions

        return write_reconstructions(folder, rows)
