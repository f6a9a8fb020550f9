"""Molecules for people and other programs: pictures, SDF and CSV."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from nucleate.core.files import atomic_path
from nucleate.matter.export import Export, Rows
from nucleate.molecules.chemistry.chem import parse
from nucleate.molecules.chemistry.conformer import embed
from nucleate.molecules.io.draw import describe, draw

_FIRST = ("id", "smiles")


class MoleculeExport(Export):
    """Pictures by RDKit; SDF beside the tables."""

    def describe(self, structure: str) -> dict[str, Any]:
        return describe(structure)

    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        return draw(structure, width, height)

    def write_candidates(self, folder: Path, rows: Rows) -> list[Path]:
        """Write `candidates.sdf`: 3D coordinates with hydrogens, or 2D ones where none are found.

        The title is `candidate_id`; SMILES and all finite numbers are data fields.
        """
        path = folder / "candidates.sdf"
        with atomic_path(path) as temporary:
            writer = Chem.SDWriter(str(temporary))
            try:
                for row in rows:
                    molecule = _with_coordinates(str(row["smiles"]))
                    if molecule is None:
                        continue
                    molecule.SetProp("_Name", str(row.get("candidate_id", "")))
                    molecule.SetProp("smiles", str(row["smiles"]))
                    for name, value in row.items():
                        text = _number(value)
                        if text and name not in _FIRST:
                            molecule.SetProp(str(name), text)
                    writer.write(molecule)
            finally:
                writer.close()
        return [path]


def _with_coordinates(smiles: str) -> Any | None:
    found = embed(smiles)
    if found is not None:
        return found
    flat = parse(smiles)
    if flat is not None:
        with rdBase.BlockLogs():
            rdDepictor.Compute2DCoords(flat)
    return flat


def _number(value: Any) -> str:
    """A finite number as text, anything else as nothing."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
