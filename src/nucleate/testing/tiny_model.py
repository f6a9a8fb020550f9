"""A tiny trained model and its export, in a folder that stands in for the package's own.

Imported by the `conftest.py` of the folders whose tests need one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nucleate.cli.app import app
from nucleate.cli.failures import DEBUG_VARIABLE
from nucleate.core.manifest import Manifest
from nucleate.latent import pretrained
from nucleate.latent.export_model import export
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.settings.model import NetworkSettings, PriorSettings, TrainSettings
from nucleate.stages.featurize import featurize
from nucleate.stages.train import train

QUICK = TrainSettings(
    network=NetworkSettings(width=32, latent=8),
    prior=PriorSettings(steps=20, width=32, layers=1),
    epochs=2,
    batch=32,
)
CARD = """---
title: A tiny model
data: 150 molecules of NCI
licence: MIT
---
# A tiny model

Not for any use [at all].
"""


@pytest.fixture
def nucleate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `nucleate` with the given arguments on a wide terminal without colours."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv(DEBUG_VARIABLE, "0")
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="session")
def tiny_features(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    settings = FeaturizeSettings(dataset=DatasetSettings(source="nci", limit=150), processes=1)
    return featurize(settings, "molecules", tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="session")
def trained(tiny_features: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return train(QUICK, tiny_features, tmp_path_factory.mktemp("model"), matter_name="molecules")


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("card") / "card.md"
    path.write_text(CARD)
    return path


@pytest.fixture(scope="session")
def exported(trained: Manifest, card: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    export(Path(trained.folder), folder / "tiny", card=card, latents=20, sampling={"noise": 0.2})
    return folder


@pytest.fixture
def shipped(exported: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the one model, `tiny`, that ships while the test runs."""
    monkeypatch.setattr(pretrained, "FOLDER", exported)
    return exported / "tiny"
