"""Molecules of a person's file as canonical SMILES."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.io.read import read_rows
from nucleate.molecules.io.standardise import standardise
from nucleate.molecules.options import StandardiseOptions
from nucleate.settings.data import DatasetSettings


class MoleculeReader(Reader):
    """Reads tables of SMILES and SDF."""

    Options = StandardiseOptions
    screening_options = {"maximum_heavy_atoms": 200}  # noqa: RUF012 (constant)

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        return read_rows(source, dataset)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        return standardise(payload, options)

    def differs(self, text: str, structure: str) -> bool:
        """Whether the SMILES is of another molecule: parts left out, charges taken away."""
        molecule = parse(text)
        return molecule is not None and canonical(molecule) != structure
