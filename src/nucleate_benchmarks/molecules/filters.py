"""MOSES' filter of molecules: medicinal-chemistry alerts (MCF), PAINS, atoms, rings, charges.

Polykovskiy et al., Front. Pharmacol. 11 (2020) 565644. The lists of alerts are other people's data
and do not stand here. PAINS (Baell and Holloway 2010) comes with RDKit. MCF comes with the package
`molsets`, and is read from there if it is installed (`pip install --no-deps molsets`); the
package itself is never imported.
"""

from __future__ import annotations

import csv
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from rdkit import Chem, RDConfig, rdBase

ALLOWED_ATOMS = frozenset({"C", "N", "S", "O", "F", "Cl", "Br", "H"})
LARGEST_RING = 7
"""Atoms; MOSES refuses rings of eight and more."""
WITHOUT_MCF = (
    "Filters covers PAINS, atoms, rings and charges only: MOSES' own list of medicinal-chemistry "
    "alerts (MCF) is not at hand; `pip install --no-deps molsets` brings it"
)


def molsets_folder() -> Path | None:
    """Where an installed `molsets` keeps its lists, or None."""
    found = importlib.util.find_spec("moses")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "metrics"
        if (folder / "mcf.csv").is_file() and (folder / "wehi_pains.csv").is_file():
            return folder
    return None


def filters_name() -> str:
    """What the metric may be called: `Filters` only with both lists."""
    return "Filters" if molsets_folder() else "Filters (PAINS, no MCF)"


def _smarts(path: Path, column: int, header: bool) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1 if header else 0 :]
    return [row[column].strip() for row in rows if row]


@cache
def alerts() -> tuple[Any, ...]:
    """Query molecules of the lists at hand."""
    folder = molsets_folder()
    if folder is None:
        pains = Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv"
        smarts = _smarts(pains, 0, header=False)
    else:
        smarts = _smarts(folder / "mcf.csv", 1, header=True)
        smarts += _smarts(folder / "wehi_pains.csv", 0, header=False)
    with rdBase.BlockLogs():
        queries = [Chem.MolFromSmarts(text) for text in smarts]
    return tuple(query for query in queries if query is not None)


def passes(molecule: Any) -> bool:
    """Whether a molecule passes; alerts are looked for with explicit hydrogens, as MOSES does."""
    if any(len(ring) > LARGEST_RING for ring in molecule.GetRingInfo().AtomRings()):
        return False
    for atom in molecule.GetAtoms():
        if atom.GetFormalCharge() != 0 or atom.GetSymbol() not in ALLOWED_ATOMS:
            return False
    with_hydrogens = Chem.AddHs(molecule)
    return not any(with_hydrogens.HasSubstructMatch(query) for query in alerts())
