"""A trained model with another prior: priors can be compared, or fitted to the end, afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from nucleate.core.errors import CheckpointError
from nucleate.core.files import atomic_folder
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import PriorSettings
from nucleate.stages.train import fit_prior
from nucleate.vae.checkpoint import load_latents, save_model


def refit_prior(
    model_folder: Path, target: Path, settings: PriorSettings, seed: int = 0
) -> dict[str, Any]:
    """Fit a prior to a model's encoded training set and write a copy of the model with it.

    Args:
        target: folder to write, all at once; replaced if it exists.

    Returns:
        Figures of the fit.

    Raises:
        CheckpointError: the model is damaged or has no encoded training set.
    """
    import torch

    model = LatentModel.load(model_folder, "cpu")
    latents = load_latents(model.folder)
    if len(latents["mean"]) < 2:
        raise CheckpointError(f"{model.folder}: holds no encoded training set to fit a prior to")
    prior, figures = fit_prior(model.size, settings, latents["mean"], latents["log_variance"], seed)
    found = {"kind": prior.kind, **figures}
    info = {**model.info, "figures": {**model.info.get("figures", {}), "prior": found}}
    with atomic_folder(target) as part:
        tensors = {name: torch.from_numpy(value) for name, value in latents.items()}
        save_model(part, model.model, prior, tensors, info)
        shutil.copyfile(model.folder / "codec.json", part / "codec.json")
    return found
