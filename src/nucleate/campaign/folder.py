"""The record of a study in its folder: its settings, its objectives, its model."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.core.files import read_json, write_json, write_text
from nucleate.search.study.storage import exclusive
from nucleate.settings.objectives import OBJECTIVE_KINDS, PropertySettings
from nucleate.settings.searchers import searcher_names
from nucleate.settings.study import StudySettings

RECORD = "loop.json"
SETTINGS = "study.toml"
"""The copy of the settings in the study's folder."""


@dataclass(frozen=True)
class Record:
    """`loop.json`.

    Attributes:
        name: of Optuna's study.
        matter: kind of matter.
        created: when the study began.
        settings_folder: of the settings as they were given: relative paths in them start there.
        model: the model's folder.
        model_digest: of the model.
        objectives: the terms of the settings.
    """

    name: str
    matter: str
    created: str
    settings_folder: str
    model: str
    model_digest: str
    objectives: list[dict[str, Any]] = field(default_factory=list)


def now() -> str:
    """Local time with its offset, ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def new_name(matter: str) -> str:
    """A name of Optuna's study that no other has, in whatever database."""
    return f"loop-{matter}-{uuid.uuid4().hex[:12]}"


def read_record(folder: Path) -> Record | None:
    """The record in a study's folder; None if there is none yet.

    Raises:
        ResultsError: damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    data = read_json(path)
    try:
        return Record(**{name: data[name] for name in Record.__dataclass_fields__})
    except (KeyError, TypeError) as error:
        raise ResultsError(
            f"{path}: damaged ({error}); remove it, and `nucleate tell STUDY.toml --rebuild` makes "
            "it anew"
        ) from None


def write_record(folder: Path, record: Record, settings: str) -> None:
    """Write the record and the copy of the settings, if they are not what is there."""
    copy = folder / SETTINGS
    if not copy.exists() or copy.read_text(encoding="utf-8") != settings:
        write_text(copy, settings)
    if read_record(folder) != record:
        write_json(folder / RECORD, asdict(record))


def go_on(before: Record, now: Record) -> tuple[Record, list[str]]:
    """The record of a study that goes on, and what a person should know of.

    A changed model, goal or scale is a note: scores are always computed anew from what was
    measured. Objectives may be added: structures are then incomplete until they have those too.

    Raises:
        SettingsError: an objective is gone, or the kind of matter is another.
    """
    if before.matter != now.matter:
        raise SettingsError(
            f"the study is of {before.matter}, the model of {now.matter}: choose another `out`"
        )
    notes = _compare(before.objectives, now.objectives)
    if before.model_digest != now.model_digest:
        notes.append(f"the model has changed since the study was last opened ({now.model})")
    return replace(now, name=before.name, created=before.created), notes


def _compare(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    old, new = _by_name(before), _by_name(now)
    gone = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    if gone:
        extra = f"; new are {', '.join(added)}" if added else ""
        raise SettingsError(
            f"the study's objectives have changed: {', '.join(gone)} gone{extra}. A study keeps "
            "its objectives, others may be added; for another set choose another `out` and tell "
            "it the measurements"
        )
    notes = [f"new objective {name}: structures told so far still lack it" for name in added]
    for name in old:
        a, b = old[name], new.get(name, {})
        # A version of the code may know keys that the other did not.
        changed = [key for key in a if key in b and a[key] != b[key]]
        notes += [f"objective {name}: {key} was {a[key]}, is {b[key]}" for key in changed]
    return notes


def _by_name(terms: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Terms by what they measure or compute, numbered where it repeats."""
    out: dict[str, Mapping[str, Any]] = {}
    for term in terms:
        kind = next((k for k in OBJECTIVE_KINDS if term.get(k)), "")
        value = term.get(kind, "")
        what = value if isinstance(value, str) else " ".join(map(str, value))
        arguments = term.get("arguments")
        name = f"{kind} {what!r}" + (f" {json.dumps(arguments)}" if arguments else "")
        number = 1 + sum(key.partition(" #")[0] == name for key in out)
        out[name if number == 1 else f"{name} #{number}"] = term
    return out


def plain_terms(terms: Sequence[PropertySettings]) -> list[dict[str, Any]]:
    """Terms as JSON values."""
    plain: list[dict[str, Any]] = json.loads(
        json.dumps([term.model_dump(mode="json") for term in terms])
    )
    return plain


def lock_folder(folder: Path) -> AbstractContextManager[None]:
    """Have a study's folder for oneself (see `exclusive`)."""
    return exclusive(folder / ".loop.lock", folder, keep=True)


def check_settings(settings: StudySettings, columns: Sequence[str]) -> None:
    """Refuse settings that cannot be used in the loop.

    Raises:
        SettingsError: nothing is measured, or the sampler is not one of ours.
    """
    if not columns:
        raise SettingsError(
            "no objective is measured by a person: name the column of your results, "
            '[[objectives]] measured = "pIC50"; a study that computes all of its objectives is run '
            "by `nucleate optimize`"
        )
    known = searcher_names(boxes=False)
    if settings.sampler not in known:
        raise SettingsError(
            f"sampler {settings.sampler!r} cannot propose batches to a person; those that can: "
            + ", ".join(known)
        )
