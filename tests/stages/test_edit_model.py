"""Averages of two models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import Result

from nucleate.core.errors import CheckpointError, SettingsError
from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel
from nucleate.latent.pretrained import model_digest
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.stages.edit_model import average_models
from nucleate.stages.featurize import featurize
from nucleate.stages.train import train
from nucleate.testing.tiny_model import QUICK
from nucleate.vae.checkpoint import load_latents


@pytest.fixture(scope="module")
def further(
    trained: Manifest, tiny_features: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model that was started from the tiny one and has moved away from it."""
    settings = QUICK.model_copy(
        update={"start": trained.folder, "epochs": 1, "start_learning_rate": 1e-2}
    )
    folder = tmp_path_factory.mktemp("further")
    train(settings, tiny_features, folder, matter_name="molecules", seed=3)
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(LatentModel.load(folder, "cpu").model.named_parameters())


def test_weights_lie_between(
    trained: Manifest, further: Path, tiny_features: Manifest, tmp_path: Path
) -> None:
    first, out = Path(trained.folder), tmp_path / "average"
    figures = average_models(first, further, tiny_features, out, share=0.25)
    old, new, between = weights(first), weights(further), weights(out)
    assert any(not torch.equal(old[name], new[name]) for name in old)
    for name, value in between.items():
        torch.testing.assert_close(value, 0.75 * old[name] + 0.25 * new[name])

    info = json.loads((out / "model.json").read_text())
    assert info["figures"]["held_out"] == figures["held_out"]
    assert info["averaged"] == {
        "share": 0.25,
        "models": [
            {"name": first.name, "digest": model_digest(first)},
            {"name": further.name, "digest": model_digest(further)},
        ],
    }
    model = LatentModel.load(out, "cpu")
    assert model.prior.kind == "standard_normal"
    structures = ["CCO", "c1ccccc1"]
    assert not np.array_equal(
        model.encode(structures)[0], LatentModel.load(first).encode(structures)[0]
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_are_the_models_themselves(
    trained: Manifest, further: Path, tiny_features: Manifest, tmp_path: Path, share: float
) -> None:
    end = (Path(trained.folder), further)[int(share)]
    average_models(
        Path(trained.folder), further, tiny_features, tmp_path / "out", share=share, device="cpu"
    )
    averaged = weights(tmp_path / "out")
    assert all(torch.equal(value, averaged[name]) for name, value in weights(end).items())
    expected, found = load_latents(end), load_latents(tmp_path / "out")
    for name in ("mean", "log_variance", "index"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


def test_command(
    trained: Manifest,
    further: Path,
    tiny_features: Manifest,
    tmp_path: Path,
    nucleate: Callable[..., Result],
) -> None:
    result = nucleate(
        "models", "average", trained.folder, further, "--share", 0.5,
        "--features", tiny_features.folder, "--out", tmp_path / "out", "--json", "-",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["prior"]["kind"] == "standard_normal"
    refitted = nucleate(
        "models", "prior", "--model", tmp_path / "out", "--kind", "gaussian_mixture",
        "--components", 2, "--out", tmp_path / "refitted",
    )  # fmt: skip
    assert refitted.exit_code == 0, refitted.output
    assert LatentModel.load(tmp_path / "refitted", "cpu").info["averaged"]["share"] == 0.5


def test_what_cannot_be_averaged_is_refused(
    trained: Manifest, tiny_features: Manifest, tmp_path: Path
) -> None:
    first = Path(trained.folder)
    out = tmp_path / "out"
    with pytest.raises(SettingsError, match=r"1\.5 lies outside"):
        average_models(first, first, tiny_features, out, share=1.5)
    with pytest.raises(SettingsError, match="one of the models"):
        average_models(first, first, tiny_features, first)

    wider = QUICK.network.model_copy(update={"width": 48})
    train(
        QUICK.model_copy(update={"epochs": 1, "network": wider}),
        tiny_features,
        tmp_path / "wider",
        matter_name="molecules",
    )
    with pytest.raises(CheckpointError, match=r"networks differ: \S+ has shape"):
        average_models(first, tmp_path / "wider", tiny_features, out)

    other = featurize(
        FeaturizeSettings(dataset=DatasetSettings(source="nci", limit=60), processes=1),
        "molecules",
        tmp_path / "features",
    )
    train(
        QUICK.model_copy(update={"epochs": 1}), other, tmp_path / "other", matter_name="molecules"
    )
    with pytest.raises(CheckpointError, match="their codecs differ in"):
        average_models(first, tmp_path / "other", tiny_features, out)
    with pytest.raises(CheckpointError, match="not made with the codec"):
        average_models(first, first, other, out)
    assert not out.exists()
