"""The settings reference: every key with its type, default and meaning, from the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from nucleate.core.settings import Settings
from nucleate.matter import registry
from nucleate.settings import objectives
from nucleate.settings.fields import FieldFacts, field_facts
from nucleate.settings.run import DiscoverSettings
from nucleate.settings.screen import ScreeningSettings
from nucleate.settings.study import StudySettings

HEAD = """# Settings

Every key of the settings files, made from the models by `nucleate settings`. Misspelt keys and
impossible values are refused before anything starts. Options of single checks: `nucleate checks
--matter KIND CHECK`.
"""
_TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text", dict: "tables"}
_BOOLEANS = {"yes": "true", "no": "false"}


def settings_reference() -> str:
    """The reference as Markdown: a section for each class of settings."""
    places: dict[type[BaseModel], list[str]] = {}
    for place, model in _roots():
        _walk(model, place, places)
    return HEAD + "".join(_section(model, found, places) for model, found in places.items())


def _roots() -> Iterator[tuple[str, type[Settings]]]:
    """Files that are settings, objectives of one's own, and what each kind of matter adds."""
    yield "a run's file, `nucleate discover RUN.toml`", DiscoverSettings
    yield "a study's file, `nucleate optimize STUDY.toml`", StudySettings
    yield "a screening's file, `nucleate screen SCREEN.toml`", ScreeningSettings
    for kind in objectives.OBJECTIVE_KINDS[1:]:
        yield f"an objective with `{kind}`", objectives.SOURCES[kind]
    for name in registry.names():
        matter = registry.get(name)
        for key, model in (
            ("standardise", matter.reader.Options),
            ("featurize.codec", matter.codecs.Options),
            ("featurize.split.hold_out", matter.identity.HoldOutOptions),
            ("conditions", matter.condition_options()),
        ):
            if model.model_fields:
                yield f"`{key}` of {name}", model


def _walk(model: type[BaseModel], place: str, places: dict[type[BaseModel], list[str]]) -> None:
    found = places.setdefault(model, [])
    if place in found:
        return
    found.append(place)
    path = "" if " " in place else place.strip("`") + "."
    for key, facts in field_facts(model).items():
        for inner in facts.tables:
            name = ".NAME" if facts.kind is dict else ""
            _walk(inner, f"`{path}{key}{name}`", places)


def _section(
    model: type[BaseModel], found: list[str], places: dict[type[BaseModel], list[str]]
) -> str:
    facts = field_facts(model)
    said = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    parent = model.__mro__[1]
    if parent in places:
        said += f" All keys of [{parent.__name__}](#{parent.__name__.lower()}), and:"
        facts = {key: one for key, one in facts.items() if key in model.__annotations__}
    lines = [f"\n## {model.__name__}\n", f"{said}\n", f"Where: {'; '.join(found)}.\n"]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    lines += [_row(one) for one in facts.values() if len(one.choices) != 1]
    return "\n".join(lines) + "\n"


def _row(facts: FieldFacts) -> str:
    default = _BOOLEANS.get(facts.default, facts.default) if facts.kind is bool else facts.default
    shown = "required" if facts.required else f"`{default}`" if default else ""
    cells = (f"`{facts.key}`", _type(facts), shown, facts.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(facts: FieldFacts) -> str:
    if facts.choices:
        one = ", ".join(f"`{choice}`" for choice in facts.choices)
        return f"list of {one}" if facts.kind is list else one
    if facts.kind in (list, tuple):
        inner = _name(facts.members[0])
        count = "list" if facts.kind is list else "pair"
        return f"{count} of {inner}"
    low = "" if facts.low is None else f", {facts.low:g}"
    high = "" if facts.high is None else f" to {facts.high:g}"
    plain = [_name(facts.kind)] * (facts.kind not in (dict, *facts.tables))
    tables = [_name(table) for table in facts.tables] or ["table"] * (facts.kind is dict)
    return " or ".join(plain + tables) + (low and f"{low}{high or ' or more'}")


def _name(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return _TYPES.get(kind, "value")
