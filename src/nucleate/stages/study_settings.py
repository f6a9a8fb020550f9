"""Refuse a study's settings that cannot be meant, before its model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from nucleate.core.errors import SettingsError
from nucleate.core.spelling import near
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings

S = TypeVar("S", bound=OptimizeSettings)


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
