"""pymatgen Structures, their JSON among them, and ASE Atoms in and out."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.crystals.io.parsed import Parsed, atomic_number, isotope_notes
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff


def from_object(thing: Any) -> str | None:
    """Return what `standardise` takes of a pymatgen Structure or of ASE Atoms, None of anything
    else.

    Raises:
        StructureError: `not_periodic`.
    """
    from ase import Atoms
    from pymatgen.core import IStructure
    from pymatgen.io.ase import AseAtomsAdaptor

    if isinstance(thing, Atoms):
        if not all(thing.pbc):
            raise StructureError("not_periodic", "ASE Atoms without a full pbc")
        thing = AseAtomsAdaptor.get_structure(
            Atoms(thing.numbers, thing.positions, cell=thing.cell, pbc=True)
        )
    return str(thing.to_json()) if isinstance(thing, IStructure) else None


def to_object(crystal: str, form: str) -> Any:
    """Return a pymatgen Structure or ASE Atoms, in the primitive cell.

    Raises:
        StructureError: the Wyckoff string cannot be read.
    """
    structure = structure_from_wyckoff(crystal)
    if form == "pymatgen":
        return structure
    from pymatgen.io.ase import AseAtomsAdaptor

    return AseAtomsAdaptor.get_atoms(structure, msonable=False)


def read_json(text: str) -> Parsed:
    """Read the JSON of a pymatgen Structure.

    Not by pymatgen, whose decoder imports whatever module a text names.

    Raises:
        StructureError: `unreadable`, `empty`, `not_periodic`, `disorder`, `partial_occupancy`,
            `unknown_element`.
    """
    try:
        thing = json.loads(text)
        if not all(thing["lattice"].get("pbc", [True])):
            raise StructureError("not_periodic", "a Structure without a full pbc")
        lattice = np.array(thing["lattice"]["matrix"], np.float64).reshape(3, 3)
        points = np.array([site["abc"] for site in thing["sites"]], np.float64).reshape(-1, 3)
        species = [
            [(str(s["element"]), float(s["occu"])) for s in site["species"]]
            for site in thing["sites"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"not the JSON of a pymatgen Structure ({type(error).__name__}: {error})"
        raise StructureError("unreadable", said[:200]) from None
    if not species:
        raise StructureError("empty", "no atoms")
    symbols = []
    for number, shared in enumerate(species, start=1):
        shown = ", ".join(f"{symbol} {share:g}" for symbol, share in shared)
        if len(shared) != 1:
            raise StructureError("disorder", f"site {number} is shared: {shown}")
        symbol = re.sub(r"\d*[+-]$", "", shared[0][0])  # Fe3+ of old versions
        if abs(shared[0][1] - 1) > 1e-4:
            raise StructureError("partial_occupancy", f"site {number}: {shown}")
        if atomic_number(symbol) is None:
            raise StructureError("unknown_element", f"site {number}: {symbol}")
        symbols.append(symbol)
    numbers = np.array([atomic_number(symbol) for symbol in symbols], np.int64)
    return Parsed((lattice, points, numbers), isotope_notes(symbols))
