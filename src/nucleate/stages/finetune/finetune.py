"""A trained model and a person's own set -> a model of that set which has not forgotten.

Structures that the old model decodes from its own latent vectors stand in for its training set:
they are rehearsed beside the new ones, and others of them measure what was forgotten.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.core.deadline import Costs, Deadline
from nucleate.core.errors import CheckpointError
from nucleate.core.files import atomic_path, read_json, sha256_file, write_json
from nucleate.core.manifest import Manifest, run_stage, stage_key
from nucleate.core.progress import loss_bar, phase, tell
from nucleate.core.settings import validate
from nucleate.latent.latent_model import LatentModel, load_codec
from nucleate.latent.pretrained import matter_of, model_digest, model_folder
from nucleate.matter.codec import Codec
from nucleate.matter.reading_notes import KEY, reading_lines
from nucleate.regression.property_heads import HEADS_NAME, PropertyHead, save_heads
from nucleate.settings.data import FeaturizeSettings
from nucleate.settings.model import FinetuneSettings, ObjectiveSettings, TrainSettings
from nucleate.stages.featurize import featurize
from nucleate.stages.finetune.finetune_data import (
    choose_rehearsal,
    encoded_with_auxiliary,
    own_set,
)
from nucleate.stages.finetune.finetune_figures import own_figures
from nucleate.stages.finetune.training_like import Memory
from nucleate.stages.start import START_INPUT, started_model
from nucleate.stages.train import read_splits
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.checkpoint import save_model
from nucleate.vae.info import INFO_NAME
from nucleate.vae.model import VAE
from nucleate.vae.prior import Prior
from nucleate.vae.training.evaluation import encode_all
from nucleate.vae.training.prior_tuning import tune_prior
from nucleate.vae.training.trainer import RESUME_NAME, TrainState
from nucleate.vae.training.tuning import Settled, Tuner

STAGE = "finetune"
REPORT_NAME = "finetune.json"
_MARGIN = 1.2
"""Of time that is kept for what was measured once: what else runs may make it slower."""
_PRIOR_SHARE = 0.05
"""Of a limit, kept for the prior."""
_SETTLING = 3
"""Measurements of the memory for which time is kept, to choose weights by."""
_OLD_KEYS = ("schema", "network", "prior", "parameters", "sha256", "export", "figures", "features")
"""Of `model.json`, what is not handed down from the old model to the new one."""


def finetune(
    settings: FinetuneSettings,
    model: Path | str,
    folder: Path,
    *,
    seed: int = 0,
    device: str = "auto",
    mirror: str | None = None,
    deadline: Deadline | None = None,
) -> Manifest:
    """Fine-tune a trained model on a set of one's own.

    Writes a model's folder (usable wherever a model is), `finetune.json` (figures before and
    after), `curves.csv`, and the featurized set in `features/`. A killed run resumes.

    Args:
        model: a trained model's folder, or a shipped model's name.
        deadline: of the settings, if it has begun already.

    Raises:
        CheckpointError: no such model, or damaged.
        InputError: the set cannot be read, or too little of it can be used.
        SettingsError: an unknown option.
        ResultsError: the folder cannot be written.
    """
    deadline = deadline or Deadline(settings.maximum_minutes)
    base_folder = model_folder(model)
    matter_name = matter_of(base_folder)
    if folder.resolve() == base_folder.resolve():
        raise CheckpointError(f"{folder}: is the model itself; write to another folder")
    features = featurize(
        FeaturizeSettings(
            dataset=settings.dataset,
            standardise=settings.standardise,
            split=settings.split,
            processes=settings.processes,
        ),
        matter_name,
        folder / "features",
        seed=seed,
        mirror=mirror,
        start=base_folder,
        extend=settings.extend and not settings.frozen,
    )
    for line in reading_lines(features.metrics):
        tell(line)
    inputs = {START_INPUT: model_digest(base_folder), "features": features.key}
    plain = settings.model_dump(mode="json", exclude={"processes"})
    key = stage_key(STAGE, plain, inputs, seed=seed)

    def work(out: Path) -> tuple[list[str], dict[str, Any]]:
        base = LatentModel.load(base_folder, device)
        return _Job(settings, base, features, out, seed, device, key, deadline).run()

    return run_stage(STAGE, matter_name, folder, plain, inputs, work, seed=seed)


@dataclass
class _Job:
    """One run of the stage."""

    settings: FinetuneSettings
    base: LatentModel
    features: Manifest
    out: Path
    seed: int
    device: str
    key: str
    deadline: Deadline
    costs: Costs = field(default_factory=Costs)

    def run(self) -> tuple[list[str], dict[str, Any]]:
        """Do the phases; returns the output names and the figures."""
        started = self.deadline.spent()
        _, codec = load_codec(Path(self.features.folder))
        arrays = RaggedArrays.load(self.features.path("features.npz"), codec.schema)
        splits = read_splits(self.features)
        own = own_set(self.features, splits, self.settings)
        with phase("recall"):
            base_set, rehearsed, source = choose_rehearsal(self.base, own, self.settings, self.seed)

        network = started_model(self.base, codec)
        tuned = self._model(network, codec, self.base.prior)
        memory = Memory(tuned, base_set)
        with self.costs.of("memory"), phase("measure the memory"):
            remembered = Memory(self.base, base_set)(self.base.model)
        with self.costs.of("figures"), phase("measure the old model"):
            before, _ = own_figures(self.base, own, self.settings.samples, self.seed)

        training = arrays.subset(splits["train"])
        with self.costs.of("encoding"):
            if rehearsed:
                training = training.joined(encoded_with_auxiliary(tuned, rehearsed))
        tuner = Tuner(
            network,
            training,
            arrays.subset(splits["validation"] if len(splits["validation"]) else splits["train"]),
            self._train_settings(),
            folder=self.out,
            key=self.key,
            seed=self.seed,
            device=self.device,
            augment=self.base.matter.codecs.augment(codec.schema, self._old_settings("augment")),
            recalled=memory,
            least=remembered - self.settings.maximum_forgetting,
            pull=self.settings.pull,
            remembering=self.costs["memory"],
            seconds=self._training_seconds(),
        )
        if self.settings.frozen:
            state = TrainState()
            kept = Settled(0.0, 0, remembered, tuner.start, math.inf)
            network.eval()
        else:
            state = tuner.run()
            kept = tuner.settle(self.deadline.left() - self._closing_seconds())
        prior, prior_figures, latents = self._prior(network, arrays, splits, tuner.device)
        # Kept with the model, so that whoever fine-tunes it again rehearses the first set too.
        known = encoded_with_auxiliary(tuned, [*rehearsed, *base_set])
        latents["rehearsed"] = torch.from_numpy(encode_all(network, known, tuner.device)[0])
        tuned = self._model(network, codec, prior)
        with phase("measure the new model"):
            after, heads = own_figures(tuned, own, self.settings.samples, self.seed)
        figures: dict[str, Any] = {
            "model": self.base.folder.name,
            "structures": {name: len(rows) for name, rows in splits.items()},
            "symbols": {k: self.features.metrics[k] for k in ("added_symbols", "unknown_symbols")},
            "rejected": self.features.metrics["rejected"],
            KEY: self.features.metrics.get(KEY, {}),
            "before": {"base_exact": remembered, **before},
            "after": {"base_exact": kept.memory, **after},
            "forgetting": {
                "maximum": self.settings.maximum_forgetting,
                "measured": remembered - kept.memory,
                # Shares are ratios of small integers: leave room for their rounding.
                "bound_held": remembered - kept.memory <= self.settings.maximum_forgetting + 1e-9,
                "base_set": len(base_set),
                "base_set_from": source,
                "rehearsed": len(rehearsed),
                "share_of_new_weights": kept.share,
                "epoch_kept": kept.epoch,
            },
            "training": _training_figures(state),
            "prior": prior_figures,
            "seconds": round(self.deadline.spent() - started, 1),
        }
        return self._write(tuned, latents, heads, figures), figures

    # Parts

    def _closing_seconds(self) -> float:
        """What the last phases take, as measured on the old model: encodings, prior, figures; 0 if
        there is no limit."""
        if math.isinf(self.deadline.seconds):
            return 0.0
        return self._figures_seconds() + _PRIOR_SHARE * self.deadline.seconds

    def _figures_seconds(self) -> float:
        """What comes after the prior, likewise."""
        return _MARGIN * (self.costs["figures"] + 2 * self.costs["encoding"])

    def _training_seconds(self) -> float | None:
        """What is left for training; says so. None if there is no limit."""
        if math.isinf(self.deadline.seconds) or self.settings.frozen:
            return None
        later = self._closing_seconds() + _SETTLING * self.costs["memory"]
        left = self.deadline.left() - later
        limit, spent = (x / 60 for x in (self.deadline.seconds, self.deadline.spent()))
        if left > 0:
            tell(
                f"Of {limit:.3g} minutes {spent:.1f} went into reading and measuring, and "
                f"{later / 60:.1f} are kept for prior and figures: {left / 60:.1f} are left for "
                "training."
            )
        else:
            tell(
                f"{limit:.3g} minutes are too few: reading and measuring took {spent:.1f}, and "
                f"prior and figures take some {later / 60:.1f} more. The network gets one step."
            )
        return max(0.0, left)

    def _model(self, network: VAE, codec: Codec, prior: Prior) -> LatentModel:
        info = {k: v for k, v in self.base.info.items() if k not in _OLD_KEYS}
        device = self.base.device
        network = network.to(device)
        return LatentModel(self.out, self.base.matter, codec, network, prior, info, device)

    def _train_settings(self) -> TrainSettings:
        """How the old model was trained, at this stage's pace."""
        s = self.settings
        told, where = self._old_settings("objective"), f"{self.base.folder / INFO_NAME} objective"
        objective = validate(ObjectiveSettings, told, where)
        return TrainSettings(
            objective=objective.model_copy(update={"warm_up": 0.0}),
            epochs=s.epochs,
            batch=s.batch,
            learning_rate=s.learning_rate,
            patience=s.patience,
            average=s.average,
            maximum_minutes=s.maximum_minutes,
        )

    def _old_settings(self, section: str) -> dict[str, Any]:
        """A section of the settings that the old model was trained with; empty if unknown."""
        return dict((self.base.info.get("train") or {}).get(section) or {})

    def _prior(
        self,
        network: VAE,
        arrays: RaggedArrays,
        splits: dict[str, NDArray[np.int64]],
        device: torch.device,
    ) -> tuple[Prior, dict[str, Any], dict[str, torch.Tensor]]:
        """The prior of the own set, its figures, and the encoded training split."""
        encoded = [torch.from_numpy(x) for x in encode_all(network, arrays, device)]
        rows = torch.from_numpy(splits["train"])
        judges = torch.from_numpy(splits["validation"]) if len(splits["validation"]) else rows
        with loss_bar("prior", self.settings.prior_steps) as report:
            prior, figures = tune_prior(
                self.base.prior,
                (encoded[0][rows], encoded[1][rows]),
                (encoded[0][judges], encoded[1][judges]),
                steps=self.settings.prior_steps,
                seed=self.seed,
                report=report,
                seconds=max(
                    _PRIOR_SHARE * self.deadline.seconds,
                    self.deadline.left() - self._figures_seconds(),
                ),
            )
        latents = {"mean": encoded[0][rows], "log_variance": encoded[1][rows], "index": rows}
        return prior, {"kind": prior.kind, **figures}, latents

    def _write(
        self,
        model: LatentModel,
        latents: dict[str, torch.Tensor],
        heads: list[PropertyHead],
        figures: dict[str, Any],
    ) -> list[str]:
        with atomic_path(self.out / "codec.json") as temporary:
            shutil.copyfile(self.features.path("codec.json"), temporary)
        settings = self.settings.model_dump(mode="json")
        for name in ("source", "test_source", "validation_source"):  # no paths of this machine
            settings["dataset"][name] = _names(settings["dataset"][name])
        info = {
            **model.info,
            "finetune": settings,
            "base": {"name": self.base.folder.name, "digest": model_digest(self.base.folder)},
            "features": self.features.key,
            "seed": self.seed,
            "figures": {"held_out": {"exact_match": figures["after"]["held_out_exact"]}, **figures},
            "properties": [head.to_json() for head in heads],
        }
        names = save_model(self.out, model.model, model.prior, latents, info)
        if heads:
            save_heads(self.out, heads)
            names.append(HEADS_NAME)
            _record_digest(self.out, HEADS_NAME)
        write_json(self.out / REPORT_NAME, figures)
        (self.out / RESUME_NAME).unlink(missing_ok=True)
        curves = [] if self.settings.frozen else ["curves.csv"]
        return [*names, "codec.json", *curves, REPORT_NAME]


def _training_figures(state: TrainState) -> dict[str, Any]:
    return {
        "epochs": len(state.rows),
        "steps": state.step,
        "training_seconds": round(state.seconds, 1),
        "epochs_within_bound": sum(np.isfinite(row["validation_objective"]) for row in state.rows),
    }


def _record_digest(folder: Path, name: str) -> None:
    """Add a file to those whose digest `model.json` holds."""
    info = read_json(folder / INFO_NAME)
    info["sha256"][name] = sha256_file(folder / name)
    write_json(folder / INFO_NAME, info)


def _names(source: Any) -> Any:
    """The last part of a path, or of each of a list of them."""
    if isinstance(source, list):
        return [_names(one) for one in source]
    return None if source is None else Path(source).name
