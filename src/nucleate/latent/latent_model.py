"""A trained model as the rest of the pipeline uses it: structures in, structures out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from nucleate.core.errors import CheckpointError, InputError, ResultsError, StructureError
from nucleate.core.files import read_json
from nucleate.core.parallel import default_processes
from nucleate.core.progress import bar, phase
from nucleate.latent.decode_records import write_records
from nucleate.latent.pretrained import model_folder
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.settings.model import DrawSettings
from nucleate.settings.sample import SampleSettings
from nucleate.vae import refinement
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.checkpoint import load_info, load_latents, load_model
from nucleate.vae.decoding import decode
from nucleate.vae.inference import infer
from nucleate.vae.legality import Legality
from nucleate.vae.model import VAE
from nucleate.vae.prior import Prior
from nucleate.vae.schema import Record
from nucleate.vae.training.evaluation import choose_device, encode_all

DECODE_BATCH = 256
BLOCK = 4 * DECODE_BATCH
"""Latent vectors whose structures are refined together."""
WRITE_CHUNK = 250
POOL_FROM = 2500
"""Records from which worker processes repay the seconds that they take to start."""

NOT_FINITE = "the latent vector holds NaN or infinite numbers"
"""Why there is no structure of such a row."""


@dataclass(frozen=True)
class Decoded:
    """What a latent vector became.

    Attributes:
        structure: structure string, or None where the arrays mean no structure.
        log_likelihood: of the written fields given the latent vector, nats; before relief.
        reason: why there is no structure, else empty.
    """

    structure: str | None
    log_likelihood: float
    reason: str = ""


@contextmanager
def _torch_threads(count: int | None) -> Iterator[None]:
    """Leave cores to worker processes; as many threads as there are if None."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_codec(folder: Path) -> tuple[Matter, Codec]:
    """Kind of matter and codec of a featurized set or of a model.

    Raises:
        CheckpointError: `codec.json` is missing or damaged.
    """
    try:
        data = read_json(folder / "codec.json")
        matter = registry.get(data["matter"])
        return matter, matter.codecs.load(data["codec"])
    except (ResultsError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'codec.json'}: no readable codec ({error})") from None


class LatentModel:
    """Encoder, decoder and prior of a model's folder, in terms of structure strings."""

    def __init__(
        self,
        folder: Path,
        matter: Matter,
        codec: Codec,
        model: VAE,
        prior: Prior,
        info: dict[str, Any],
        device: torch.device,
    ):
        self.folder, self.matter, self.codec = folder, matter, codec
        self.model, self.prior, self.info, self.device = model, prior, info, device
        self.size = model.latent_size
        self.refiner = matter.codecs.refiner(model.schema)

    @classmethod
    def load(cls, folder: Path | str, device: str = "auto") -> LatentModel:
        """Read a model's folder, or the shipped model of that name.

        Raises:
            CheckpointError: missing, damaged, truncated or of another schema; names the file.
        """
        folder = model_folder(folder)
        with phase("load the model"):
            info = load_info(folder)
            matter, codec = load_codec(folder)
            legality = matter.codecs.legality(codec.schema)
            model, prior = load_model(folder, info, codec.schema, legality)
            chosen = choose_device(device)
            return cls(folder, matter, codec, model.to(chosen), prior, info, chosen)

    def arrays(
        self, structures: Sequence[str]
    ) -> tuple[RaggedArrays, list[int], dict[int, StructureError]]:
        """Encode structure strings by the codec.

        Args:
            structures: canonical; one string alone is one structure.

        Returns:
            The arrays of those that the schema holds, their positions in `structures`, and by
            position the reason for each that it does not.
        """
        records: list[Record] = []
        kept: list[int] = []
        refused: dict[int, StructureError] = {}
        structures = [structures] if isinstance(structures, str) else structures
        shown = bar(structures, description="turn into arrays", unit="structure")
        for position, structure in enumerate(shown):
            try:
                record = self.codec.encode(structure)
                record.check(self.codec.schema)
            except StructureError as error:
                refused[position] = error
                continue
            records.append(record)
            kept.append(position)
        return RaggedArrays.from_records(self.codec.schema, records), kept, refused

    def encode(
        self, structures: Sequence[str], inference_steps: int = 0
    ) -> tuple[NDArray[np.float32], dict[int, StructureError]]:
        """Posterior means float32 [n, D]; NaN rows for structures that are refused.

        Args:
            inference_steps: gradient steps from there towards vectors that tell the structures
                better (see `infer`).
        """
        structures = [structures] if isinstance(structures, str) else structures
        arrays, kept, refused = self.arrays(structures)
        latents = np.full((len(structures), self.size), np.nan, np.float32)
        if kept:
            latents[kept] = self.encode_arrays(arrays, inference_steps)
        return latents, refused

    def encode_arrays(self, arrays: RaggedArrays, inference_steps: int = 0) -> NDArray[np.float32]:
        """`encode` of structures that are arrays already."""
        mean, _ = encode_all(self.model, arrays, self.device)
        if inference_steps == 0:
            return mean
        return infer(self.model, arrays, mean, inference_steps, self.device)

    def decode(
        self,
        latents: NDArray[np.float32],
        temperature: float = 0.0,
        seed: int = 0,
        noise: float | NDArray[np.float32] = 0.0,
        legality: Legality | None = None,
        refine: DrawSettings | None = None,
    ) -> list[Decoded]:
        """Write the structure of each latent vector [n, D]; none, with the reason, of a row that is
        not finite (what `encode` gives for a structure that it refuses).

        Args:
            temperature: of the decoder; 0 is greedy.
            noise: amplitude of noise that the decoder takes for granted (see `VAE.decode`), one
                for all or [n].
            legality: a stricter one than the model's own, of n rows where its rows differ.
            refine: how continuous fields are drawn, resampled and relieved
                (`continuous_temperature`, `resample`, `resample_temperature` and `relief`); plainly
                if not given.

        Raises:
            InputError: not an array of that shape.
        """
        latents = self._check_latents(latents)
        finite = np.isfinite(latents.sum(axis=1, dtype=np.float64))
        if not finite.all():  # decoded like the rest, so that those are not changed by it
            latents = np.where(finite[:, None], latents, np.float32(0))
        levels = np.array(np.broadcast_to(np.asarray(noise, np.float32), len(latents)))
        likelihoods: list[Tensor] = []

        def chunks(done: Callable[[int], object]) -> Iterator[list[Record]]:
            blocks = self._blocks(latents, temperature, seed, levels, legality, refine, done)
            for arrays, likelihood in blocks:
                likelihoods.append(likelihood)
                records = [arrays.record(i) for i in range(len(arrays))]
                for start in range(0, len(records), WRITE_CHUNK):
                    yield records[start : start + WRITE_CHUNK]

        many = len(latents) >= POOL_FROM
        processes = default_processes() if many else 1
        written: list[tuple[str | None, str]] = []
        with (
            _torch_threads(max(1, torch.get_num_threads() // 2) if many else None),
            bar(description="decode", total=len(latents), unit="structure") as shown,
        ):
            for part in write_records(self.matter, self.codec, chunks(shown.update), processes):
                written += part
        nats = (one for part in likelihoods for one in part.tolist())
        decoded = (
            Decoded(structure, likelihood, reason)
            for (structure, reason), likelihood in zip(written, nats, strict=True)
        )
        refused = Decoded(None, math.nan, NOT_FINITE)
        return [one if fine else refused for one, fine in zip(decoded, finite, strict=True)]

    def _check_latents(self, latents: Any) -> NDArray[np.float32]:
        """Return latent vectors as an array [n, D].

        Raises:
            InputError: it is none; says what was expected.
        """
        try:
            array = np.ascontiguousarray(latents, np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(f"latent vectors must be numbers [n, {self.size}]: {error}") from None
        if np.ndim(latents) != 2 or array.shape[1] != self.size:
            shape = ", ".join(map(str, np.shape(latents)))
            raise InputError(
                f"latent vectors of this model are an array [n, {self.size}], got one of [{shape}]"
            )
        return array

    def _blocks(
        self,
        latents: NDArray[np.float32],
        temperature: float,
        seed: int,
        levels: NDArray[np.float32],
        legality: Legality | None,
        refine: DrawSettings | None,
        done: Callable[[int], object],
    ) -> Iterator[tuple[RaggedArrays, Tensor]]:
        """Arrays and log-likelihoods of `BLOCK` latent vectors at a time; tells how many are done
        each time that some are."""
        generator = torch.Generator(self.device).manual_seed(seed)
        # Of its own, so that what is decoded does not depend on whether it is refined.
        refining = torch.Generator(self.device).manual_seed(seed + 2**31)
        coldest = None if refine is None else refine.continuous_temperature
        for first in range(0, len(latents), BLOCK):
            vectors = torch.from_numpy(latents[first : first + BLOCK]).to(self.device)
            noise = torch.from_numpy(levels[first : first + BLOCK]).to(self.device)
            made = []
            for start in range(0, len(vectors), DECODE_BATCH):
                span = slice(start, start + DECODE_BATCH)
                stop = start + len(vectors[span])
                rules = None if legality is None else legality.rows(first + start, first + stop)
                made.append(
                    decode(
                        self.model,
                        vectors[span],
                        temperature,
                        generator,
                        noise[span],
                        rules,
                        continuous_temperature=coldest,
                    )
                )
                done(stop - start)
            arrays = RaggedArrays.concatenated([part for part, _ in made])
            likelihood = torch.cat([nats.cpu() for _, nats in made])
            if refine is not None and self.refiner is not None:
                arrays, likelihood = refinement.refine(
                    self.model,
                    self.refiner,
                    vectors,
                    arrays,
                    likelihood,
                    refine,
                    refining,
                    noise,
                    stricter=legality is not None,
                )
            yield arrays, likelihood

    def draw_prior(
        self,
        count: int,
        seed: int,
        temperature: float = 1.0,
        noise: float | NDArray[np.float32] = 0.0,
    ) -> NDArray[np.float32]:
        """Latent vectors from the fitted prior, float32 [count, D].

        Args:
            temperature: scale of the prior's base noise.
            noise: amplitude of the noise that the vectors hold, one for all or [count].
        """
        generator = torch.Generator().manual_seed(seed)
        levels = np.array(np.broadcast_to(np.asarray(noise, np.float32), count))
        held = torch.from_numpy(levels)
        with torch.no_grad():
            return self.prior.sample(count, generator, temperature, held).numpy()

    def draw(self, count: int, seed: int, how: DrawSettings) -> NDArray[np.float32]:
        """`draw_prior` as the settings say."""
        noise = how.noise if how.blended else 0.0
        return self.draw_prior(count, seed, how.prior_temperature, noise)

    def sampling(self, settings: SampleSettings | None = None) -> DrawSettings:
        """How to draw: as the settings say, else as the model's info does, else the defaults (no
        refinement for a kind of matter that has none).

        Raises:
            CheckpointError: the model's info holds no such settings.
        """
        own = self.info.get("sampling") or {}
        try:
            usual = DrawSettings(**own)
        except (ValidationError, TypeError) as error:
            raise CheckpointError(
                f"{self.folder}: sampling settings of the model: {error}"
            ) from None
        if self.refiner is None:
            usual = usual.model_copy(update={"resample": 0, "relief": False})
        if settings is None:
            return usual
        given = settings.model_dump(include=set(DrawSettings.model_fields), exclude_none=True)
        return usual.model_copy(update=given)

    def training_latents(self) -> NDArray[np.float32]:
        """Posterior means of the training set, or of the sample of it that a shipped model keeps.

        Returns:
            float32 [n, D].

        Raises:
            CheckpointError: the folder holds no encoded training set.
        """
        return load_latents(self.folder)["mean"]
