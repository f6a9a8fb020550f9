"""Figures of a model on a person's own set, taken before and after fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.latent.latent_model import LatentModel
from nucleate.matter.checks import Candidate, CheckContext
from nucleate.novelty.representatives import distinct
from nucleate.regression.property_heads import (
    MINIMUM_LABELS,
    PropertyHead,
    explained_variance,
    fit_head,
    predict,
)
from nucleate.settings.sample import SampleSettings
from nucleate.stages.reconstruct import reconstruction_figures
from nucleate.stages.sample import draw_samples


@dataclass(frozen=True)
class OwnSet:
    """A person's structures.

    Attributes:
        training, held_out: structure strings.
        labels: by property, float64 [training + held_out] in that order; NaN where missing.
    """

    training: list[str]
    held_out: list[str]
    labels: Mapping[str, NDArray[np.float64]]

    @property
    def all(self) -> list[str]:
        """Training and then held-out structures."""
        return [*self.training, *self.held_out]


def own_figures(
    model: LatentModel, own: OwnSet, samples: int, seed: int
) -> tuple[dict[str, Any], list[PropertyHead]]:
    """Figures of one model, and property heads fitted to its encodings of the training part.

    Returns:
        `held_out_exact` (share of the held-out structures rebuilt exactly; those that the
        vocabulary cannot hold count as not), `held_out_nats` (distortion per structure that it can
        hold), `samples` (see `sample_figures`), `properties` (by property: `labels`,
        `held_out_labels`, `leave_one_out_r2`, `held_out_r2`; R2 is None where it cannot be had).
    """
    rebuilt, _ = reconstruction_figures(model, own.held_out)
    properties, heads = _property_figures(model, own, seed)
    return {
        "held_out_exact": rebuilt["exact_match"],
        "held_out_refused": sum(rebuilt["refused"].values()),
        "held_out_nats": rebuilt.get("loss", {}).get("distortion"),
        "samples": sample_figures(model, own.all, samples, seed),
        "properties": properties,
    }, heads


def _property_figures(
    model: LatentModel, own: OwnSet, seed: int
) -> tuple[dict[str, Any], list[PropertyHead]]:
    if not own.labels:
        return {}, []
    latents, _ = model.encode(own.all)
    split = len(own.training)
    figures: dict[str, Any] = {}
    heads: list[PropertyHead] = []
    for name, values in own.labels.items():
        known = np.isfinite(values)
        described: dict[str, Any] = {
            "labels": int(known[:split].sum()),
            "held_out_labels": int(known[split:].sum()),
            "leave_one_out_r2": None,
            "held_out_r2": None,
        }
        head = fit_head(name, latents[:split], values[:split], seed)
        if head is None:
            described["not_fitted"] = f"fewer than {MINIMUM_LABELS} labels, or all are equal"
        else:
            heads.append(head)
            described["leave_one_out_r2"] = head.leave_one_out_r2
            predicted = predict(head, latents[split:])
            described["held_out_r2"] = explained_variance(values[split:], predicted)
        figures[name] = described
    return figures, heads


def sample_figures(
    model: LatentModel, known: Sequence[str], count: int, seed: int
) -> dict[str, Any]:
    """How draws from the prior relate to known structures.

    Returns:
        `drawn`, `valid` (share that decoded), `unique` (share of these), `novel` (share of the
        distinct ones that the matter's own check of novelty passes) and, where that check measures
        similarity, `nearest_similarity`: the mean over the distinct ones of the similarity to the
        nearest known structure (molecules: Tanimoto, Morgan bits of radius 2).
    """
    rows, summary = draw_samples(model, SampleSettings(count=count), seed)
    structures = distinct(model.matter.identity, (str(row["structure"]) for row in rows))
    figures: dict[str, Any] = {
        "drawn": count,
        "valid": summary["valid_share"],
        "unique": len(structures) / max(1, len(rows)),
    }
    if "novel" not in model.matter.checks.own() or not structures:
        return figures
    check = model.matter.checks.build("novel", {}, CheckContext(known=known, seed=seed), "finetune")
    verdicts = check.run([Candidate(structure) for structure in structures])
    figures["novel"] = sum(verdict.passed for verdict in verdicts) / len(verdicts)
    found = [verdict.columns.get("nearest_known_similarity") for verdict in verdicts]
    similarities = [float(value) for value in found if value is not None]
    if similarities:
        figures["nearest_similarity"] = float(np.mean(similarities))
    return figures
