"""Verbs of the latent space: load_model, encode, decode, reconstruct."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.api.arguments import PLACE, model_place, whole_seed
from nucleate.api.latents import Latents
from nucleate.api.structure_table import StructureTable, structure_table
from nucleate.api.structures import read_structures
from nucleate.core.errors import InputError
from nucleate.core.settings import validate
from nucleate.latent import pretrained
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.sample import SampleSettings
from nucleate.stages.reconstruct import Rebuilt, reconstruction_figures


def load_model(model: str | Path | LatentModel = "molecules", device: str = "auto") -> LatentModel:
    """Load a trained model.

    The verbs take a model's name or folder as well; what was loaded is kept for the next call.

    Args:
        model: a shipped model's name (`molecules`, `crystals`) or the folder of a trained one.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        CheckpointError: no such model (the message lists those that ship), or damaged.

    >>> import nucleate
    >>> model = nucleate.load_model("molecules")
    >>> model.matter.name, model.size
    ('molecules', 128)
    """
    if isinstance(model, LatentModel):
        return model
    folder = pretrained.model_folder(model_place(model))
    return _load(folder.resolve(), pretrained.model_digest(folder), device)


@lru_cache(maxsize=4)
def _load(folder: Path, _digest: str, device: str) -> LatentModel:
    return LatentModel.load(folder, device)


def encode(
    structures: Any,
    model: str | Path | LatentModel = "molecules",
    *,
    inference_steps: int = 0,
    device: str = "auto",
) -> Latents:
    """Find the latent vectors of structures.

    Args:
        structures: SMILES, CIF or Wyckoff texts, RDKit molecules, pymatgen Structures, ASE Atoms;
            one, a list, a pandas Series, a DataFrame with a column of them, or a file.
        model: see `load_model`.
        inference_steps: gradient steps from the encoder's answer towards vectors that tell the
            structures better.

    Returns:
        float32 [n, D], one row for each structure. One that is refused is a row of NaN, and
        `reasons` says why; `structures` holds them in canonical form, `notes` what was left out.

    Raises:
        InputError: a file or table without structures, or structures of another kind of matter.

    >>> import nucleate
    >>> latents = nucleate.encode(["OCC", "c1ccccc1O", "no molecule"])
    >>> latents.shape
    (3, 128)
    >>> latents.structures
    ('CCO', 'Oc1ccccc1', None)
    >>> latents.reasons[2][:10]
    'unparsable'
    """
    loaded = load_model(model, device)
    found = read_structures(structures, loaded.matter)
    latents = np.full((len(found.labels), loaded.size), np.nan, np.float32)
    places = found.places
    if places:
        latents[places], refused = loaded.encode(found.accepted, inference_steps)
        for number, error in refused.items():
            found.structures[places[number]], found.reasons[places[number]] = None, str(error)
    return Latents.of(latents, found.structures, found.reasons, loaded.matter.name, found.notes)


def decode(
    latents: Any,
    model: str | Path | LatentModel = "molecules",
    *,
    temperature: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
    as_: str | None = None,
    device: str = "auto",
) -> StructureTable:
    """Write the structures that latent vectors mean.

    Args:
        latents: [n, D], or one vector [D].
        temperature: of the decoder; 0 writes what is most likely.
        noise: how far the decoder leans on what is usual near a vector: 0 copies it.
        as_: adds a column of objects: `rdkit`; `pymatgen` or `ase`; `string` (SMILES, CIF).

    Returns:
        One row for each vector: the structure, `log_likelihood` (nats) and `reason`, where there is
        no structure.

    Raises:
        InputError: not of that shape, or of another kind of matter; says what was expected.
        SettingsError: a temperature below 0, or noise outside 0 to 1.

    >>> import nucleate
    >>> latents = nucleate.encode(["CC(=O)Nc1ccc(O)cc1", "no molecule"])
    >>> table = nucleate.decode(latents, as_="rdkit")
    >>> table["smiles"][0], table["smiles"].isna().tolist()
    ('CC(=O)Nc1ccc(O)cc1', [False, True])
    >>> table["rdkit"][0].GetNumAtoms()
    11
    >>> table["reason"][1].partition(":")[0]
    'unparsable'
    """
    loaded = load_model(model, device)
    validate(SampleSettings, {"temperature": temperature, "noise": noise}, PLACE)
    origin = getattr(latents, "matter_name", "") or loaded.matter.name
    if origin != loaded.matter.name:
        raise InputError(f"latent vectors of {origin} are none of a model of {loaded.matter.name}")
    if hasattr(latents, "detach"):  # a tensor
        latents = latents.detach().cpu()
    array = np.asarray(latents, dtype=object if isinstance(latents, (list, tuple)) else None)
    if array.dtype.kind == "c":
        raise InputError(f"latent vectors must be numbers [n, {loaded.size}], not complex ones")
    if array.dtype == object and len(array):  # a column of vectors
        try:
            array = np.stack([np.asarray(row, np.float32) for row in array])
        except (TypeError, ValueError) as error:
            raise InputError(
                f"latent vectors must be numbers [n, {loaded.size}]: {error}"
            ) from None
    if array.shape == (loaded.size,):
        array = array[None]
    decoded = loaded.decode(array, temperature, whole_seed(seed), noise)
    told = getattr(latents, "reasons", ()) or [""] * len(decoded)
    rows = [
        {
            loaded.matter.structure_column: one.structure,
            "log_likelihood": one.log_likelihood,
            "reason": one.reason and (reason or one.reason),
        }
        for one, reason in zip(decoded, told, strict=True)
    ]
    return structure_table(loaded.matter, rows, columns=("log_likelihood", "reason"), as_=as_)


def reconstruct(
    structures: Any,
    model: str | Path | LatentModel = "molecules",
    *,
    refine: bool = False,
    inference_steps: int = 0,
    device: str = "auto",
) -> StructureTable:
    """Encode structures, decode them, and compare: how well a model knows them.

    Args:
        structures, model, inference_steps: see `encode`.
        refine: whether what was decoded is refined as the model's samples are.

    Returns:
        One row for each structure: in canonical form, `reconstructed`, whether it is the `same`,
        the `reason` where it was refused, and `notes` of what was left out on reading.
        `attrs["summary"]` holds the figures.

    >>> import nucleate
    >>> table = nucleate.reconstruct(["CC(=O)Nc1ccc(O)cc1", "OCC", "no molecule"])
    >>> table["same"].tolist()
    [True, True, False]
    >>> table.attrs["summary"]["exact_match"]
    1.0
    """
    loaded = load_model(model, device)
    found = read_structures(structures, loaded.matter)
    if not found.accepted:
        raise InputError(f"no usable structure: {found.reasons[0] if found.reasons else 'no rows'}")
    figures, rebuilt = reconstruction_figures(
        loaded, found.accepted, refine=refine, inference_steps=inference_steps
    )
    answers = dict(zip(found.places, rebuilt, strict=True))
    rows = []
    for place, (structure, reason) in enumerate(zip(found.structures, found.reasons, strict=True)):
        answer = answers.get(place, Rebuilt(None, False, reason))
        row = {loaded.matter.structure_column: structure, "reconstructed": answer.structure}
        notes = "; ".join(found.notes[place])
        rows.append(row | {"same": answer.exact, "reason": answer.reason, "notes": notes})
    return structure_table(loaded.matter, rows, labels=found.labels, summary=figures)
