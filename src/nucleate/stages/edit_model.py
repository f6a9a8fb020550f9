"""Trained models changed without training: another prior, or two of them averaged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from nucleate.core.errors import CheckpointError, SettingsError
from nucleate.core.files import atomic_folder
from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel
from nucleate.latent.pretrained import model_digest
from nucleate.settings.model import PriorSettings
from nucleate.stages.start import codec_json
from nucleate.stages.train import (
    evenly_spread,
    fit_prior,
    held_out_figures,
    latent_tensors,
    read_splits,
)
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.checkpoint import load_latents, save_model
from nucleate.vae.model import VAE
from nucleate.vae.prior import make_prior
from nucleate.vae.training.evaluation import active_units, choose_device, encode_all, evaluate
from nucleate.vae.training.transfer import interpolate

_DROPPED = ("export", "properties", "figures")
"""Of the second model's `model.json`, what does not hold of the average."""


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


def average_models(
    first: Path,
    second: Path,
    features: Manifest,
    target: Path,
    *,
    share: float = 0.5,
    device: str = "auto",
) -> dict[str, Any]:
    """Write the model that lies between two, of which the second was started from the first.

    Interpolated weights trade what the first model knew for what the second learnt, and are often
    better than either (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903). Only networks that share
    a part of their training can be averaged: between unrelated ones the loss is high.

    The training set is encoded anew; the prior is the standard normal, to be replaced by
    `refit_prior`.

    Args:
        first, second: models' folders.
        features: the featurized set that the second was trained on.
        target: folder to write, all at once; replaced if it exists.
        share: of the way from the first (0) to the second (1).

    Returns:
        Figures on the training and held-out structures, as `nucleate train` takes them.

    Raises:
        SettingsError: the share lies outside 0..1, or the target is one of the two.
        CheckpointError: a model is damaged; the models have different codecs, schemas or networks;
            or the features were made with another codec.
    """
    if not 0 <= share <= 1:
        raise SettingsError(f"share: {share} lies outside 0..1")
    if target.resolve() in (first.resolve(), second.resolve()):
        raise SettingsError(f"{target}: is one of the models; write to another folder")
    old, new = LatentModel.load(first, "cpu"), LatentModel.load(second, "cpu")
    _check(old, new, features)
    chosen = choose_device(device)
    network = _interpolate(old.model, new.model, share).to(chosen)
    arrays = RaggedArrays.load(features.path("features.npz"), new.codec.schema)
    splits = read_splits(features)
    training = arrays.subset(splits["train"])
    mean, log_variance = encode_all(network, training, chosen)
    prior = make_prior(network.latent_size, PriorSettings(kind="standard_normal"))
    prior.eval()
    model = LatentModel(target, new.matter, new.codec, network, prior, {}, chosen)
    figures: dict[str, Any] = {
        "training_structures": len(mean),
        "active_units": active_units(mean),
        "latent_size": network.latent_size,
        "prior": {"kind": prior.kind},
        "training": evaluate(network, training.subset(evenly_spread(len(training))), chosen),
        **held_out_figures(model, features, splits),
    }
    info = {
        **{name: value for name, value in new.info.items() if name not in _DROPPED},
        "features": features.key,
        "averaged": {
            "share": share,
            "models": [
                {"name": folder.name, "digest": model_digest(folder)}
                for folder in (old.folder, new.folder)
            ],
        },
        "figures": figures,
    }
    latents = latent_tensors(mean, log_variance, splits["train"])
    with atomic_folder(target) as part:
        save_model(part, network, prior, latents, info)
        shutil.copyfile(new.folder / "codec.json", part / "codec.json")
    return figures


def _check(old: LatentModel, new: LatentModel, features: Manifest) -> None:
    """Refuse what cannot be averaged.

    Raises:
        CheckpointError: names the folders and the first thing in which they differ.
    """
    pair = f"{old.folder} and {new.folder} cannot be averaged: "
    if old.matter.name != new.matter.name:
        raise CheckpointError(f"{pair}one holds {old.matter.name}, the other {new.matter.name}")
    for what, theirs, own in (
        ("codecs", codec_json(old.folder), codec_json(new.folder)),
        ("schemas", old.codec.schema.to_json(), new.codec.schema.to_json()),
    ):
        if differing := _differences(theirs, own):
            raise CheckpointError(f"{pair}their {what} differ in {differing}")
    shapes = [{k: list(v.shape) for k, v in m.model.named_parameters()} for m in (old, new)]
    for name in [*shapes[0], *shapes[1]]:
        if shapes[0].get(name) != shapes[1].get(name):
            raise CheckpointError(
                f"{pair}their networks differ: {name} has shape {shapes[0].get(name, 'none')} in "
                f"the first and {shapes[1].get(name, 'none')} in the second"
            )
    if codec_json(Path(features.folder)) != codec_json(new.folder):
        raise CheckpointError(
            f"{features.folder}: these features were not made with the codec of {new.folder}"
        )


def _differences(old: Any, new: Any) -> str:
    """The names of the values in which two JSON objects differ; empty if in none."""
    if old == new:
        return ""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return "their form"
    return ", ".join(sorted(k for k in {*old, *new} if old.get(k) != new.get(k)))


def _interpolate(old: VAE, new: VAE, share: float) -> VAE:
    """The second network with weights between those of both; buffers are constant tables."""
    with torch.no_grad():
        weights = interpolate(dict(old.named_parameters()), dict(new.named_parameters()), share)
        new.load_state_dict({**new.state_dict(), **weights})
    return new.eval()
