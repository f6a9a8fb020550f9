"""pymatgen Structures and ASE Atoms in and out."""

from __future__ import annotations

from typing import Any

from nucleate.core.errors import StructureError
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
            Atoms(thing.numbers, thing.positions, cell=thing.cell)
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
