"""Trained models that ship with the package, found by a bare name wherever a model's folder is.

A shipped model is a folder of `nucleate/pretrained`: what `nucleate.vae.checkpoint.save_model`
writes (with a sample of the encoded training set instead of all of it), `codec.json` and `card.md`.
`nucleate.latent.export_model` makes such a folder of a trained model's. Nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from nucleate.core.errors import CheckpointError
from nucleate.core.files import digest, sha256_file
from nucleate.core.manifest import MANIFEST_NAME, Manifest, load_manifest
from nucleate.latent.cards import CARD_KEYS, CARD_NAME, read_card
from nucleate.vae.info import INFO_NAME, read_info

CODEC_NAME = "codec.json"
FOLDER = Path(str(files("nucleate"))) / "pretrained"


def names() -> list[str]:
    """Shipped models."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{INFO_NAME}"))


def model_folder(model: str | Path) -> Path:
    """The folder of a model given by its path or by a shipped model's name.

    A folder of that name in the working folder wins.

    Raises:
        CheckpointError: neither; lists the shipped models.
    """
    path = Path(model)
    shipped = str(model) in names()
    if path.is_dir():
        if shipped and not (path / INFO_NAME).is_file():
            raise CheckpointError(
                f"{path}: this folder hides the shipped model of that name and is not a trained "
                f"model's (no {INFO_NAME} in it); rename it or work in another folder"
            )
        return path
    if shipped:
        return FOLDER / str(model)
    known = ", ".join(names()) or "none"
    raise CheckpointError(
        f"{model}: no such folder, and no shipped model of that name; shipped models: {known}"
    )


def start_folder(start: str, matter: str) -> Path | None:
    """The model that training starts from.

    Args:
        start: `none`, `auto` (the shipped model of that kind of matter, if there is one), a shipped
            model's name or a folder.

    Raises:
        CheckpointError: no such model, or one of another kind of matter.
    """
    if start == "none":
        return None
    if start == "auto":
        fitting = [name for name in names() if matter_of(FOLDER / name) == matter]
        # The one that is called like the kind of matter is the general one.
        chosen = matter if matter in fitting else next(iter(fitting), None)
        return None if chosen is None else FOLDER / chosen
    folder = model_folder(start)
    if matter_of(folder) != matter:
        raise CheckpointError(f"{folder}: holds {matter_of(folder)}, not {matter}")
    return folder


def matter_of(folder: Path) -> str:
    """Kind of matter of a model.

    Raises:
        CheckpointError: not a model's folder.
    """
    return str(read_info(folder).get("schema", {}).get("matter", ""))


def model_digest(folder: Path) -> str:
    """Digest of a model: weights, settings, figures and codec.

    `model.json` holds the digests of the tensors' files, so that two small files tell all.

    Raises:
        CheckpointError: not a model's folder.
    """
    try:
        return digest([sha256_file(folder / name) for name in (INFO_NAME, CODEC_NAME)])
    except OSError as error:
        raise CheckpointError(f"{folder}: not a trained model's folder ({error})") from None


def model_manifest(folder: Path) -> Manifest:
    """The manifest that stages after training take, for a model that did not come from a run.

    Raises:
        CheckpointError: not a model's folder.
    """
    return Manifest("train", matter_of(folder), str(folder.resolve()), model_digest(folder))


def find_manifest(model: str | Path) -> Manifest:
    """The manifest of a model given by its folder or by a shipped model's name.

    Raises:
        CheckpointError: no such model.
        ResultsError: its manifest is damaged.
    """
    folder = model_folder(model)
    if (folder / MANIFEST_NAME).is_file():
        return load_manifest(folder, "train", "finetune")
    return model_manifest(folder)


def describe(folder: Path) -> dict[str, Any]:
    """What a model is, from its card and `model.json`.

    Returns:
        `name`, `matter`, `title`, `data`, `licence`, `bytes`, `parameters`, `latent_size`,
        `figures` (the card's headline, else what was measured on held-out structures) and `folder`.

    Raises:
        CheckpointError: not a model's folder.
    """
    info = read_info(folder)
    card = folder / CARD_NAME
    head = read_card(card).head if card.is_file() else {}
    return {
        "name": folder.name,
        "matter": matter_of(folder),
        **{key: head.get(key, "") for key in CARD_KEYS},
        "bytes": sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        "parameters": info.get("parameters"),
        "latent_size": info.get("network", {}).get("latent"),
        "figures": head.get("figures") or _headline(info),
        "folder": str(folder),
    }


def _headline(info: Mapping[str, Any]) -> str:
    held_out = (info.get("figures") or {}).get("held_out") or {}
    exact = held_out.get("exact_match")
    return "" if exact is None else f"{100 * exact:.1f} % of held-out structures rebuilt exactly"
