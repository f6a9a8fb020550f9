"""RDKit molecules in and out."""

from __future__ import annotations

import pytest
from rdkit import Chem

from nucleate.core.errors import StructureError
from nucleate.matter import registry
from nucleate.molecules.io.objects import from_object, to_object


def test_a_molecule_is_read_and_made():
    molecule = to_object("CCO", "rdkit")
    assert Chem.MolToSmiles(molecule) == "CCO"
    assert from_object(molecule) == "CCO"
    assert registry.get("molecules").reader.from_object(molecule) == "CCO"


def test_an_object_made_is_ones_own():
    molecule = to_object("CCO", "rdkit")
    molecule.SetProp("mine", "yes")
    assert not to_object("CCO", "rdkit").HasProp("mine")


def test_anything_else_is_none_of_ours():
    assert from_object(3) is None
    with pytest.raises(StructureError, match="unparsable"):
        to_object("none", "rdkit")
