"""From a trained model's folder to one small enough to ship."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.core.errors import CheckpointError, SettingsError
from nucleate.core.files import atomic_folder, json_text
from nucleate.latent.cards import CARD_NAME, read_card
from nucleate.latent.pretrained import CODEC_NAME
from nucleate.vae.info import INFO_NAME

if TYPE_CHECKING:
    from torch import Tensor

    from nucleate.latent.latent_model import LatentModel

MAXIMUM_BYTES = 12_000_000
"""Most that the files of a shipped model may take together."""
LATENTS = "latents.safetensors"

Tensors = dict[str, dict[str, "Tensor"]]
"""By file name, tensors by name."""


def export(
    model_folder: Path,
    target: Path,
    *,
    card: Path,
    latents: int = 5000,
    sampling: Mapping[str, float] | None = None,
    maximum_bytes: int = MAXIMUM_BYTES,
    seed: int = 0,
) -> dict[str, Any]:
    """Make a folder fit to ship from a trained model's.

    Of the encoded training set a random sample is kept. What makes the folder too big in single
    precision is stored in half: first the latents, then the weights (never the buffers, which are
    constant tables); reading turns them back into single precision.

    Args:
        model_folder: what `nucleate train` or `nucleate finetune` wrote.
        target: folder to write, all at once; replaced if it exists.
        card: the model card, Markdown; see `nucleate.latent.cards`.
        latents: encoded training structures to keep at most; 0 leaves them out, and with them what
            rests on them (search, fine-tuning's rehearsal draws from the prior instead).
        sampling: how `nucleate sample` draws from it (fields of `DrawSettings`), where it differs
            from what the model was trained with.
        maximum_bytes: of all files together.
        seed: of the choice of latents.

    Returns:
        `bytes`, `weights` and `latents` (each `float32` or `float16`), `latents_kept` and
        `latents_of`.

    Raises:
        CheckpointError: the model is damaged, a weight overflows in half precision, or the result
            is too large all the same.
        SettingsError: the card's head lacks a key.
    """
    from nucleate.latent.latent_model import LatentModel

    lacking = read_card(card).lacking()
    if lacking:
        raise SettingsError(
            f"{card}: the head of the card (`key: value` lines between two lines `---` at its top) "
            f"lacks {', '.join(lacking)}"
        )
    model = LatentModel.load(model_folder, "cpu")
    draws = model.sampling().model_copy(update=dict(sampling or {}))
    trained = dict(model.info.get("train") or {})
    if "start" in trained:
        # The name is enough for a reader, and a path of this machine would mean nothing elsewhere.
        trained["start"] = Path(str(trained["start"])).name
    model.info = {
        **model.info,
        "train": trained,
        "sampling": draws.model_dump(mode="json"),
    }
    tensors, total = _read(model, latents, seed)
    weights = {
        "model.safetensors": {name for name, _ in model.model.named_parameters()},
        "prior.safetensors": {name for name, _ in model.prior.named_parameters()},
    }
    for halved in ((), ("latents",), ("latents", "weights")):
        figures = {
            "weights": "float16" if "weights" in halved else "float32",
            "latents": "float16" if "latents" in halved else "float32",
            "latents_kept": len(tensors[LATENTS]["mean"]) if LATENTS in tensors else 0,
            "latents_of": total,
        }
        stored = _halve(tensors, weights, halved, model_folder)
        content = _files(model, stored, card, figures)
        size = sum(map(len, content.values()))
        if size <= maximum_bytes:
            break
    else:
        raise CheckpointError(
            f"{model_folder}: {size:,} bytes in half precision, {maximum_bytes:,} may be shipped; "
            "keep fewer latents or train a smaller model"
        )
    with atomic_folder(target) as part:
        for name, data in content.items():
            (part / name).write_bytes(data)
    return {"bytes": size, **figures}


def _read(model: LatentModel, latents: int, seed: int) -> tuple[Tensors, int]:
    """All tensors of a model with a sample of its latents, and how many of these there were."""
    import torch

    from nucleate.vae.checkpoint import load_tensors

    tensors = {name: load_tensors(model.folder / name) for name in model.info["sha256"]}
    encoded = tensors.pop(LATENTS, {})
    total = len(encoded["mean"]) if encoded else 0
    if min(total, latents) == 0:
        return tensors, total
    order = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
    rows = order[:latents].sort().values
    tensors[LATENTS] = {
        # What a fine-tuned model rehearsed is not of the training set, and of another length.
        name: value[:latents] if name == "rehearsed" else value[rows]
        for name, value in encoded.items()
    }
    return tensors, total


def _halve(
    tensors: Tensors, weights: Mapping[str, set[str]], halved: tuple[str, ...], folder: Path
) -> Tensors:
    """Tensors with those of the named groups in half precision."""

    def store(file: str, name: str, value: Tensor) -> Tensor:
        group = "latents" if file == LATENTS else "weights"
        wanted = group == "latents" or name in weights.get(file, ())
        if group not in halved or not wanted or not value.is_floating_point():
            return value
        half = value.half()
        if not bool(half.isfinite().all()):
            raise CheckpointError(f"{folder / file}: {name} overflows in half precision")
        return half

    return {
        file: {name: store(file, name, value) for name, value in content.items()}
        for file, content in tensors.items()
    }


def _files(
    model: LatentModel, tensors: Tensors, card: Path, figures: Mapping[str, Any]
) -> dict[str, bytes]:
    """Content of the folder by file name."""
    from safetensors.torch import save

    content = {
        name: save({key: value.contiguous() for key, value in part.items()})
        for name, part in tensors.items()
    }
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    info = {**model.info, "export": figures, "sha256": digests}
    content[CODEC_NAME] = (model.folder / CODEC_NAME).read_bytes()
    content[CARD_NAME] = card.read_bytes()
    content[INFO_NAME] = json_text(info).encode()
    return content
