"""Starting from a trained model: its codec for new data, its weights, keys, refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import Result

from nucleate.core.errors import CheckpointError
from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel, load_codec
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.stages.discover import StageCall
from nucleate.stages.featurize import featurize
from nucleate.stages.run_settings import check_settings, load_settings
from nucleate.stages.start import START_INPUT, check_start, started_model
from nucleate.stages.train import train
from nucleate.testing.tiny_model import QUICK
from nucleate.vae.training.transfer import interpolate, transfer_weights

TELLURIDE = "C[Te]C1CCCCC1"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> FeaturizeSettings:
    """Settings for a set of alcohols and amines with two tellurides."""
    path = tmp_path_factory.mktemp("mine") / "mine.csv"
    chains = [f"{'C' * n}{end}" for n in range(1, 13) for end in "ON"]
    path.write_text("\n".join(["smiles", *chains, TELLURIDE, "[Te](C)CC"]) + "\n")
    standardise = {"elements": ["C", "N", "O", "Te"]}
    return FeaturizeSettings(
        dataset=DatasetSettings(source=str(path)), standardise=standardise, processes=1
    )


def test_unknown_symbols_are_rejected_and_counted_by_name(
    mine: FeaturizeSettings, trained: Manifest, tmp_path: Path
) -> None:
    start = Path(trained.folder)
    manifest = featurize(mine, "molecules", tmp_path, start=start)
    assert load_codec(tmp_path)[1].to_json() == load_codec(start)[1].to_json()
    assert manifest.metrics["rejected"]["unknown_symbol"] == 2
    assert sum(manifest.metrics["unknown_symbols"].values()) == 2
    assert all("Te" in symbol for symbol in manifest.metrics["unknown_symbols"])
    assert manifest.metrics["added_symbols"] == {}


def test_an_extended_vocabulary_keeps_old_numbers_and_says_what_is_new(
    mine: FeaturizeSettings, trained: Manifest, tmp_path: Path
) -> None:
    start = Path(trained.folder)
    manifest = featurize(mine, "molecules", tmp_path, start=start, extend=True)
    old, new = load_codec(start)[1], load_codec(tmp_path)[1]
    assert new.symbols()[: len(old.symbols())] == old.symbols()
    added = manifest.metrics["added_symbols"]
    assert set(added) == set(new.symbols()[len(old.symbols()) :])
    assert sum(uses for symbol, uses in added.items() if "Te" in symbol) == 2
    assert manifest.metrics["rejected"] == {}
    assert new.decode(new.encode(TELLURIDE)) == TELLURIDE


def test_new_symbols_start_as_rare_average_ones_and_old_structures_are_kept(
    mine: FeaturizeSettings, trained: Manifest
) -> None:
    start = LatentModel.load(Path(trained.folder), "cpu")
    codec = start.codec.extended([TELLURIDE])
    model = started_model(start, codec).eval()
    name = codec.schema.step[0].name
    size = start.codec.schema.step[0].size
    old, new = (m.get_submodule(f"embeddings.{name}").table() for m in (start.model, model))
    assert len(new) > size
    torch.testing.assert_close(new[:size], old)
    torch.testing.assert_close(new[size:], old.mean(0).expand(len(new) - size, -1))
    old, new = (m.state_dict()[f"heads.{name}.bias"] for m in (start.model, model))
    assert (new[size:] == old.min()).all()
    grown = LatentModel(start.folder, start.matter, codec, model, start.prior, {}, start.device)
    # Where the order of the tokens does not depend on the vocabulary, nothing changes.
    np.testing.assert_allclose(grown.encode(["CCO"])[0], start.encode(["CCO"])[0], atol=1e-6)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"weight: .*\[4, 3\] do not fit .*\[4, 2\]"):
        transfer_weights(nn.Linear(3, 4), nn.Linear(2, 4))
    with pytest.raises(CheckpointError, match="different parts: bias"):
        transfer_weights(nn.Linear(3, 4), nn.Linear(3, 4, bias=False))


def test_interpolation_runs_from_old_to_new() -> None:
    old, new = {"w": torch.tensor([0.0, 2.0])}, {"w": torch.tensor([4.0, 2.0])}
    assert interpolate(old, new, 0.0)["w"].tolist() == [0.0, 2.0]
    assert interpolate(old, new, 0.25)["w"].tolist() == [1.0, 2.0]
    assert interpolate(old, new, 1.0)["w"].tolist() == [4.0, 2.0]


def test_training_starts_where_the_model_stood(
    mine: FeaturizeSettings, trained: Manifest, tmp_path: Path
) -> None:
    start = Path(trained.folder)
    features = featurize(mine, "molecules", tmp_path / "f", start=start, extend=True)
    # At a vanishing learning rate the model stays what it was.
    settings = QUICK.model_copy(
        update={"start": str(start), "start_learning_rate": 1e-9, "start_epochs": 1}
    )
    manifest = train(settings, features, tmp_path / "m", matter_name="molecules")
    assert START_INPUT in manifest.inputs
    assert manifest.metrics["epochs"] == 1
    np.testing.assert_allclose(
        LatentModel.load(tmp_path / "m", "cpu").encode(["CCO"])[0],
        LatentModel.load(start, "cpu").encode(["CCO"])[0],
        atol=1e-4,
    )


def test_features_of_another_codec_are_refused(
    tiny_features: Manifest, trained: Manifest, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained.folder, other)
    codec = json.loads((other / "codec.json").read_text())
    codec["codec"]["templates"].append("*[Og]")
    (other / "codec.json").write_text(json.dumps(codec))
    settings = QUICK.model_copy(update={"start": str(other)})
    with pytest.raises(CheckpointError, match="not made with the codec of"):
        train(settings, tiny_features, tmp_path / "out", matter_name="molecules")


def test_features_that_the_start_model_was_trained_on_will_do(
    tiny_features: Manifest, trained: Manifest
) -> None:
    check_start(Path(trained.folder), tiny_features)


def test_another_start_model_makes_features_stale(
    mine: FeaturizeSettings, trained: Manifest, tmp_path: Path
) -> None:
    start = Path(trained.folder)
    first = featurize(mine, "molecules", tmp_path / "f", start=start)
    assert featurize(mine, "molecules", tmp_path / "f", start=start) == first
    other = tmp_path / "other"
    other.mkdir()
    for name in ("model.json", "codec.json"):
        (other / name).write_bytes((start / name).read_bytes())
    (other / "model.json").write_text((start / "model.json").read_text() + " ")
    assert featurize(mine, "molecules", tmp_path / "f", start=other).key != first.key


def test_a_run_starts_from_the_shipped_model(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "discover.toml"
    path.write_text(
        f"""
        results = "{tmp_path / "results"}"
        [matter.molecules.featurize]
        processes = 1
        [matter.molecules.featurize.dataset]
        source = "nci"
        limit = 100
        [matter.molecules.train]
        start = "auto"
        start_epochs = 1
        [matter.molecules.train.prior]
        steps = 20
        """
    )
    settings = load_settings(path)
    features = StageCall(settings, "molecules", "featurize", {})()
    assert load_codec(Path(features.folder))[1].to_json() == load_codec(shipped)[1].to_json()
    manifest = StageCall(settings, "molecules", "train", {"featurize": features})()
    assert manifest.metrics["latent_size"] == 8  # the start model's, not the default
    assert START_INPUT in manifest.inputs
    assert LatentModel.load(Path(manifest.folder)).sampling().noise == 0.2  # the start model's
    missing = settings.model_copy(
        update={
            "matter": {
                "molecules": settings.matter["molecules"].model_copy(
                    update={"train": QUICK.model_copy(update={"start": "nowhere"})}
                )
            }
        }
    )
    with pytest.raises(CheckpointError, match="shipped models: tiny"):
        check_settings(missing, "test")


def test_start_by_command(
    nucleate: Callable[..., Result], shipped: Path, mine: FeaturizeSettings, tmp_path: Path
) -> None:
    source = mine.dataset.source
    arguments = ["--input", source, "--start", "tiny", "--out", tmp_path / "f"]
    result = nucleate("featurize", "--matter", "molecules", *arguments)
    assert result.exit_code == 0, result.stderr
    settings = tmp_path / "train.toml"
    settings.write_text("prior = {steps = 20}\n")
    arguments = ["--features", tmp_path / "f", "--out", tmp_path / "m", "--settings", settings]
    result = nucleate("train", *arguments, "--start", "tiny", "--epochs", 1)
    assert result.exit_code == 0, result.stderr
    assert LatentModel.load(tmp_path / "m").size == 8
