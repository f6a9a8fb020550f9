"""Fixtures shared by the tests of the autoencoder."""

from __future__ import annotations

import pytest
import torch

from nucleate.settings.model import NetworkSettings
from nucleate.testing.toy_schema import SortedLegality, toy_schema
from nucleate.vae.model import VAE


@pytest.fixture(params=["gru", "transformer", "gru+binding"])
def toy_model(request: pytest.FixtureRequest) -> VAE:
    torch.manual_seed(0)
    schema = toy_schema()
    kind, _, binding = request.param.partition("+")
    settings = NetworkSettings(
        encoder=kind, decoder=kind, width=32, layers=2, latent=8, binding=bool(binding)
    )
    return VAE(schema, SortedLegality(schema), settings).eval()
