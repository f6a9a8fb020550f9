"""A model on a line of alkanes whose every answer can be worked out, and a tiny trained one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import Decoded
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.settings.model import DrawSettings, NetworkSettings, PriorSettings, TrainSettings
from nucleate.stages.featurize import featurize
from nucleate.stages.train import train


class AlkaneLine:
    """Stands in for `LatentModel`: z in one dimension is the chain length of an alkane.

    It keeps the options of its calls in `calls`.
    """

    info: dict[str, Any]
    refiner = None

    def __init__(self) -> None:
        self.info, self.calls = {}, []
        self.calls: list[dict[str, Any]]

    def decode(
        self,
        latents: NDArray[np.float32],
        temperature: float = 0.0,
        seed: int = 0,
        noise: float = 0.0,
        refine: DrawSettings | None = None,
    ) -> list[Decoded]:
        self.calls.append({"temperature": temperature, "seed": seed, "noise": noise})
        lengths = np.rint(latents[:, 0]).astype(int)
        return [Decoded("C" * n if n > 0 else None, 0.0, "" if n > 0 else "empty") for n in lengths]

    def draw_prior(self, count: int, seed: int, temperature: float = 1.0) -> NDArray[np.float32]:
        drawn = np.random.default_rng(seed).normal(5, temperature, (count, 1))
        return drawn.astype(np.float32)

    def draw(self, count: int, seed: int, how: DrawSettings) -> NDArray[np.float32]:
        return self.draw_prior(count, seed, how.prior_temperature)


@pytest.fixture
def alkanes() -> AlkaneLine:
    return AlkaneLine()


@pytest.fixture(scope="session")
def features_folder(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    settings = FeaturizeSettings(dataset=DatasetSettings(source="nci", limit=200), processes=1)
    return featurize(settings, "molecules", tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="session")
def model_folder(features_folder: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    quick = TrainSettings(
        network=NetworkSettings(width=32, latent=8),
        prior=PriorSettings(steps=20, width=32, layers=1),
        epochs=2,
        batch=32,
    )
    folder = tmp_path_factory.mktemp("model")
    return Path(train(quick, features_folder, folder, matter_name="molecules").folder)


@pytest.fixture(scope="session")
def nci_smiles() -> list[str]:
    """Canonical SMILES of the NCI set that RDKit carries, single fragments, in its order."""
    from rdkit import RDConfig

    from nucleate.molecules.chemistry.chem import canonical, parse

    lines = Path(RDConfig.RDDataDir, "NCI", "first_5K.smi").read_text().splitlines()[:800]
    found = [parse(line.split()[0]) for line in lines if "." not in line.split()[0]]
    return [canonical(molecule) for molecule in found if molecule is not None]
