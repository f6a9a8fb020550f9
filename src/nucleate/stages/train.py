"""Arrays -> trained autoencoder and prior, with figures on held-out structures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.core.deadline import Costs, Deadline
from nucleate.core.errors import CheckpointError, InputError
from nucleate.core.files import atomic_path
from nucleate.core.manifest import Manifest, run_stage, stage_key
from nucleate.core.progress import loss_bar, phase, tell
from nucleate.datasets import tables
from nucleate.latent.latent_model import LatentModel, load_codec
from nucleate.latent.pretrained import model_digest, start_folder
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.settings.model import DrawSettings, PriorSettings, TrainSettings
from nucleate.stages.featurize import SPELLINGS_NAME
from nucleate.stages.reconstruct import reconstruction_figures
from nucleate.stages.start import START_INPUT, check_start, started_model, started_settings
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.checkpoint import save_model
from nucleate.vae.model import VAE
from nucleate.vae.prior import Prior, make_prior
from nucleate.vae.training.evaluation import active_units, encode_all, evaluate
from nucleate.vae.training.trainer import RESUME_NAME, Trainer, TrainState

HELD_OUT_LIMIT = 1000
"""Held-out structures that are decoded for the exact-reconstruction figure."""
PILOT = 32
"""Structures that are decoded, and steps of the prior that are done, to know what takes how long
where time is limited."""


def train(
    settings: TrainSettings,
    features: Manifest,
    folder: Path,
    *,
    matter_name: str,
    seed: int = 0,
    device: str = "auto",
    deadline: Deadline | None = None,
) -> Manifest:
    """Train a VAE on a featurized set's training split, then a prior on its encodings.

    Writes the model's folder (see `nucleate.vae.checkpoint`), `codec.json` and `curves.csv`. A
    killed run resumes from its last checkpoint; a finished one with the same settings, data and
    code is not run again.

    With `settings.start` training begins with the weights of a trained model, whose codec the
    features must have been made with.

    Args:
        deadline: of the settings, if it has begun already.

    Raises:
        CheckpointError: the features are of another kind of matter, damaged, or made with another
            codec than the start model's; or there is no such model.
        InputError: too few structures to train on.
    """
    deadline = deadline or Deadline(settings.maximum_minutes)
    start = start_folder(settings.start, matter_name)
    inputs = {"features": features.key}
    if start is not None:
        inputs[START_INPUT] = model_digest(start)
    key = stage_key("train", settings, inputs, seed=seed)

    def work(out: Path) -> tuple[list[str], dict[str, Any]]:
        return _train(settings, features, out, matter_name, seed, device, key, start, deadline)

    return run_stage("train", matter_name, folder, settings, inputs, work, seed=seed)


def _train(
    settings: TrainSettings,
    features: Manifest,
    out: Path,
    matter_name: str,
    seed: int,
    device: str,
    key: str,
    start: Path | None,
    deadline: Deadline,
) -> tuple[list[str], dict[str, Any]]:
    source = Path(features.folder)
    matter, codec = load_codec(source)
    if matter.name != matter_name:
        raise CheckpointError(f"{source}: holds {matter.name}, not {matter_name}")
    arrays = RaggedArrays.load(source / "features.npz", codec.schema)
    splits = read_splits(features)
    training = arrays.subset(splits["train"])
    if len(training) < 2:
        raise InputError("too few structures to train on", file=source)
    # Without a validation split the training set judges itself: early stopping then never helps.
    judges = splits["validation"] if len(splits["validation"]) else splits["train"]

    torch.manual_seed(seed)
    draws = settings.sampling or DrawSettings()
    if start is None:
        model = VAE(codec.schema, matter.codecs.legality(codec.schema), settings.network)
    else:
        check_start(start, features)
        settings = started_settings(settings)
        old = LatentModel.load(start, "cpu")
        draws = settings.sampling or old.sampling()
        model = started_model(old, codec)
    trainer = Trainer(
        model,
        _with_spellings(training, features),
        arrays.subset(judges),
        settings,
        folder=out,
        key=key,
        seed=seed,
        device=device,
        augment=matter.codecs.augment(codec.schema, settings.augment),
    )
    if settings.maximum_minutes is not None:
        later = _seconds_after_training(trainer, matter, codec, features, splits)
        trainer.seconds = _training_seconds(deadline, later)
    state = trainer.run()
    mean, log_variance = encode_all(model, training, trainer.device)
    prior, prior_figures = fit_prior(model.latent_size, settings.prior, mean, log_variance, seed)
    ready = LatentModel(out, matter, codec, model, prior, {}, trainer.device)
    metrics: dict[str, Any] = {
        **_training_figures(state, settings, mean),
        "prior": {"kind": prior.kind, **prior_figures},
        "training": evaluate(model, training.subset(evenly_spread(len(training))), trainer.device),
        **held_out_figures(ready, features, splits),
    }
    latents = latent_tensors(mean, log_variance, splits["train"])
    info = {
        "matter": matter_name,
        "train": settings.model_dump(mode="json"),
        "seed": seed,
        "features": features.key,
        "sampling": draws.model_dump(mode="json"),
        "figures": metrics,
    }
    with atomic_path(out / "codec.json") as temporary:
        shutil.copyfile(source / "codec.json", temporary)
    names = save_model(out, model, prior, latents, info)
    (out / RESUME_NAME).unlink(missing_ok=True)
    return [*names, "codec.json", "curves.csv"], metrics


def _seconds_after_training(
    trainer: Trainer,
    matter: Matter,
    codec: Codec,
    features: Manifest,
    splits: dict[str, NDArray[np.int64]],
) -> float:
    """What prior and figures will take, as a few structures and steps tell."""
    costs, settings, training = Costs(), trainer.settings.prior, trainer.training
    few = training.subset(np.arange(min(PILOT, len(training))))
    held_out = _held_out(splits)
    with phase("measure what comes after training"):
        with costs.of("encode"):
            mean, log_variance = encode_all(trainer.model, few, trainer.device)
        with costs.of("prior"):
            short = settings.model_copy(update={"steps": min(PILOT, settings.steps)})
            prior, _ = fit_prior(trainer.model.latent_size, short, mean, log_variance, trainer.seed)
        with costs.of("decode"):
            structures = structures_at(features, held_out[:PILOT])
            model = LatentModel(
                trainer.folder, matter, codec, trainer.model, prior, {}, trainer.device
            )
            reconstruction_figures(model, structures)
    encoded = len(training) + min(HELD_OUT_LIMIT, len(training))
    decoded = min(HELD_OUT_LIMIT, len(held_out))
    return (
        costs["encode"] * encoded / len(few)
        + costs["prior"] * settings.steps / short.steps
        + costs["decode"] * decoded / max(1, len(structures))
    )


def _training_seconds(deadline: Deadline, later: float) -> float:
    """What a limit leaves for training, half of what is left at least; says so.

    Args:
        later: seconds that what follows will take.
    """
    left = deadline.left()
    training = max(left - later, left / 2, 0.0)
    minutes = [f"{seconds / 60:.2g}" for seconds in (deadline.seconds, later, training)]
    text = "Of {} minutes some {} are kept for the prior and the figures, {} are left for training."
    over = later - (left - training)
    if over > 1:
        text += f" They are too few: expect some {over:.0f} s more."
    tell(text.format(*minutes))
    return training


def latent_tensors(
    mean: NDArray[np.float32], log_variance: NDArray[np.float32], index: NDArray[np.int64]
) -> dict[str, torch.Tensor]:
    """The encoded training set, as `save_model` takes it."""
    arrays = {"mean": mean, "log_variance": log_variance, "index": index}
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _training_figures(
    state: TrainState, settings: TrainSettings, mean: NDArray[np.float32]
) -> dict[str, Any]:
    return {
        "epochs": len(state.rows),
        "steps": state.step,
        "training_seconds": round(state.seconds, 1),
        "training_structures": len(mean),
        "structures_per_second": round(state.step * settings.batch / max(state.seconds, 1e-9), 1),
        "active_units": active_units(mean),
        "latent_size": mean.shape[1],
    }


def held_out_figures(
    model: LatentModel, features: Manifest, splits: dict[str, NDArray[np.int64]]
) -> dict[str, Any]:
    """Reconstruction figures on the test split, else on the validation split."""
    rows = _held_out(splits)
    if len(rows) == 0:
        return {}
    figures, _ = reconstruction_figures(
        model, structures_at(features, rows[evenly_spread(len(rows))])
    )
    return {"held_out": figures}


def _held_out(splits: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return splits["test"] if len(splits["test"]) else splits["validation"]


def _with_spellings(training: RaggedArrays, features: Manifest) -> RaggedArrays:
    """The training structures and, where featurizing wrote them, their other spellings."""
    if not any(output.name == SPELLINGS_NAME for output in features.outputs):
        return training
    return training.joined(RaggedArrays.load(features.path(SPELLINGS_NAME), training.schema))


def evenly_spread(count: int) -> NDArray[np.int64]:
    """At most HELD_OUT_LIMIT positions, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, HELD_OUT_LIMIT)).astype(np.int64))


def read_splits(features: Manifest) -> dict[str, NDArray[np.int64]]:
    """Rows of the feature arrays by split."""
    table = tables.read(features.path("records.parquet"), ["feature_index", "split"])
    index = table.column("feature_index").to_numpy().astype(np.int64)
    split = np.asarray(table.column("split").to_pylist())
    return {name: index[(split == name) & (index >= 0)] for name in ("train", "validation", "test")}


def fit_prior(
    size: int,
    settings: PriorSettings,
    mean: NDArray[np.float32],
    log_variance: NDArray[np.float32],
    seed: int,
) -> tuple[Prior, dict[str, Any]]:
    """A prior of the settings' kind fitted to the posteriors [n, D] of the training set."""
    torch.manual_seed(seed)
    prior = make_prior(size, settings)
    generator = torch.Generator().manual_seed(seed)
    with loss_bar("prior", settings.steps) as report:
        figures = prior.fit(
            torch.from_numpy(mean), torch.from_numpy(log_variance), generator, report
        )
    prior.eval()
    return prior, figures


def structures_at(features: Manifest, rows: NDArray[np.int64]) -> list[str]:
    """Structure strings at rows of the feature arrays."""
    table = tables.read(features.path("records.parquet"), ["feature_index", "structure"])
    index = table.column("feature_index").to_pylist()
    by_row = dict(zip(index, table.column("structure").to_pylist(), strict=True))
    return [by_row[int(row)] for row in rows]
