"""A trained model's folder: safetensors beside JSON, nothing pickled, verified on loading.

Files: `model.safetensors` (weights and the schema's feature tables), `prior.safetensors`,
`latents.safetensors` (encoded training set) and `model.json` (schema, settings, figures, digests).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from nucleate.core.errors import CheckpointError
from nucleate.core.files import atomic_path, sha256_file, write_json
from nucleate.settings.model import NetworkSettings, PriorSettings
from nucleate.vae.info import INFO_NAME, read_info
from nucleate.vae.legality import Legality
from nucleate.vae.model import VAE
from nucleate.vae.prior import Prior, make_prior
from nucleate.vae.schema import SCHEMA_VERSION, Schema

TENSOR_FILES = ("model.safetensors", "prior.safetensors", "latents.safetensors")


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors atomically."""
    plain = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(plain, temporary)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors.

    Raises:
        CheckpointError: missing, truncated or not safetensors; names the file.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; is this a trained model's folder?") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: damaged or truncated ({error})") from None


def save_model(
    folder: Path,
    model: VAE,
    prior: Prior,
    latents: Mapping[str, Tensor],
    info: Mapping[str, Any],
) -> list[str]:
    """Write a model's folder and return the names of its files.

    Args:
        latents: `mean`, `log_variance` float32 [n, D] and `index` int64 [n] of the training set.
        info: further values for `model.json` (figures, digests of the data).
    """
    save_tensors(folder / TENSOR_FILES[0], model.state_dict())
    save_tensors(folder / TENSOR_FILES[1], prior.state_dict())
    save_tensors(folder / TENSOR_FILES[2], latents)
    write_json(
        folder / INFO_NAME,
        {
            **info,
            "schema": model.schema.to_json(),
            "network": model.settings.model_dump(mode="json"),
            "prior": prior.settings.model_dump(mode="json"),
            "parameters": sum(p.numel() for p in model.parameters()),
            "sha256": {name: sha256_file(folder / name) for name in TENSOR_FILES},
        },
    )
    return [*TENSOR_FILES, INFO_NAME]


def load_info(folder: Path) -> dict[str, Any]:
    """Read and verify `model.json`.

    Raises:
        CheckpointError: not a model's folder, of a newer version, or a file was changed.
    """
    info = read_info(folder)
    version = info.get("schema", {}).get("version")
    if version != SCHEMA_VERSION:
        raise CheckpointError(
            f"{folder / INFO_NAME}: schema version {version}, this program reads {SCHEMA_VERSION}"
        )
    for name, expected in info.get("sha256", {}).items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"{path}: missing from the model's folder")
        if sha256_file(path) != expected:
            raise CheckpointError(f"{path}: damaged or truncated (its SHA-256 is not the recorded)")
    return info


def _load_state(module: nn.Module, path: Path) -> None:
    try:
        module.load_state_dict(load_tensors(path))
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            f"{path}: does not fit the model that its settings describe: {first}"
        ) from None


def load_model(
    folder: Path, info: Mapping[str, Any], schema: Schema, legality: Legality
) -> tuple[VAE, Prior]:
    """Rebuild model and prior from a folder whose `info` was read by `load_info`.

    Args:
        schema: as the codec beside the model makes it (with feature tables).

    Raises:
        CheckpointError: the schema is another one, or a file is damaged.
    """
    if schema.to_json() != info["schema"]:
        raise CheckpointError(
            f"{folder}: the model was trained for another schema than its codec describes"
        )
    model = VAE(schema, legality, NetworkSettings.model_validate(info["network"]))
    _load_state(model, folder / TENSOR_FILES[0])
    prior = make_prior(model.latent_size, PriorSettings.model_validate(info["prior"]))
    _load_state(prior, folder / TENSOR_FILES[1])
    model.eval()
    prior.eval()
    return model, prior


def load_latents(folder: Path) -> dict[str, NDArray[np.float32]]:
    """The encoded training set: `mean`, `log_variance` [n, D] and `index` [n].

    Raises:
        CheckpointError: the folder holds none, or it is damaged.
    """
    path = folder / TENSOR_FILES[2]
    if not path.is_file():
        raise CheckpointError(f"{folder}: this model came without its encoded training set")
    # Shipped models keep half precision.
    return {
        name: (value.float() if value.is_floating_point() else value).numpy()
        for name, value in load_tensors(path).items()
    }
