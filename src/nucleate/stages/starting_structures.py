"""The structures that a study starts from and knows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from nucleate.core.errors import CheckpointError, InputError
from nucleate.core.files import digest
from nucleate.core.manifest import Manifest
from nucleate.core.progress import tell
from nucleate.datasets.sources import resolve, source_digest
from nucleate.latent.latent_model import LatentModel
from nucleate.matter import registry
from nucleate.matter.reading_notes import reading_lines
from nucleate.novelty.records import StartingStructures, read_records
from nucleate.screening.check_engine import read_file
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import relative_to

RECALLED = 2000
"""Structures that a model is asked to recall where nothing else is given."""

Start = Manifest | DatasetSettings | None
"""A featurized set, a person's own file, or nothing: what the model recalls of its training set."""


def start_inputs(start: Start, matter: str, mirror: str | None = None) -> dict[str, str]:
    """Keys of what is read, for a stage's inputs.

    Raises:
        InputError: there is no such file.
        DatasetError: a catalogued dataset cannot be had.
    """
    if isinstance(start, Manifest):
        return {"features": start.key}
    if start is None:
        return {}
    files = resolve(start, matter, mirror)
    kind = registry.get(matter)
    found = {f"data/{number}": source_digest(file, kind) for number, file in enumerate(files)}
    return {**found, "reading": digest(start.model_dump(mode="json", exclude={"source"}))}


def start_dataset(data: str | DatasetSettings, folder: Path | None) -> DatasetSettings:
    """What a study's `data` names.

    Args:
        folder: of the settings file, for relative paths.
    """
    dataset = DatasetSettings(source=data) if isinstance(data, str) else data
    names = tuple(str(relative_to(name, folder)) for name in dataset.sources)
    return dataset.model_copy(update={"source": names})


def read_start(
    start: Start, model: LatentModel, folder: Path, seed: int, mirror: str | None = None
) -> StartingStructures:
    """Read and standardise.

    Args:
        folder: that may be written to while reading.

    Raises:
        InputError: the file as a whole is unreadable, or the model can encode nothing of it.
        CheckpointError: the model recalls nothing.
        ResultsError: the featurized set is damaged.
    """
    if isinstance(start, Manifest):
        return read_records(start)
    if start is None:
        from nucleate.stages.finetune.training_like import sample_training_like

        recalled, source = sample_training_like(model, RECALLED, seed)
        if not recalled:
            raise CheckpointError(f"{model.folder}: recalls no structure to start from")
        return StartingStructures(
            recalled, recalled, {"source": f"recalled by the model ({source})"}
        )
    funnel = read_file(start, model.matter, folder, mirror)
    structures = [candidate.structure for candidate in funnel.candidates]
    refused = model.arrays(structures)[2]
    reasons = Counter(item.reason for item in funnel.rejected)
    reasons.update(f"codec: {error.reason}" for error in refused.values())
    training = [s for place, s in enumerate(structures) if place not in refused]
    common = ", ".join(f"{reason} ({n})" for reason, n in reasons.most_common(3))
    if not training:
        raise InputError(
            f"holds no structure that the model can encode: {common}", file=start.label
        )
    rejected = {"rejected": sum(reasons.values()), "reasons": dict(reasons.most_common())}
    if reasons:
        tell(f"{start.label}: {sum(reasons.values())} rows cannot be started from: {common}")
    for line in reading_lines(funnel.reading.to_json()):
        tell(line)
    told = {"source": start.label, **rejected, **funnel.reading.to_json()}
    return StartingStructures(training, structures, told)
