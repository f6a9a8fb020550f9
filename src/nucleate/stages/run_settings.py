"""Read a run's settings, and refuse what a late stage would refuse."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nucleate.core.errors import SettingsError
from nucleate.core.settings import read_toml, validate
from nucleate.latent.pretrained import start_folder
from nucleate.matter import registry
from nucleate.settings.run import DiscoverSettings


def load_settings(
    path: Path,
    *,
    run: str | None = None,
    results: str | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> DiscoverSettings:
    """A run's settings from its file, with what the command line says laid over them.

    Raises:
        SettingsError: misspelt or impossible; checked for every stage before any starts.
    """
    given = {"run": run, "results": results, "seed": seed, "device": device}
    values = read_toml(path) | {key: value for key, value in given.items() if value is not None}
    settings = validate(DiscoverSettings, values, str(path))
    check_settings(settings, str(path))
    return settings


def check_settings(settings: DiscoverSettings, where: str, folder: Path | None = None) -> None:
    """Refuse what a late stage would refuse, before an early one has spent ten minutes.

    Functions that objectives name are imported, each in a process of its own.

    Args:
        where: of the settings, for messages.
        folder: for relative paths of objectives; the working folder if None, as in the stages.

    Raises:
        SettingsError: an unknown kind of matter, check, property or split, a bad option, or an
            objective's function or program that does not exist.
        InputError: an objective's labelled data that cannot be read or lack the column.
        DatasetError: those of a catalogued set cannot be fetched.
        CheckpointError: the model to start from does not exist or is of another kind of matter.
    """
    from nucleate.generation.task import check_conditions
    from nucleate.objectives.build_objectives import check as check_objective

    enabled = [name for name, pipeline in settings.matter.items() if pipeline.enabled]
    if not enabled:
        raise SettingsError(f"{where}: no kind of matter is enabled")
    for name in enabled:
        pipeline = settings.matter[name]
        featurize, here = pipeline.featurize, f"{where} [matter.{name}"
        kind = registry.get(name)
        kind.reader.resolve(featurize.standardise, f"{here}.featurize.standardise]")
        start_folder(pipeline.train.start, name)  # there must be such a model
        kind.codecs.resolve(featurize.codec, f"{here}.featurize.codec]")
        splits = ("random", *kind.identity.split_kinds)
        _one_of(featurize.split.kind, splits, "split", f"{here}.featurize.split]")
        kind.identity.resolve_hold_out(
            featurize.split.hold_out, f"{here}.featurize.split.hold_out]"
        )
        if pipeline.sample.conditions.any():
            check_conditions(pipeline.sample.conditions, kind, f"{here}.sample.conditions]")
        for objective in pipeline.optimize.objectives:
            if objective.source_kind() == "property":
                known = kind.properties.descriptions()
                _one_of(objective.property, known, "property", f"{here}.optimize]")
            else:
                check_objective(kind, objective, folder)
        for check in pipeline.screen.checks:
            options = {key: value for key, value in check.items() if key != "name"}
            if "name" not in check:
                raise SettingsError(f"{here}.screen]: a check needs a name")
            checks = kind.checks.all()
            _one_of(check["name"], checks, "check", f"{here}.screen]")
            validate(checks[check["name"]].Options, options, f"{here}.screen] {check['name']}")


def _one_of(value: str, known: Collection[str], what: str, where: str) -> None:
    if value not in known:
        raise SettingsError(f"{where}: no {what} named {value!r}; known: {', '.join(known)}")
