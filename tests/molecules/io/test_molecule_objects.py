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


def test_what_a_smiles_cannot_hold_is_told_or_refused():
    molecule = Chem.MolFromSmiles("C[C@H](O)CF |&1:1|")
    assert from_object(molecule) == "C[C@H](O)CF |&1:1|"
    for query in (Chem.MolFromSmarts("[C,N]C"), Chem.MolFromSmiles("C~C")):
        with pytest.raises(StructureError, match="query"):
            from_object(query)
    with pytest.raises(StructureError, match="attachment_point"):
        from_object(Chem.MolFromSmiles("*CC"))
    with pytest.raises(StructureError, match="polymer"):
        from_object(Chem.MolFromSmiles("NCCO |Sg:n:1,2:n:ht|"))
    for label, allowed in (("OMe", False), ("OH", True)):
        labelled = Chem.MolFromSmiles("CCO", sanitize=not allowed)
        labelled.UpdatePropertyCache()
        labelled.GetAtomWithIdx(2).SetProp("molFileAlias", label)
        if allowed:
            assert from_object(labelled) == "CCO"
        else:
            with pytest.raises(StructureError, match="alias: atom 3 is labelled 'OMe'"):
                from_object(labelled)
