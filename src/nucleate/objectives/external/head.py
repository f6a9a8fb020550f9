"""Objectives that the model itself predicts: property heads and auxiliary fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from nucleate.core.errors import SettingsError
from nucleate.objectives.property import Answer, ObjectiveProperty, answering
from nucleate.settings.objectives import HeadSource

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel


def head_property(source: HeadSource, model: LatentModel) -> ObjectiveProperty:
    """A property read off the latent vector of a structure.

    Of the decoded structure, encoded again, not of the vector that it was decoded from: a
    property must depend on the structure alone.

    Raises:
        SettingsError: the model has no such head; names those that it has.
        CheckpointError: damaged heads.
    """
    from nucleate.regression.latent_linear import heads_of, known_predictor

    heads, guide = heads_of(model), model.matter.guide
    predict = known_predictor(model, guide, source.head, heads)
    if predict is None:
        targets = guide.linear_targets(model.codec).items()
        trained = [name for name, target in targets if target.field in model.model.auxiliary]
        known = ", ".join(dict.fromkeys((*heads, *trained))) or "none"
        raise SettingsError(f"objective: the model has no head {source.head!r}; it has: {known}")

    def answers(structures: Sequence[str]) -> list[Answer]:
        latents, refused = model.encode(structures)
        with torch.no_grad():
            values = predict(torch.from_numpy(latents)).double().tolist()
        return [
            Answer.failed(str(refused[position])) if position in refused else Answer(value)
            for position, value in enumerate(values)
        ]

    description = f"{source.head} as the model predicts it"
    if source.head in heads:
        head = heads[source.head]
        description += f" ({head.labels} labels, leave-one-out R2 {head.leave_one_out_r2:.2f})"
    return answering(source.column_name(), source.unit, description, answers)
