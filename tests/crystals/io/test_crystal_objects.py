"""pymatgen Structures and ASE Atoms in and out."""

from __future__ import annotations

import pytest
from ase import Atoms
from pymatgen.core import Lattice, Structure

from nucleate.core.errors import StructureError
from nucleate.crystals.io.objects import from_object
from nucleate.matter import registry

SALT = "225 a:Na b:Cl | 5.6"


@pytest.mark.parametrize("form", ["pymatgen", "ase"])
def test_an_object_made_is_read_as_the_same_crystal(form: str):
    kind = registry.get("crystals")
    thing = kind.export.to_object(SALT, form)
    assert len(thing) == 2
    text = kind.reader.from_object(thing)
    assert kind.reader.standardise(text, kind.reader.resolve({}, "here")).structure == SALT


def test_the_conventional_cell_is_the_same_crystal():
    cell = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    reader = registry.get("crystals").reader
    assert reader.standardise(from_object(cell), reader.resolve({}, "here")).structure == SALT


def test_a_molecule_of_atoms_is_no_crystal():
    with pytest.raises(StructureError, match="not_periodic"):
        from_object(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]))
    assert from_object("NaCl") is None
