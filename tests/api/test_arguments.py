"""What people give the verbs by mistake, or in an uncommon form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from ase.build import bulk
from pymatgen.core import Lattice, Structure
from rdkit import Chem

import nucleate
from nucleate.api import arguments
from nucleate.core.errors import InputError, NucleateError, SettingsError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)


@pytest.fixture(scope="module")
def latents():
    return nucleate.encode([ASPIRIN, "CCO"])


@pytest.mark.parametrize(
    "given", [np.array(ASPIRIN), {"a": ASPIRIN}.values(), {ASPIRIN: 1}.keys(), {ASPIRIN}]
)
def test_uncommon_holders_of_structures(given):
    assert nucleate.encode(given).structures == (ASPIRIN,)


@pytest.mark.parametrize(
    "given",
    [
        np.array([[ASPIRIN]]),
        {"smiles": [ASPIRIN]},
        pd.DataFrame([[ASPIRIN, "C"]], columns=["smiles", "smiles"]),
        "missing.smi",
        "MISSING.CSV.gz",
    ],
)
def test_what_holds_no_list_of_structures_is_refused(given):
    with pytest.raises(InputError, match=r"not a |no such file"):
        nucleate.encode(given)


def test_nothing_is_nothing():
    assert nucleate.encode([]).shape == (0, 128)
    table = nucleate.decode(np.zeros((0, 128)))
    assert table.columns.tolist() == ["smiles", "log_likelihood", "reason"]
    with pytest.raises(InputError, match="no structure was given"):
        nucleate.screen([])


def test_latents_of_another_kind_of_matter_are_refused(latents):
    with pytest.raises(InputError, match="latent vectors of molecules are none of a model of cry"):
        nucleate.decode(latents, "crystals")


def test_tensors_are_decoded(latents):
    tensor = torch.tensor(np.asarray(latents), requires_grad=True)
    assert nucleate.decode(tensor)["smiles"].tolist() == [ASPIRIN, "CCO"]


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"noise": 2.0}, {"noise": -0.1}, {"seed": None}, {"model": None}],
)
def test_wrong_arguments_are_refused(latents, wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        nucleate.decode(latents, **wrong)


def test_complex_numbers_are_refused():
    with pytest.raises(InputError, match="complex"):
        nucleate.decode(np.zeros((1, 128), complex))


def test_seeds_of_numpy_are_seeds():
    one, other = (nucleate.sample(count=3, seed=seed) for seed in (4, np.int64(4)))
    assert one["smiles"].tolist() == other["smiles"].tolist()
    with pytest.raises(SettingsError, match=r"1\.5"):
        arguments.whole_seed(1.5)


def test_a_loaded_model_stands_for_its_name():
    model = nucleate.load_model()
    assert arguments.model_place(model) == model.folder
    data = ["CCO", "CCN", "CCCO"]
    table = nucleate.optimize(model, "qed", data=data, trials=3, reference=4)
    assert table.attrs["summary"]["trials"] == 3


@pytest.mark.parametrize(
    ("lead", "model"),
    [
        (SALT, "crystals"),
        (bulk("NaCl", "rocksalt", a=5.6), "crystals"),
        (SALT.to(fmt="cif"), "crystals"),
        (Chem.MolFromSmiles("CCOc1ccccc1"), "molecules"),
    ],
)
def test_a_lead_may_be_an_object_or_a_text(lead, model):
    text = {"crystals": "225 a:Na b:Cl | 5.6", "molecules": "CCOc1ccccc1"}[model]
    one, other = (nucleate.sample(model, 1, like=like) for like in (lead, text))
    assert one.iloc[0, 0] == other.iloc[0, 0]


def test_a_lead_that_cannot_be_is_refused():
    disordered = Structure(Lattice.cubic(4), [{"Fe": 0.5, "Co": 0.5}], [[0, 0, 0]])
    for lead in (disordered, "no crystal", 3):
        with pytest.raises(NucleateError, match=r"is shared|neither a file|is no structure"):
            nucleate.sample("crystals", 1, like=lead)


def test_misspelt_keys_are_told_beside_those_of_settings_and_conditions():
    with pytest.raises(SettingsError, match=r"did you mean temperature.*similarity"):
        nucleate.sample(count=1, temprature=1.0)
    with pytest.raises(SettingsError, match="did you mean trials"):
        nucleate.optimize("molecules", "qed", trails=1)


def test_one_property_needs_no_list(tmp_path):
    table = pd.DataFrame({"smiles": ["C" * n + "O" for n in range(1, 15)]})
    table["dose"], table["note"] = np.arange(14.0), "text"
    features = nucleate.featurize(table, tmp_path / "a", properties="dose", processes=1)
    assert features.metrics["properties"] == {"dose": 14}
    with pytest.raises(InputError, match=r"'note': 14 of 14 cells .* are no numbers"):
        nucleate.featurize(table, tmp_path / "b", properties="note", processes=1)
    assert arguments.column_names(["a", "b"]) == ("a", "b")


def test_tables_keep_their_kind_of_matter_through_pandas():
    table = nucleate.reconstruct(["CCO", "<b>"])
    both = pd.concat([table, table[:1]], ignore_index=True)
    assert [one is None for one in both.to_objects()] == [False, True, False]
    merged = table.merge(pd.DataFrame({"smiles": ["CCO"], "assay": [1.0]}), on="smiles")
    assert merged.to_objects()[0].GetNumAtoms() == 3
    salts = nucleate.reconstruct([SALT], "crystals")
    assert pd.concat([table, salts]).matter_name == ""
    with pytest.raises(InputError, match="no column 'smiles' of structures"):
        table[["same"]].to_objects()


def test_texts_of_a_drawn_table_are_no_html():
    html = nucleate.reconstruct(["CCO", "<b>"])._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
