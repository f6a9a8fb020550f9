"""Conditions are met by every row, computed here apart from the code that keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.generation.conditional_sampling import generate
from nucleate.generation.task import check_conditions
from nucleate.latent.latent_model import LatentModel
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.regression.property_heads import fit_head, predict, save_heads
from nucleate.settings.sample import SampleSettings
from nucleate.stages.sample import draw_samples

LEAD = "CC(=O)Nc1ccc(O)cc1"
OTHER = "CCOC(=O)c1ccccc1"


def run(
    model: LatentModel, count: int = 20, seed: int = 1, **conditions: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    values = {"count": count, "conditions": conditions}
    return generate(model, validate(SampleSettings, values, "test"), seed)


def tanimoto(first: str, second: str) -> float:
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [morgan.GetFingerprint(Chem.MolFromSmiles(s)) for s in (first, second)]
    return DataStructs.TanimotoSimilarity(*prints)


def distinct(rows: list[dict[str, Any]]) -> bool:
    return len({Chem.CanonSmiles(r["structure"]) for r in rows}) == len(rows)


def test_near_a_lead(model: LatentModel) -> None:
    rows, summary = run(model, like=LEAD, similarity="0.4..0.8")
    assert len(rows) == summary["found"] == 20
    assert distinct(rows)
    assert LEAD not in {r["structure"] for r in rows}
    for row in rows:
        assert row["similarity"] == pytest.approx(tanimoto(LEAD, row["structure"]))
        assert 0.4 <= row["similarity"] <= 0.8
        assert 0 <= row["noise"] <= 1
        assert row["parent"] == LEAD
    assert sum(summary["refused"].values()) + summary["found"] <= summary["draws"]


def test_between_two_structures(model: LatentModel) -> None:
    rows, _ = run(model, between=(LEAD, OTHER))
    shares = [r["share"] for r in rows]
    assert len(rows) == 20
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.3
    assert 0.7 < shares[-1] <= 1
    assert distinct(rows)
    assert not {LEAD, OTHER} & {r["structure"] for r in rows}
    for row in rows:
        assert row["similarity_first"] == pytest.approx(tanimoto(LEAD, row["structure"]))
        assert row["similarity_second"] == pytest.approx(tanimoto(OTHER, row["structure"]))


@pytest.mark.parametrize("scaffold", ["c1ccccc1", "*c1ccc(*)cc1", "*C(=O)O"])
def test_around_a_scaffold(model: LatentModel, scaffold: str) -> None:
    rows, summary = run(model, scaffold=scaffold)
    part = Chem.MolFromSmarts(scaffold.replace("*", "[!#1]"))
    assert len(rows) == 20
    assert distinct(rows)
    assert all(Chem.MolFromSmiles(r["structure"]).HasSubstructMatch(part) for r in rows)
    assert "scaffold_not_kept" not in summary["refused"]


def test_properties_and_size(model: LatentModel) -> None:
    rows, summary = run(model, property={"logP": "1..3", "MW": "<=200"}, minimum_size=8)
    assert len(rows) == 20
    assert summary["conditions"]["property"]["logP"] == {"low": 1.0, "high": 3.0}
    for row in rows:
        molecule = Chem.MolFromSmiles(row["structure"])
        assert 1 <= Crippen.MolLogP(molecule) <= 3
        assert row["logp"] == pytest.approx(Crippen.MolLogP(molecule))
        assert Descriptors.MolWt(molecule) <= 200
        assert molecule.GetNumHeavyAtoms() >= 8


def test_conditions_combine(model: LatentModel) -> None:
    rows, _ = run(
        model,
        count=5,
        like=LEAD,
        similarity=">=0.3",
        scaffold="*Nc1ccc(O)cc1",
        property={"sa": "..3"},
        maximum_size=16,
    )
    marked = Chem.MolFromSmarts("[!#1][NH]c1ccc([OH])cc1")
    assert len(rows) == 5
    for row in rows:
        molecule = Chem.MolFromSmiles(row["structure"])
        assert molecule.HasSubstructMatch(marked)
        assert molecule.GetNumHeavyAtoms() <= 16
        assert tanimoto(LEAD, row["structure"]) >= 0.3
        assert row["sa_score"] <= 3


def test_budget_ends_the_search_and_is_named(model: LatentModel) -> None:
    rows, summary = run(model, property={"tpsa": "<=-1"}, budget=300)
    assert rows == []
    assert (summary["found"], summary["draws"]) == (0, 300)
    assert summary["refused"]["tpsa_too_high"] > 100
    assert "only 0 of 20 were found within the budget of 300 draws" in summary["note"]


def test_same_seed_same_rows(model: LatentModel) -> None:
    first, second, other = (
        run(model, count=5, seed=seed, like=LEAD, property={"logp": "0..3"})[0]
        for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_settings_of_draws_win(model: LatentModel) -> None:
    values = {"count": 5, "noise": 0.25, "temperature": 0.7, "conditions": {"like": LEAD}}
    rows, _ = generate(model, validate(SampleSettings, values, "test"), 0)
    assert {r["noise"] for r in rows} == {0.25}


def test_no_condition_is_an_ordinary_draw(model: LatentModel) -> None:
    rows, summary = draw_samples(model, SampleSettings(count=8), 0)
    assert summary["requested"] == 8
    assert "noise" not in (rows[0] if rows else {})


def checked(conditions: dict[str, Any], matter: Matter) -> None:
    settings = validate(SampleSettings, {"conditions": conditions}, "test")
    check_conditions(settings.conditions, matter)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"like": "c1cc"}, "like: .*not a valid SMILES"),
        ({"like": "CC.CCO"}, "like: .*several fragments"),
        ({"between": ["CC", "C=)"]}, "between: .*not a valid SMILES"),
        ({"between": ["OCC", "CCO"]}, "both structures are CCO"),
        ({"like": "CC", "between": ["CC", "CO"]}, "exclude each other"),
        ({"like": "CC", "similarity": "0.8..0.4"}, "exceeds the upper end"),
        ({"like": "CC", "similarity": "1.5..2"}, "empty"),
        ({"similarity": "0.4..0.8"}, "give like"),
        ({"scaffold": "c1ccccc1", "maximum_size": 6}, "at least 7 heavy atoms"),
        ({"scaffold": "*c1ccc(*)cc1", "maximum_size": 7}, "at least 8 heavy atoms"),
        ({"minimum_size": 9, "maximum_size": 8}, "exceeds maximum_size"),
        ({"property": {"logq": "1..2"}}, "no property named 'logq'"),
        ({"property": {"logp": "3..2"}}, "exceeds the upper end"),
        ({"property": {"logp": "high"}}, "not a window"),
        ({"property": {"logp": "1..2", "LOGP": "1..3"}}, "given twice"),
        ({"property": {"similarity": "0..1"}}, "takes one argument"),
        ({"composition": "NaCl"}, "composition: unknown key for molecules; known keys: between"),
    ],
)
def test_impossible_conditions_say_why(
    model: LatentModel, conditions: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        run(model, **conditions)
    with pytest.raises(SettingsError, match=words):
        checked(conditions, model.matter)


@pytest.mark.parametrize("option", ["like", "scaffold"])
def test_structure_beyond_the_model_is_named(model: LatentModel, option: str) -> None:
    with pytest.raises(SettingsError, match=f"{option}: the model cannot .*unknown_symbol"):
        run(model, **{option: "C[Se]C#CB(O)O"})


def test_latents_are_those_that_were_decoded(model: LatentModel) -> None:
    rows, _ = run(model, count=3, property={"logp": "0..5"})
    assert np.isfinite([r["latent"] for r in rows]).all()
    assert {len(r["latent"]) for r in rows} == {model.size}


def test_property_that_only_a_head_of_the_model_knows(model: LatentModel, tmp_path: Path) -> None:
    """A fine-tuned model's property, tested on what the structure itself encodes to."""
    known = model.decode(model.draw_prior(80, 0), 1.0)
    structures = sorted({d.structure for d in known if d.structure})
    latents, _ = model.encode(structures)
    labels = np.array([Crippen.MolLogP(Chem.MolFromSmiles(s)) for s in structures])
    head = fit_head("activity", latents, labels)
    assert head is not None
    save_heads(tmp_path, [head])
    info = {**model.info, "properties": [head.to_json()]}
    tuned = LatentModel(
        tmp_path, model.matter, model.codec, model.model, model.prior, info, model.device
    )
    low, high = np.nanquantile(predict(head, latents), [0.4, 0.8])
    window = {"low": float(low), "high": float(high)}
    rows, _ = run(tuned, count=5, property={"activity": window})
    assert len(rows) == 5
    again = predict(head, tuned.encode([r["structure"] for r in rows])[0])
    assert ((again >= low - 1e-2) & (again <= high + 1e-2)).all()
    # The rounding of an encoding depends on its batch, and the head's kernel magnifies it.
    np.testing.assert_allclose([r["activity"] for r in rows], again, atol=1e-2)


@pytest.mark.parametrize(
    "conditions",
    [{"scaffold": "x"}, {"minimum_size": 3}, {"like": "225 a:Na b:Cl | 5.6", "similarity": "..1"}],
)
def test_kind_of_matter_without_such_conditions_says_so(conditions: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="not offered for crystals"):
        checked(conditions, registry.get("crystals"))


def test_properties_are_for_every_kind_of_matter() -> None:
    checked({"property": {"Density": "2..4"}}, registry.get("crystals"))
