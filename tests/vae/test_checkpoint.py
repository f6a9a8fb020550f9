"""A model's folder: what is loaded is what was saved, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from nucleate.core.errors import CheckpointError
from nucleate.settings.model import NetworkSettings, PriorSettings
from nucleate.testing.toy_schema import SortedLegality, toy_arrays, toy_schema
from nucleate.vae.checkpoint import load_info, load_latents, load_model, save_model
from nucleate.vae.model import VAE
from nucleate.vae.prior import make_prior
from nucleate.vae.schema import Field, Schema


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, VAE]:
    schema = toy_schema()
    torch.manual_seed(0)
    model = VAE(schema, SortedLegality(schema), NetworkSettings(width=32, latent=8)).eval()
    prior = make_prior(8, PriorSettings(kind="standard_normal"))
    save_model(tmp_path, model, prior, {"mean": torch.ones(3, 8)}, {"matter": "toy"})
    return tmp_path, model


def test_loaded_model_is_the_saved_one(saved: tuple[Path, VAE]) -> None:
    folder, model = saved
    schema = toy_schema()
    info = load_info(folder)
    loaded, _ = load_model(folder, info, schema, SortedLegality(schema))
    batch = toy_arrays(4).batch(range(4))
    torch.testing.assert_close(loaded.encode(batch).mean, model.encode(batch).mean)
    assert load_latents(folder)["mean"].shape == (3, 8)


@pytest.mark.parametrize("name", ["model.safetensors", "prior.safetensors", "latents.safetensors"])
def test_a_truncated_or_missing_file_is_named(saved: tuple[Path, VAE], name: str) -> None:
    path = saved[0] / name
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match=name):
        load_info(saved[0])
    path.unlink()
    with pytest.raises(CheckpointError, match=f"{name}.*missing"):
        load_info(saved[0])


def test_another_schema_is_refused(saved: tuple[Path, VAE]) -> None:
    other = Schema("toy", (), (Field("token", "categorical", 9),), 5)
    with pytest.raises(CheckpointError, match="another schema"):
        load_model(saved[0], load_info(saved[0]), other, SortedLegality(other))


def test_a_folder_that_is_no_model_and_broken_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no model\.json"):
        load_info(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"model\.json"):
        load_info(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({"schema": {"version": 99}}))
    with pytest.raises(CheckpointError, match="99"):
        load_info(tmp_path)
