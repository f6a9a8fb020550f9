"""Molecules for people: a picture, and the columns of a table."""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors
from rdkit.Chem.Draw import rdMolDraw2D

from nucleate.matter.export import text_svg
from nucleate.molecules.chemistry.chem import molecule, scaffold, weight


def describe(smiles: str) -> dict[str, Any]:
    """Formula (Hill order), molecular weight (g/mol), counts, and Bemis-Murcko scaffold."""
    found = molecule(smiles)
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
            "scaffold": scaffold(smiles),
        }


def draw(smiles: str, width: int = 220, height: int = 180) -> str:
    """One SVG element, scalable by its view box, on a transparent ground, without a header.

    What cannot be read is drawn as its text, so that a page never breaks.
    """
    found = molecule(smiles)
    if found is None:
        return text_svg(smiles, width, height)
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.addStereoAnnotation = False
    with rdBase.BlockLogs():
        rdMolDraw2D.PrepareAndDrawMolecule(drawer, found)
    drawer.FinishDrawing()
    text = re.sub(r"<!--.*?-->", "", str(drawer.GetDrawingText()), flags=re.DOTALL)
    return re.sub(r"\n+", "\n", text[text.index("<svg") :]).strip()
