"""Starting from a trained model: its codec for new data, its weights for a new training run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nucleate.core.errors import CheckpointError
from nucleate.core.files import read_json
from nucleate.core.manifest import Manifest
from nucleate.latent.pretrained import model_digest
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.settings.model import TrainSettings
from nucleate.vae.schema import Stacked

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.vae.model import VAE

START_INPUT = "start model"
"""Role, among a manifest's inputs, of the digest of the model that was started from."""


def start_codec(start: Path, matter: Matter, structures: Sequence[str], *, extend: bool) -> Codec:
    """The codec of a trained model, extended by the symbols of new structures if wanted.

    Raises:
        CheckpointError: damaged, or of another kind of matter.
    """
    from nucleate.latent.latent_model import load_codec

    found, codec = load_codec(start)
    if found.name != matter.name:
        raise CheckpointError(f"{start}: holds {found.name}, not {matter.name}")
    return codec.extended(structures) if extend else codec


def symbol_figures(
    start: Path, codec: Codec, arrays: Stacked, rejected: pa.Table
) -> dict[str, Any]:
    """What the start model's vocabulary did not know, by symbol, most frequent first.

    Args:
        codec: that the arrays were made with; the start model's or an extension of it.
        arrays: the accepted structures.
        rejected: the rejected rows.

    Returns:
        `added_symbols` (uses in the accepted structures by symbol that is new to the vocabulary)
        and `unknown_symbols` (rejected rows by symbol).
    """
    from nucleate.latent.latent_model import load_codec

    first = codec.schema.step[0].name
    known = load_codec(start)[1].schema.step[0].size
    names = codec.symbols()
    uses = np.bincount(arrays.steps[first], minlength=codec.schema.step[0].size)[known:]
    added = {(names[i] if names else str(i)): int(n) for i, n in enumerate(uses, known)}
    refused = rejected.filter(pc.equal(rejected["reason"], "unknown_symbol"))
    # The detail of such a row starts with the symbol (see `Codec.encode`).
    unknown = Counter(text.split(" ", 1)[0] for text in refused["detail"].to_pylist())
    return {
        "added_symbols": dict(sorted(added.items(), key=lambda item: -item[1])),
        "unknown_symbols": dict(unknown.most_common()),
    }


def check_start(start: Path, features: Manifest) -> None:
    """Refuse features that were not made with the start model's codec.

    Raises:
        CheckpointError: says what to do.
    """
    made_for = features.inputs.get(START_INPUT) == model_digest(start)
    # The start model may itself have been trained on these features.
    if not made_for and codec_json(start) != codec_json(Path(features.folder)):
        raise CheckpointError(
            f"{features.folder}: these features were not made with the codec of {start}; "
            f"`nucleate featurize --start {start}` makes such"
        )


def codec_json(folder: Path) -> Any:
    """What `codec.json` of a featurized set or a model says of the codec."""
    return read_json(folder / "codec.json").get("codec")


def started_settings(settings: TrainSettings) -> TrainSettings:
    """The settings of a training run that has a start model.

    Beta stands at its full value from the beginning: without it the latent vectors of a trained
    model would drift away from the prior and back.
    """
    return settings.model_copy(
        update={
            "epochs": settings.start_epochs or settings.epochs,
            "learning_rate": settings.start_learning_rate,
            "objective": settings.objective.model_copy(update={"warm_up": 0.0}),
        }
    )


def started_model(start: LatentModel, codec: Codec) -> VAE:
    """A new network with the start model's sizes and weights for an extension of its codec.

    Raises:
        CheckpointError: the codec is not an extension of the start model's.
    """
    from nucleate.vae.model import VAE
    from nucleate.vae.training.transfer import transfer_weights

    model = VAE(codec.schema, start.matter.codecs.legality(codec.schema), start.model.settings)
    transfer_weights(start.model, model)
    return model
