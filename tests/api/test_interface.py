"""The Python interface: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk
from pymatgen.core import Lattice, Structure
from rdkit import Chem

import nucleate
from nucleate.api import latent_space, search_verbs, stage_verbs
from nucleate.api.latents import Latents
from nucleate.api.search_verbs import objective_terms
from nucleate.api.structure_table import StructureTable, structure_table
from nucleate.api.structures import is_source, read_structures
from nucleate.core import version
from nucleate.core.errors import InputError, SettingsError
from nucleate.matter import registry
from nucleate.objectives.external.callables import register

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
SALT = "225 a:Na b:Cl | 5.6"


@pytest.fixture(scope="module")
def rock_salt() -> Structure:
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def test_importing_is_quick_and_brings_nothing_heavy():
    code = (
        "import sys, time; t = time.perf_counter(); import nucleate; s = time.perf_counter() - t;"
        "assert not {'torch', 'rdkit', 'pymatgen', 'pandas', 'numpy'} & set(sys.modules);"
        "assert {'sample', 'encode'} <= set(dir(nucleate)); print(s)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.5


def test_every_verb_is_where_the_package_looks_for_it():
    verbs = {
        name: module
        for module in (latent_space, search_verbs, stage_verbs)
        for name in nucleate._PLACES[module.__name__.rpartition(".")[2]]
    }
    assert {*verbs, "__version__"} == set(nucleate.__all__)
    assert all(getattr(nucleate, name) is getattr(verbs[name], name) for name in verbs)
    assert nucleate.__version__ == version.__version__


def test_unknown_names_are_no_attributes():
    with pytest.raises(AttributeError, match="no attribute 'encoed'"):
        _ = nucleate.encoed


@pytest.mark.parametrize(
    "given",
    [
        ASPIRIN,
        [ASPIRIN],
        (ASPIRIN,),
        np.array([ASPIRIN]),
        Chem.MolFromSmiles(ASPIRIN),
        [Chem.MolFromSmiles(ASPIRIN)],
        pd.Series([ASPIRIN], index=["aspirin"]),
        pd.DataFrame({"SMILES": [ASPIRIN], "pIC50": [5.0]}),
        pd.DataFrame({"mol": [Chem.MolFromSmiles(ASPIRIN)]}),
        (text for text in [ASPIRIN]),
    ],
)
def test_a_molecule_in_any_form_is_one_row(given: object):
    latents = nucleate.encode(given)
    assert latents.shape == (1, 128)
    assert latents.dtype == np.float32
    assert latents.structures == (ASPIRIN,)


def test_files_are_read(tmp_path):
    file = tmp_path / "mine.smi"
    file.write_text(f"{ASPIRIN} aspirin\nnonsense x\n")
    for given in (file, str(file)):
        found = read_structures(given, registry.get("molecules"))
        assert found.structures == [ASPIRIN, None]
        assert found.labels == ["aspirin", "x"]
        assert found.places == [0]
    assert is_source(str(file))
    assert not is_source(ASPIRIN)
    assert not is_source("C")


def test_a_crystal_in_any_form_is_one_row(rock_salt: Structure):
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    given = [rock_salt, atoms, SALT, rock_salt.to(fmt="cif"), rock_salt.copy()]
    latents = nucleate.encode(given, "crystals")
    assert latents.structures == (SALT,) * 5
    assert nucleate.encode(rock_salt, "crystals").shape == (1, latents.shape[1])
    table = nucleate.decode(latents[:1], "crystals", as_="ase")
    assert table["ase"][0].get_chemical_formula() == "ClNa"


def test_refused_structures_are_rows_with_a_reason_all_the_way():
    latents = nucleate.encode([ASPIRIN, "nonsense", None, ""])
    assert latents.shape == (4, 128)
    assert np.isnan(latents[1:]).all()
    assert all(latents.reasons[1:])
    table = nucleate.decode(latents)
    assert table["smiles"].isna().tolist() == [False, True, True, True]
    assert table["reason"].tolist() == list(latents.reasons)
    plain = nucleate.decode(np.asarray(latents))
    assert "NaN" in plain["reason"][1]


def test_what_is_left_out_is_told():
    latents = nucleate.encode([f"{ASPIRIN}.[Na+]", ASPIRIN, "nonsense"])
    assert latents.structures[0] == latents.structures[1]
    assert latents.notes == (("left out sodium",), (), ())
    table = nucleate.reconstruct([f"{ASPIRIN}.[Na+].O", ASPIRIN])
    assert table["notes"].tolist() == ["left out sodium; left out water", ""]


def test_latents_are_an_array():
    latents = Latents.of(np.ones((2, 3), np.float32), ["a", None], ["", "why"])
    assert type(latents[0]) is np.ndarray
    assert type(latents + 1) is np.ndarray
    assert type(latents.latents) is np.ndarray
    assert latents.sum() == 6
    assert latents.reasons == ("", "why")


@pytest.mark.parametrize("given", [np.zeros((2, 7)), np.zeros(7), [[1.0, 2.0]], [["a"]]])
def test_latents_of_another_shape_are_refused(given: object):
    with pytest.raises(InputError, match=r"\[n, 128\]"):
        nucleate.decode(given)


def test_one_vector_and_a_column_of_vectors_are_decoded():
    latents = nucleate.encode([ASPIRIN])
    assert nucleate.decode(latents[0])["smiles"].tolist() == [ASPIRIN]
    assert nucleate.decode(pd.Series([latents[0].tolist()]))["smiles"].tolist() == [ASPIRIN]


def test_other_kinds_of_matter_are_refused_by_name(rock_salt: Structure):
    for given in (rock_salt, SALT, [SALT]):
        with pytest.raises(InputError, match="one of crystals, this is for molecules"):
            nucleate.encode(given, "molecules")
    with pytest.raises(InputError, match="one of molecules, this is for crystals"):
        nucleate.encode(Chem.MolFromSmiles("CCO"), "crystals")
    with pytest.raises(InputError, match="one of molecules, this is for crystals"):
        nucleate.encode(["CCO"], "crystals")
    mixed = nucleate.encode(["CCO", rock_salt])
    assert "wrong_matter" in mixed.reasons[1]


def test_a_table_without_structures_says_what_it_has():
    with pytest.raises(InputError, match=r"no column smiles.*it has: x, y"):
        nucleate.encode(pd.DataFrame({"x": [1], "y": [2]}))


def test_misspelt_settings_are_refused():
    with pytest.raises(SettingsError, match="cuont: unknown key"):
        nucleate.sample("molecules", 3, cuont=5)
    with pytest.raises(SettingsError, match="trails: unknown key"):
        nucleate.optimize("molecules", "qed", trails=5)
    with pytest.raises(SettingsError, match="no property named 'qde'"):
        nucleate.optimize("molecules", "qde", trials=5)


def test_tables_draw_and_compute():
    rows = [{"structure": ASPIRIN, "log_likelihood": -1.0, "latent": [0.0]}, {"structure": None}]
    table = structure_table(registry.get("molecules"), rows)
    assert list(table.columns) == ["smiles", "log_likelihood", "latent"]
    assert table.head(1).matter_name == "molecules"
    assert isinstance(table[table["smiles"].notna()], StructureTable)
    shown = table._repr_html_()
    assert shown is not None
    assert shown.count("<svg") == 1
    assert len(shown) < 20_000
    assert table.to_objects()[0].GetNumHeavyAtoms() == 13
    assert table.to_objects("string") == [ASPIRIN, None]
    with pytest.raises(SettingsError, match="come as rdkit, string"):
        table.to_objects("ase")
    values = table.with_properties("qed")["qed"]
    assert 0.5 < values[0] < 0.6
    assert np.isnan(values[1])


def test_objectives_are_texts_functions_and_tables():
    def rings(smiles: str) -> float:
        return float(smiles.count("1"))

    key, name = register(rings)
    terms = objective_terms(["logp:range=1..3", rings, {"python": rings, "goal": "minimise"}])
    assert name == "rings"
    assert terms[0]["goal"] == "range"
    assert terms[1] == {"python": key, "name": "rings"}
    assert terms[2]["goal"] == "minimise"
    assert objective_terms("qed") == [{"property": "qed"}]


def test_a_function_that_fails_costs_that_structure_only():
    def fussy(smiles: list[str]) -> list[float]:
        if any("N" in text for text in smiles):
            raise ValueError("no nitrogen")
        return [float(len(text)) for text in smiles]

    table = nucleate.optimize("molecules", [fussy, "qed"], trials=10, reference=16, batch=5)
    assert {"fussy", "qed", "score"} <= set(table.columns)
    assert table.attrs["summary"]["trials"] >= 10


def test_a_second_call_needs_no_second_loading():
    nucleate.encode("CCO")
    started = time.perf_counter()
    nucleate.encode("CCO")
    assert time.perf_counter() - started < 5.0
