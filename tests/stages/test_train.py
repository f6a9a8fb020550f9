"""Train, sample and reconstruct on a few real molecules: files, figures, resumption, refusals."""

from __future__ import annotations

import json
import time
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nucleate.core.deadline import Deadline
from nucleate.core.errors import CheckpointError, InputError, StructureError
from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.settings.model import NetworkSettings, PriorSettings, TrainSettings
from nucleate.settings.sample import SampleSettings
from nucleate.stages.featurize import SPELLINGS_NAME, featurize, load_records
from nucleate.stages.reconstruct import reconstruct
from nucleate.stages.sample import sample, sample_to
from nucleate.stages.train import _training_seconds, train
from nucleate.vae.checkpoint import load_latents

QUICK = TrainSettings(
    network=NetworkSettings(width=32, latent=8),
    prior=PriorSettings(steps=20, width=32, layers=1),
    epochs=2,
    batch=32,
)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    settings = FeaturizeSettings(
        dataset=DatasetSettings(source="nci", limit=150), spellings=2, processes=1
    )
    return featurize(settings, "molecules", tmp_path_factory.mktemp("run") / "featurize")


@pytest.fixture(scope="module")
def model(features: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("model")
    return train(QUICK, features, folder, matter_name="molecules", seed=1)


def test_a_model_s_folder_is_complete_and_explains_itself(
    features: Manifest, model: Manifest
) -> None:
    names = {output.name for output in model.outputs}
    assert names >= {"model.safetensors", "prior.safetensors", "model.json", "curves.csv"}
    info = json.loads(model.path("model.json").read_text())
    held_out = info["figures"]["held_out"]
    assert held_out["n"] == (load_records(features)["split"] == "test").sum()
    assert 0 <= held_out["exact_match"] <= 1
    assert held_out["loss"]["distortion"] == pytest.approx(held_out["loss"]["fragment"])
    curves = pd.read_csv(model.path("curves.csv"))
    assert list(curves["epoch"]) == [1, 2]
    assert np.isfinite(curves.to_numpy()).all()


def test_the_prior_is_fitted_to_canonical_spellings_only(
    features: Manifest, model: Manifest
) -> None:
    assert SPELLINGS_NAME in {output.name for output in features.outputs}
    latents = load_latents(Path(model.folder))
    assert len(latents["mean"]) == (load_records(features)["split"] == "train").sum()


def test_training_again_is_a_no_op_and_other_settings_are_not(
    features: Manifest, model: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("nucleate.stages.train._train", fails)
    folder = Path(model.folder)
    assert train(QUICK, features, folder, matter_name="molecules", seed=1) == model
    with pytest.raises(AssertionError, match="trained again"):
        train(
            QUICK.model_copy(update={"epochs": 3}),
            features,
            folder,
            matter_name="molecules",
            seed=1,
        )


def test_a_limit_of_time_covers_the_stage(
    features: Manifest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "nucleate.core.progress")
    endless = QUICK.model_copy(update={"epochs": 100_000, "patience": 100_000})
    limited = endless.model_copy(update={"maximum_minutes": 0.05})
    started = time.monotonic()
    made = train(limited, features, tmp_path, matter_name="molecules", seed=1)
    assert time.monotonic() - started < 20  # 3 s and what a busy machine adds
    assert made.metrics["epochs"] < 100_000
    assert "Of 0.05 minutes some" in caplog.text
    assert "held_out" in made.metrics


def test_what_a_limit_cannot_hold_is_told_before_training(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "nucleate.core.progress")
    monkeypatch.setattr("nucleate.core.deadline.time.monotonic", lambda: 0.0)
    assert _training_seconds(Deadline(1.0), 12.0) == 48.0
    assert "expect" not in caplog.text
    assert _training_seconds(Deadline(1.0), 90.0) == 30.0
    assert "They are too few: expect some 60 s more." in caplog.text


def test_another_kind_of_matter_is_refused(features: Manifest, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds molecules, not crystals"):
        train(QUICK, features, tmp_path, matter_name="crystals")


def test_samples_are_molecules_and_the_same_seed_gives_the_same(
    model: Manifest, tmp_path: Path
) -> None:
    settings = SampleSettings(count=30, temperature=1.0)
    first = sample(settings, model, tmp_path / "a", matter_name="molecules", seed=4)
    again = sample(settings, model, tmp_path / "b", matter_name="molecules", seed=4)
    other = sample(settings, model, tmp_path / "c", matter_name="molecules", seed=5)
    tables = [pd.read_parquet(m.path("samples.parquet")) for m in (first, again, other)]
    assert tables[0]["structure"].equals(tables[1]["structure"])
    assert not tables[0]["structure"].equals(tables[2]["structure"])
    assert first.metrics["valid_share"] == 1.0

    summary = sample_to(Path(model.folder), 10, 4, tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "samples.csv")
    assert len(written) == summary["decoded"] == 10
    assert summary["seconds"] >= 0


def test_reconstruct_lists_every_row_of_the_file(model: Manifest, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(
        "id,smiles,pKi,reason,note\na,OCC,6.5,1,007\nb,nonsense,7,2,x\nc,c1ccccc1,,3,\n"
        "d,[Pt]CC,1,4,\ne,C[Te]C,2,5,\nf,CC,1,2,3,4\n"
    )
    source = DatasetSettings(source=str(table))
    figures = reconstruct(Path(model.folder), source, tmp_path / "out")
    assert figures["n"] == 2
    assert sum(figures["rejected_rows"].values()) == 4
    rebuilt = pd.read_csv(tmp_path / "out" / "reconstructed.csv", dtype={"note": str})
    assert list(rebuilt["id"]) == list("abcdef")
    assert list(rebuilt["row"]) == [1, 2, 3, 4, 5, 6]
    assert list(rebuilt["note"].fillna("")) == ["007", "x", "", "", "", ""]
    assert not {"given_id", "given_smiles"} & set(rebuilt)
    read = rebuilt["smiles"].notna()
    assert list(rebuilt["smiles"][read]) == ["CCO", "c1ccccc1"]
    assert rebuilt["pKi"].tolist() == pytest.approx([6.5, 7, nan, 1, 2, nan], nan_ok=True)
    assert rebuilt["given_reason"].dropna().tolist() == [1, 2, 3, 4, 5]
    texts = ["nonsense", "[Pt]CC", "C[Te]C", "f, CC, 1, 2, 3"]
    assert list(rebuilt["payload"][~read]) == texts
    assert rebuilt["reason"][~read].str.contains(":").all()
    assert rebuilt["exact_match"][~read].isna().all()
    exact = rebuilt["exact_match"][read]
    assert (exact == (rebuilt["smiles"] == rebuilt["reconstructed"])[read]).all()
    assert figures["exact_match"] == pytest.approx(exact.mean())
    assert figures["reading"]["rejected"]["unparsable"]["first"].startswith("row 2: ")


def test_reconstruct_says_what_it_left_out_beside_the_row(model: Manifest, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("smiles,pKi\nCC[NH3+].[Cl-],>5\nCCO,6\nCCC,7\n")
    source = DatasetSettings(source=str(table), properties=("pKi",))
    figures = reconstruct(Path(model.folder), source, tmp_path / "out")
    assert any(note.startswith("left out chloride") for note in figures["reading"]["notes"])
    assert figures["reading"]["unread"]["pKi"]["first"] == ["'>5' (row 1)"]
    first, second, _ = pd.read_csv(tmp_path / "out" / "reconstructed.csv")["notes"].fillna("")
    assert first.endswith("; pKi: '>5' is no number")
    assert second == ""


def test_reconstruct_tells_what_the_schema_refuses(
    model: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: LatentModel, structure: str) -> None:
        raise StructureError("too_long", "more than the schema holds")

    loaded = LatentModel.load(Path(model.folder), "cpu")
    monkeypatch.setattr(type(loaded.codec), "encode", refuse)
    table = tmp_path / "mine.csv"
    table.write_text("smiles\nCCO\n")
    figures = reconstruct(Path(model.folder), DatasetSettings(source=str(table)), tmp_path / "out")
    assert figures["refused"] == {"too_long": 1}
    (row,) = pd.read_csv(tmp_path / "out" / "reconstructed.csv").to_dict("records")
    assert row["reason"] == "too_long: more than the schema holds"
    assert row["exact_match"] is False


def test_reconstruct_refuses_a_file_without_structures(model: Manifest, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("id,smiles\nb,nonsense\n")
    with pytest.raises(InputError, match=r"mine\.csv.*unparsable.*row 1"):
        reconstruct(Path(model.folder), DatasetSettings(source=str(table)))


def test_decoding_in_worker_processes_changes_nothing(
    model: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = LatentModel.load(Path(model.folder), "cpu")
    latents = loaded.draw_prior(12, seed=0)
    here = loaded.decode(latents)
    monkeypatch.setattr("nucleate.latent.latent_model.POOL_FROM", 1)
    pooled = loaded.decode(latents)
    assert [(d.structure, d.reason) for d in pooled] == [(d.structure, d.reason) for d in here]
    # The networks run on fewer threads then, so sums are added up in another order.
    nats = [d.log_likelihood for d in here]
    assert [d.log_likelihood for d in pooled] == pytest.approx(nats, rel=1e-5)
