"""From a term of the settings to the property that it computes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.core.files import digest
from nucleate.matter.base import Matter
from nucleate.matter.properties import Property
from nucleate.objectives.exchange import exchange_of
from nucleate.objectives.external.programs import on_path
from nucleate.objectives.property import ObjectiveProperty, unavailable
from nucleate.settings.objectives import (
    OPERATIONAL,
    ColumnSource,
    CommandSource,
    HeadSource,
    MeasuredSource,
    ObjectiveSource,
    PropertySettings,
    PropertySource,
    PythonSource,
    relative_to,
    source_of,
)

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

SCRIPTS = frozenset({".py", ".sh", ".bash", ".pl", ".rb", ".r", ".R", ".jl", ".js", ".lua", ".jar"})
"""Endings of files that an interpreter runs."""


def build(
    matter: Matter,
    model: LatentModel | None,
    settings: PropertySettings | ObjectiveSource,
    folder: Path | None = None,
) -> Property:
    """Make what a term computes.

    Args:
        model: for `head` and for `column` without `features`. Without it they are made all the
            same, with name and unit, and raise where a value is asked for: screening knows the
            values of a study's structures already.
        settings: a term, or its source.
        folder: of the settings file, for relative paths.

    Returns:
        An `ObjectiveProperty` of all kinds but `property` and `measured`; the latter has no value
        of any structure until it is told (`Objective.remember`).

    Raises:
        SettingsError: unknown property, argument, function, program or head; names it.
        InputError: labelled data that cannot be read, lack the column or have too few labels.
    """
    source = source_of(settings) if isinstance(settings, PropertySettings) else settings
    if isinstance(source, PropertySource):
        return matter.properties.build(source.property, source.arguments)
    if isinstance(source, MeasuredSource):
        return _untold(source)
    if isinstance(source, PythonSource):
        from nucleate.objectives.external.callables import PREFIX, callable_property

        if source.python.startswith(PREFIX):
            return callable_property(source, exchange_of(matter, source))
        from nucleate.objectives.external.python_function import python_property

        return python_property(source, exchange_of(matter, source), folder)
    if isinstance(source, CommandSource):
        from nucleate.objectives.external.command import command_property

        return command_property(source, exchange_of(matter, source), folder)
    if model is None and (isinstance(source, HeadSource) or source.features is None):
        wanted = f"{source.kind} {source.head if isinstance(source, HeadSource) else source.column}"
        error = SettingsError(f"objective: {wanted} needs a trained model")
        return unavailable(source.column_name(), source.unit, f"{wanted}, predicted", error)
    if isinstance(source, ColumnSource):
        from nucleate.objectives.external.column import column_property

        return column_property(source, matter, model, folder)
    from nucleate.objectives.external.head import head_property

    assert model is not None
    return head_property(source, model)


def _untold(source: MeasuredSource) -> Property:
    def compute(structures: Sequence[str]) -> NDArray[np.float64]:
        return np.full(len(structures), np.nan)

    return Property(source.column_name(), source.unit, f"{source.measured}, as measured", compute)


def refuse_measured(terms: Sequence[PropertySettings]) -> None:
    """A person's measurements do not come while a command waits.

    Raises:
        SettingsError: one of the terms is measured; says which commands are for it.
    """
    for term in terms:
        if term.measured:
            raise SettingsError(
                f"objective {term.measured!r} is measured by a person: `nucleate propose STUDY` "
                "writes what to measure, `nucleate tell STUDY results.csv` takes the values"
            )


def check(matter: Matter, term: PropertySettings, folder: Path | None = None) -> None:
    """Refuse what `build` would refuse, as far as that shows before there is a model.

    Of labelled data only the beginning is read: whether they are there and have the column.

    Raises:
        SettingsError: unknown property, argument, function or program; names it. Or a person
            measures it.
        InputError: labelled data that cannot be read or lack the column.
        DatasetError: a catalogued dataset cannot be fetched.
    """
    source = source_of(term)
    refuse_measured([term])
    if not isinstance(source, ColumnSource):
        built = build(matter, None, source, folder)
        if isinstance(built, ObjectiveProperty):
            built.close()
        return
    from nucleate.objectives.external.entry_points import load_function
    from nucleate.objectives.external.labels import check_labels

    if source.features is not None:
        load_function(source.features, folder)
    matter.reader.resolve(source.standardise, "objective: standardise")
    check_labels(matter, source, folder)


def inputs_of(terms: Sequence[PropertySettings], folder: Path | None = None) -> dict[str, str]:
    """Digests of the files that terms name (data, a function's file, a program), for a stage's
    inputs.

    A study whose labels, function or program changed is another study.
    """
    return {
        f"objective/{number}/{name}": found
        for number, term in enumerate(terms)
        for name, found in _contents(source_of(term), folder).items()
    }


@dataclass(frozen=True)
class Computation:
    """What gives a term its values, whatever is wanted of them.

    Attributes:
        what: digest of the kind of matter, the property, function, program or labels with their
            arguments and the content of their files, and the model where it predicts. The same
            digest gives the same values.
        limits: digest of how it is run (`settings.OPERATIONAL`): with others, what failed might
            not fail.
    """

    what: str
    limits: str


def computation(
    matter: str, term: PropertySettings, model: str, folder: Path | None = None, version: str = ""
) -> Computation:
    """What gives a term its values.

    Args:
        model: digest of the model.
        folder: of the settings file, for relative paths.
        version: of the code, where values of another version shall not count.
    """
    source = source_of(term)
    operational = OPERATIONAL.get(source.kind, frozenset())
    plain = source.model_dump(mode="json", exclude_defaults=True, exclude={"name", "unit"})
    about = {key: value for key, value in plain.items() if key not in operational}
    predicted = isinstance(source, HeadSource) or (
        isinstance(source, ColumnSource) and source.features is None
    )
    files = _contents(source, folder)
    return Computation(
        digest([matter, source.kind, about, files, model if predicted else "", version]),
        digest({key: value for key, value in plain.items() if key in operational}),
    )


def _contents(source: ObjectiveSource, folder: Path | None) -> dict[str, str]:
    """Digests of the files that a source names, as far as they are there, by name."""
    from nucleate.datasets.sources import content_digest

    named: list[tuple[str, Path]] = []
    if isinstance(source, ColumnSource):
        data = source.data
        names = (data,) if isinstance(data, str) else data.sources
        named += [(name, relative_to(name, folder)) for name in names]
        named += _code(source.features or "", folder)
    elif isinstance(source, PythonSource):
        named += _code(source.python, folder)
    elif isinstance(source, CommandSource):
        named += _programs(source.command, folder)
    # The others are catalogued datasets and installed modules.
    return {name: content_digest(path) for name, path in named if path.exists()}


def _code(reference: str, folder: Path | None) -> list[tuple[str, Path]]:
    """The file of a function: named itself, or of a module beside the settings."""
    place = reference.rpartition(":")[0]
    if not place:
        return []
    written = place if place.endswith(".py") else place.replace(".", "/") + ".py"
    return [(place, relative_to(written, folder))]


def _programs(command: Sequence[str], folder: Path | None) -> list[tuple[str, Path]]:
    """Files of a command that are programs: scripts, and what can be run by a relative path.

    Other files are left out, since the program may write to them.
    """
    found = []
    for place, word in enumerate(command):
        written = Path(word)
        if place == 0 and on_path(word):
            continue  # none of this person's own
        path = (folder or Path()) / written
        try:
            runs = path.is_file() and not written.is_absolute() and os.access(path, os.X_OK)
            if runs or (path.suffix in SCRIPTS and path.is_file()):
                found.append((word, path))
        except (OSError, ValueError):  # an argument that is no file's name
            continue
    return found
