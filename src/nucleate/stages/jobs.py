"""Whole jobs as their settings say them: a search, a screening. Commands and flows call these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nucleate.core.errors import SettingsError
from nucleate.core.manifest import Manifest, load_manifest
from nucleate.core.progress import Say, log
from nucleate.latent.pretrained import find_manifest
from nucleate.settings.screen import ScreeningSettings
from nucleate.settings.study import OptimizeSettings, StudySettings
from nucleate.stages import screen as screening
from nucleate.stages.draws import Draws, dataset_of, find_draws, matter_of
from nucleate.stages.optimize import optimize
from nucleate.stages.starting_structures import Start, start_dataset
from nucleate.stages.study_settings import check_study


def run_search(
    settings: StudySettings,
    *,
    settings_folder: Path | None = None,
    mirror: str | None = None,
    announce: Callable[[StudySettings, str], None] = lambda settings, matter: None,
    say: Say = log,
    interruptible: bool = False,
) -> tuple[StudySettings, Manifest]:
    """Do a study, or go on with it, up to the trials that its settings ask for.

    Args:
        settings_folder: for relative paths of objectives and data; the working folder if None.
        announce: told the settings, defaults filled in, and the kind of matter when all that is
            named has been found.
        say, interruptible: see `optimize`.

    Returns:
        The settings with the matter's defaults, and the manifest.

    Raises:
        NucleateError: see `optimize`.
    """
    trained = find_manifest(Path(settings.model))
    chosen = check_study(settings, trained.matter)
    fields = {"objectives": [term.model_dump() for term in chosen.objectives]}
    stage = OptimizeSettings.model_validate(
        chosen.model_dump(include=set(OptimizeSettings.model_fields)) | fields
    )
    studied = optimize(
        stage,
        trained,
        _start(chosen, settings_folder),
        Path(chosen.out),
        matter_name=trained.matter,
        seed=chosen.seed,
        device=chosen.device,
        mirror=mirror,
        settings_folder=settings_folder,
        lasting=True,
        announce=lambda: announce(chosen, trained.matter),
        say=say,
        interruptible=interruptible,
    )
    return chosen, studied


def _start(settings: StudySettings, folder: Path | None) -> Start:
    """What the study starts from."""
    if settings.features is not None:
        return load_manifest(Path(settings.features), "featurize")
    if settings.data is None:
        return None
    return start_dataset(settings.data, folder)


def run_screening(
    settings: ScreeningSettings, *, settings_folder: Path | None = None, mirror: str | None = None
) -> Manifest:
    """Put files of structures, or draws, through the funnel.

    Args:
        settings_folder: for relative paths of checks and objectives; the working folder if None.

    Raises:
        NucleateError: see `stages.screen`.
    """
    draws = find_draws(settings.structures, settings.matter)
    matter = settings.matter or (draws.matter if draws else matter_of(settings.structures))
    if matter is None:
        raise SettingsError("screen needs to know what a file holds: --matter molecules, say")
    common: dict[str, Any] = {
        "matter_name": matter,
        "seed": settings.seed,
        "objectives": settings.objectives or (draws.objectives if draws else ()),
        "device": settings.device,
        "mirror": mirror,
        "model": _model(settings, draws),
        "settings_folder": settings_folder,
    }
    features = draws.features if draws else None
    if settings.features is not None:
        features = load_manifest(Path(settings.features), "featurize")
    out = Path(settings.out)
    if draws is not None:
        return screening.screen(settings.stage(), draws.manifests, features, out, **common)
    source = dataset_of(settings.structures)
    return screening.screen_file(settings.stage(), source, out, features=features, **common)


def _model(settings: ScreeningSettings, draws: Draws | None) -> Manifest | None:
    if settings.model is not None:
        return find_manifest(Path(settings.model))
    return draws.model if draws else None
