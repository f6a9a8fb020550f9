"""Whole jobs as their settings say them: a search, a screening. Commands and flows call these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nucleate.core.errors import SettingsError
from nucleate.core.manifest import Manifest, load_manifest
from nucleate.core.progress import Say, log
from nucleate.core.spelling import near
from nucleate.latent.pretrained import find_manifest
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.screen import ScreeningSettings
from nucleate.settings.study import OptimizeSettings, StudySettings
from nucleate.stages import screen as screening
from nucleate.stages.draws import Draws, dataset_of, find_draws, matter_of
from nucleate.stages.optimize import optimize
from nucleate.stages.starting_structures import Start, start_dataset

S = TypeVar("S", bound=OptimizeSettings)


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


def check_study(settings: S, matter: str) -> S:
    """Return the settings with properties by their own names, whatever their case.

    Raises:
        SettingsError: a misspelt property, goals that contradict, conditions that nothing can meet,
            or a lead that is never scored; said before the model is loaded.
    """
    kind = registry.get(matter)
    known, guide = kind.properties.descriptions(), kind.guide
    terms = []
    for term in settings.objectives:
        name = term.property
        if name and name not in known:
            own = guide.property_name(name)
            if own is None:
                raise unknown_property(kind, name)
            term = term.model_copy(update={"property": own})
        if term.property:
            kind.properties.build(term.property, term.arguments)
        terms.append(term)
    _refuse_contradictions(terms)
    if settings.local.any():
        from nucleate.generation.task import check_conditions
        from nucleate.search.study.local_search import refuse_forbidden

        check_conditions(settings.local, kind, "local")
        if settings.local.like is not None:
            refuse_forbidden(kind, guide.read(settings.local.like, "local: like"))
    return settings.model_copy(update={"objectives": tuple(terms)})


def _refuse_contradictions(terms: Sequence[PropertySettings]) -> None:
    """Refuse goals that stand twice, or against each other.

    Raises:
        SettingsError: names the property.
    """
    seen: dict[tuple[str, str], PropertySettings] = {}
    for term in terms:
        if not term.property or term.constraint:
            continue
        other = seen.setdefault((term.property, repr(sorted(term.arguments.items()))), term)
        if other is term:
            continue
        if other == term:
            raise SettingsError(f"objective {term.property!r} is given twice; a weight says more")
        if {other.goal, term.goal} == {"maximise", "minimise"}:
            raise SettingsError(
                f"objective {term.property!r} is to be both maximised and minimised"
            )


def unknown_property(matter: Matter, name: str) -> SettingsError:
    """What is said of a name that is none of the matter's properties."""
    # Those of a library, hundreds of them, only where nothing else is meant.
    meant = near(name, matter.properties.usual()) or near(name, matter.properties.descriptions())
    hint = f"; did you mean {' or '.join(meant)}?" if meant else "."
    return SettingsError(
        f"{matter.name} has no property named {name!r}{hint} "
        f"`nucleate objectives --matter {matter.name}` lists all"
    )
