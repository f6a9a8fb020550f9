"""A small model for the tests of this folder, trained for seconds: its decoder can stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel
from nucleate.stages.train import train
from nucleate.testing.tiny_model import QUICK


@pytest.fixture(scope="session")
def trained(tiny_features: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    settings = QUICK.model_copy(update={"epochs": 40, "patience": 40})
    return train(settings, tiny_features, tmp_path_factory.mktemp("m"), matter_name="molecules")


@pytest.fixture(scope="session")
def model(trained: Manifest) -> LatentModel:
    return LatentModel.load(Path(trained.folder), "cpu")
