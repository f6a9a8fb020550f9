"""Opening a study in the closed loop from its settings or its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.campaign.campaign import Campaign
from nucleate.campaign.folder import (
    SETTINGS,
    Record,
    check_settings,
    go_on,
    lock_folder,
    new_name,
    now,
    plain_terms,
    read_record,
)
from nucleate.campaign.scoring import Scoring
from nucleate.core.errors import CheckpointError, SettingsError
from nucleate.core.files import digest
from nucleate.core.manifest import Manifest
from nucleate.core.settings import read_toml, validate
from nucleate.latent import pretrained
from nucleate.matter import registry
from nucleate.novelty.records import StartingStructures
from nucleate.objectives.build_objectives import inputs_of
from nucleate.objectives.objective import Objective
from nucleate.search.latent_boxes.regions import sample_reference
from nucleate.settings.study import StudySettings
from nucleate.stages.screen import PREDICTING
from nucleate.stages.starting_structures import Start, read_start, start_dataset

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel


@contextmanager
def open_campaign(
    study: Path, *, device: str | None = None, mirror: str | None = None, rebuild: bool = False
) -> Iterator[Campaign]:
    """A study, made if there is none yet; whatever a killed command left undone is done.

    Args:
        study: its settings (TOML), or its folder.
        device: where networks run; as the settings say if not given.
        rebuild: make Optuna's study anew.

    Raises:
        SettingsError: settings that are impossible or cannot be used here; objectives are gone.
        CheckpointError: no such model.
        InputError: the data cannot be used.
        ResultsError: the folder is in use, damaged or cannot be written.
    """
    settings, text, path = _settings(study)
    folder = study if study.is_dir() else Path(settings.out)
    with lock_folder(folder):
        campaign = _loop(settings, text, path, folder, device, mirror)
        try:
            (campaign.rebuild if rebuild else campaign.begin)()
            yield campaign
        finally:
            campaign.scoring.objective.close()


def _settings(study: Path) -> tuple[StudySettings, str, Path]:
    """The settings, their text, and where they are."""
    path = study / SETTINGS if study.is_dir() else study
    if study.is_dir() and not path.is_file():
        raise SettingsError(f"{study}: holds no {SETTINGS}; begin with the study's own TOML file")
    values = read_toml(path)
    if "matter" in values:
        raise SettingsError(f"{path}: is the settings of a run; `nucleate discover` takes it")
    values.setdefault("out", str(Path("results") / path.stem))
    return validate(StudySettings, values, str(path)), path.read_text(encoding="utf-8"), path


def _loop(
    settings: StudySettings,
    text: str,
    path: Path,
    folder: Path,
    device: str | None,
    mirror: str | None,
) -> Campaign:
    before = read_record(folder)
    beside = path.parent
    if before is not None and path.resolve() == (folder / SETTINGS).resolve():
        beside = Path(before.settings_folder)  # the copy's paths are those of the original
    place = _model_folder(settings, before)
    matter = registry.get(pretrained.matter_of(place))

    @cache
    def model() -> LatentModel:
        from nucleate.latent.latent_model import LatentModel

        return LatentModel.load(place, device or settings.device)

    @cache
    def starting() -> StartingStructures:
        start = _start(settings, beside)
        return read_start(start, model(), folder, settings.seed, mirror)

    predicting = any(term.source_kind() in PREDICTING for term in settings.objectives)
    objective = Objective(
        matter,
        settings.objectives,
        model() if predicting else None,
        beside,
        _combination(settings),
    )
    record = Record(
        new_name(matter.name),
        matter.name,
        now(),
        str(beside.resolve()),
        str(place.resolve()),
        pretrained.model_digest(place),
        plain_terms(objective.terms),
    )
    notes: list[str] = []
    if before is not None:
        record, notes = go_on(before, record)
    version = digest(
        [inputs_of(objective.terms, beside), record.model_digest if predicting else ""]
    )
    scoring = Scoring(
        objective,
        folder,
        lambda: sample_reference(
            starting().training, settings.reference or objective.reference_size, settings.seed
        ),
        version,
    )
    check_settings(settings, scoring.columns)
    return Campaign(folder, matter, settings, text, record, scoring, model, starting, notes)


def _combination(settings: StudySettings) -> str:
    if settings.combine == "pareto":
        raise SettingsError(
            "combine = 'pareto' is not for batches proposed to a person: choose 'desirability' or "
            "'mean'"
        )
    return settings.combine


def _model_folder(settings: StudySettings, before: Record | None) -> Path:
    """The model's folder, from wherever the command is given."""
    try:
        return pretrained.model_folder(Path(settings.model))
    except CheckpointError:
        if before is None or not Path(before.model).is_dir():
            raise
        return Path(before.model)


def _start(settings: StudySettings, folder: Path) -> Start:
    if settings.features is not None:
        return Manifest.load(Path(settings.features))
    return None if settings.data is None else start_dataset(settings.data, folder)
