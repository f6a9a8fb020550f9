"""Draws that are to be screened, found by the folder that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.core.files import read_json
from nucleate.core.manifest import MANIFEST_NAME, Manifest
from nucleate.core.settings import read_toml, validate
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings

DRAWING = ("sample", "optimize")
"""Stages whose output can be screened."""


@dataclass(frozen=True)
class Draws:
    """What was drawn, and what its run knows beside it.

    Attributes:
        matter: kind of matter.
        manifests: of `sample` and `optimize`.
        features, model: of the run, if the draws are a whole run's.
        objectives: of the run.
    """

    matter: str
    manifests: tuple[Manifest, ...]
    features: Manifest | None = None
    model: Manifest | None = None
    objectives: tuple[PropertySettings, ...] = ()


def find_draws(
    structures: str | Sequence[str] | DatasetSettings | None, matter: str | None
) -> Draws | None:
    """The draws in the folders that are named; None where these are files of structures.

    Args:
        matter: which kind of a run that has several.

    Raises:
        SettingsError: folders of draws and files together, draws of several kinds of matter, or a
            folder of another stage.
        ResultsError: a manifest is damaged.
    """
    if isinstance(structures, DatasetSettings) or structures is None:
        return None
    names = _names(structures)
    folders = [Path(name) for name in names if (Path(name) / MANIFEST_NAME).is_file()]
    if not folders:
        return None
    if len(folders) < len(names):
        raise SettingsError("screen takes either draws or files of structures, not both at once")
    if len(folders) == 1 and (folders[0] / "settings.toml").is_file():
        return _of_run(folders[0], matter)
    manifests = tuple(_draw_manifest(folder) for folder in folders)
    kinds = sorted({manifest.matter for manifest in manifests})
    if len(kinds) > 1 or (matter is not None and kinds != [matter]):
        raise SettingsError(f"the draws are of {', '.join(kinds)}; screen one kind at a time")
    return Draws(kinds[0], manifests)


def _draw_manifest(folder: Path) -> Manifest:
    manifest = Manifest.load(folder)
    if manifest.stage not in DRAWING:
        raise SettingsError(
            f"{folder}: is the output of `nucleate {manifest.stage}`; screen takes that of "
            f"{' or '.join(DRAWING)}, a run's folder, or files of structures"
        )
    return manifest


def _of_run(folder: Path, matter: str | None) -> Draws:
    """Draws of a whole run."""
    pipelines: dict[str, Any] = read_toml(folder / "settings.toml").get("matter", {})
    kinds = [name for name in pipelines if (folder / name).is_dir()]
    if matter is None and len(kinds) > 1:
        raise SettingsError(f"{folder}: holds {', '.join(kinds)}; say --matter KIND")
    chosen = matter or next(iter(kinds), None)
    if chosen not in kinds:
        raise SettingsError(f"{folder}: holds no draws of {chosen or 'anything'}")
    place = folder / chosen
    stages = {
        name: Manifest.load(place / name)
        for name in (*DRAWING, "featurize", "train")
        if (place / name / MANIFEST_NAME).is_file()
    }
    drawn = tuple(stages[name] for name in DRAWING if name in stages)
    if not drawn:
        raise ResultsError(f"{place}: the run has not come to its draws")
    terms = pipelines[chosen].get("optimize", {}).get("objectives", ())
    objectives = tuple(validate(PropertySettings, term, "objectives") for term in terms)
    return Draws(chosen, drawn, stages.get("featurize"), stages.get("train"), objectives)


def dataset_of(structures: str | Sequence[str] | DatasetSettings | None) -> DatasetSettings:
    """Files of structures as dataset settings; a folder of `nucleate sample` stands for the file of
    its samples.

    Raises:
        SettingsError: none is named.
        ResultsError: the summary of samples is damaged.
    """
    if isinstance(structures, DatasetSettings):
        found = structures
    elif structures:
        found = DatasetSettings(source=tuple(_names(structures)))
    else:
        raise SettingsError("screen needs structures: files, folders or draws")
    names = tuple(str(_samples(name)[0]) for name in found.sources)
    return found.model_copy(update={"source": names if len(names) > 1 else names[0]})


def matter_of(structures: str | Sequence[str] | DatasetSettings | None) -> str | None:
    """The kind of matter that all folders of `nucleate sample` tell; None where files do not."""
    told = {_samples(name)[1] for name in _names(structures)}
    return told.pop() if len(told) == 1 else None


def _names(structures: str | Sequence[str] | DatasetSettings | None) -> list[str]:
    if isinstance(structures, DatasetSettings):
        return list(structures.sources)
    return [structures] if isinstance(structures, str) else list(structures or ())


def _samples(name: str) -> tuple[str | Path, str | None]:
    """The file of samples in a folder of `nucleate sample`, and their kind; else the name."""
    folder = Path(name)
    if not (folder / "summary.json").is_file():
        return name, None
    summary = read_json(folder / "summary.json")
    file = folder / str(summary.get("file", ""))
    return (file, summary.get("matter")) if file.is_file() else (name, None)
