"""Molecules for people and other programs: pictures, SDF and CSV."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor, rdMolDescriptors
from rdkit.Chem.Draw import rdMolDraw2D

from nucleate.core.files import atomic_path
from nucleate.matter.export import Export, Rows, text_svg
from nucleate.molecules.chemistry.chem import molecule, parse, scaffold, weight
from nucleate.molecules.chemistry.conformer import embed as embed_molecule
from nucleate.molecules.chemistry.conformer import relax
from nucleate.molecules.io.objects import to_object

_FIRST = ("id", "smiles")
_EMBEDDED = "embedding_value"
"""What the check `embedding` says of a molecule that it has embedded: the force field."""


class MoleculeExport(Export):
    """Pictures by RDKit; SDF beside the tables."""

    object_forms = ("rdkit",)

    def describe(self, structure: str) -> dict[str, Any]:
        """Formula (Hill order), molecular weight (g/mol), counts, and Bemis-Murcko scaffold."""
        found = molecule(structure)
        if found is None:
            return {}
        with rdBase.BlockLogs():
            return {
                "formula": rdMolDescriptors.CalcMolFormula(found),
                "molecular_weight": round(weight(found), 3),
                "heavy_atoms": found.GetNumHeavyAtoms(),
                "rings": rdMolDescriptors.CalcNumRings(found),
                "formal_charge": Chem.GetFormalCharge(found),
                "stereocentres": rdMolDescriptors.CalcNumAtomStereoCenters(found),
                "scaffold": scaffold(structure),
            }

    def to_object(self, structure: str, form: str) -> Any:
        return to_object(structure, form)

    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        """One SVG element, scalable by its view box, on a transparent ground, without a header.

        What cannot be read is drawn as its text, so that a page never breaks.
        """
        found = molecule(structure)
        if found is None:
            return text_svg(structure, width, height)
        drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
        options: Any = drawer.drawOptions()
        options.clearBackground = False
        options.addStereoAnnotation = False
        with rdBase.BlockLogs():
            rdMolDraw2D.PrepareAndDrawMolecule(drawer, found)
        drawer.FinishDrawing()
        text = re.sub(r"<!--.*?-->", "", str(drawer.GetDrawingText()), flags=re.DOTALL)
        return re.sub(r"\n+", "\n", text[text.index("<svg") :]).strip()

    def write_candidates(self, folder: Path, rows: Rows, embed: bool = False) -> list[Path]:
        """Write `candidates.sdf`: the conformer of those that the check `embedding` has judged, or
        of all with `embed`; other molecules, and those without one, lie flat.

        A conformer is relaxed, as the one that `strain_energy` and `shortest_contact` are of, and
        carries its hydrogens. The title is `candidate_id`; SMILES and all finite numbers are data
        fields.
        """
        path = folder / "candidates.sdf"
        with atomic_path(path) as temporary:
            writer = Chem.SDWriter(str(temporary))
            try:
                for row in rows:
                    wanted = embed or row.get(_EMBEDDED) not in (None, "none", "")
                    found = _conformer(str(row["smiles"])) if wanted else None
                    found = _flat(str(row["smiles"])) if found is None else found
                    if found is None:
                        continue
                    found.SetProp("_Name", str(row.get("candidate_id", "")))
                    found.SetProp("smiles", str(row["smiles"]))
                    for name, value in row.items():
                        text = _number(value)
                        if text and name not in _FIRST:
                            found.SetProp(str(name), text)
                    writer.write(found)
            finally:
                writer.close()
        return [path]


def _conformer(smiles: str) -> Any | None:
    found = embed_molecule(smiles)
    if found is not None:
        relax(found)
    return found


def _flat(smiles: str) -> Any | None:
    found = parse(smiles)
    if found is not None:
        with rdBase.BlockLogs():
            rdDepictor.Compute2DCoords(found)
    return found


def _number(value: Any) -> str:
    """A finite number as text, anything else as nothing."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
