"""Another prior for a trained model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from nucleate.core.errors import CheckpointError
from nucleate.core.manifest import Manifest
from nucleate.latent.export_model import export
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import PriorSettings
from nucleate.stages.edit_model import refit_prior


def test_only_the_prior_changes(trained: Manifest, tmp_path: Path) -> None:
    folder = Path(trained.folder)
    settings = PriorSettings(kind="gaussian_mixture", components=3)
    figures = refit_prior(folder, tmp_path / "refitted", settings, seed=1)
    assert figures["kind"] == "gaussian_mixture"
    old, new = LatentModel.load(folder, "cpu"), LatentModel.load(tmp_path / "refitted", "cpu")
    assert new.prior.kind == "gaussian_mixture"
    np.testing.assert_array_equal(old.encode(["CCO"])[0], new.encode(["CCO"])[0])
    np.testing.assert_array_equal(old.training_latents(), new.training_latents())
    assert not np.array_equal(old.draw_prior(5, 1), new.draw_prior(5, 1))


def test_a_model_without_latents_cannot_be_refitted(
    trained: Manifest, card: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    export(Path(trained.folder), bare, card=card, latents=0)
    with pytest.raises(CheckpointError):
        refit_prior(bare, tmp_path / "out", PriorSettings(kind="standard_normal"))
    assert not (tmp_path / "out").exists()


def test_command(trained: Manifest, tmp_path: Path, nucleate: Callable[..., Result]) -> None:
    out = tmp_path / "refitted"
    result = nucleate(
        "models", "prior", "--model", trained.folder, "--kind", "standard_normal", "--out", str(out)
    )
    assert result.exit_code == 0, result.output
    assert LatentModel.load(out, "cpu").prior.kind == "standard_normal"


def test_an_exported_model_says_how_it_is_drawn_from(
    trained: Manifest, card: Path, tmp_path: Path
) -> None:
    export(
        Path(trained.folder), tmp_path / "out", card=card, sampling={"noise": 0.25, "blended": True}
    )
    shipped = LatentModel.load(tmp_path / "out", "cpu")
    how = shipped.sampling()
    assert (how.noise, how.blended) == (0.25, True)
    plain = shipped.draw(6, 1, how.model_copy(update={"blended": False}))
    assert np.array_equal(plain, shipped.draw_prior(6, 1))
    assert np.array_equal(shipped.draw(6, 1, how), shipped.draw_prior(6, 1, noise=0.25))
    assert not np.array_equal(plain, shipped.draw(6, 1, how))
