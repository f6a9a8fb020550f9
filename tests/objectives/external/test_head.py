"""Objectives that the model itself predicts."""

from types import SimpleNamespace

import numpy as np
import pytest

from nucleate.core.errors import SettingsError, StructureError
from nucleate.latent.latent_model import LatentModel
from nucleate.objectives.build_objectives import build
from nucleate.objectives.objective import Objective
from nucleate.regression.property_heads import fit_head, save_heads
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.toy_matter import ToyMatter, ToyModel


@pytest.fixture
def fine_tuned(tmp_path):
    """The toy model with a fitted head for the sum of the numbers."""
    model = ToyModel([])
    rng = np.random.default_rng(0)
    latents = rng.normal(0, 3, (80, 4)).astype(np.float32)
    head = fit_head("band_gap", latents, latents.sum(1).astype(np.float64))
    save_heads(tmp_path, [head])
    model.folder, model.info = tmp_path, {"properties": [head.to_json()]}
    model.codec, model.model = None, SimpleNamespace(auxiliary={})
    return model


def test_a_fitted_head_is_an_objective(fine_tuned):
    term = PropertySettings(head="band_gap", unit="eV", goal="minimise", low=0, high=20)
    objective = Objective(ToyMatter(), [term], fine_tuned)
    objective.fit([])
    (scored,) = objective.score(["1,2,3,4"])
    assert scored.raw["band_gap"] == pytest.approx(10, abs=0.2)
    (described,) = objective.to_json()
    assert described["unit"] == "eV"
    assert "80 labels, leave-one-out R2 1.00" in described["description"]


def test_an_unknown_head_names_the_known_ones(fine_tuned):
    with pytest.raises(SettingsError, match="no head 'gap'; it has: band_gap"):
        build(ToyMatter(), fine_tuned, PropertySettings(head="gap"))


def test_a_structure_that_the_model_refuses_costs_only_itself(fine_tuned, monkeypatch):
    def encode(structures):
        latents = np.zeros((len(structures), 4), np.float32)
        latents[1] = np.nan
        return latents, {1: StructureError("too_long", "more than 4 numbers")}

    monkeypatch.setattr(fine_tuned, "encode", encode)
    built = build(ToyMatter(), fine_tuned, PropertySettings(head="band_gap"))
    assert np.isfinite(built.compute(["1,2,3,4", "1,2,3,4,5"])).tolist() == [True, False]
    assert built.failures == {"1,2,3,4,5": "too_long: more than 4 numbers"}


def test_what_the_shipped_model_was_trained_with_is_a_head():
    model = LatentModel.load("molecules", "cpu")
    targets = list(model.matter.guide.linear_targets(model.codec))
    with pytest.raises(SettingsError, match=f"it has: {targets[0]}"):
        build(model.matter, model, PropertySettings(head="band_gap"))
    smiles = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "c1ccc2ccccc2c1", "CCCCCCCCCCCC"]
    predicted = build(model.matter, model, PropertySettings(head="logp")).compute(smiles)
    exact = model.matter.properties.build("logp", {}).compute(smiles)
    assert np.corrcoef(predicted, exact)[0, 1] > 0.9
