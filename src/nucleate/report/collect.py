"""Read what a run's stages have written, as far as they came.

Everything that may be missing is: a report must also be possible for a run that failed half way, or
that found nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from nucleate.core.errors import NucleateError, ResultsError, SettingsError
from nucleate.core.files import read_json
from nucleate.core.manifest import MANIFEST_NAME
from nucleate.core.settings import read_toml
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.screening.funnel import NOT_JUDGED


@dataclass(frozen=True)
class MatterData:
    """What a run holds of one kind of matter.

    Attributes:
        name: registry name.
        folder: `results/<run>/<matter>`.
        stages: the manifests, as plain values, of the stages that finished.
        funnel: per check: check, description, entered, passed, not_judged, seconds, reasons.
        candidates: best first, or None if the screening did not finish.
        curves: one row per epoch, or None.
        study: columns trial and score, one row per trial, or None; of several objectives also
            hypervolume.
        front: of a study with several objectives, the values of each as columns, one row per
            structure that breaks no constraint, and `pareto_layer`; else None.
        failure: message of the error that stopped it, or empty.
        objectives: what was wanted, as plain values of `config.PropertySettings`.
        scored: likewise as the study used it: `column`, `unit`, `description` and more of each.
    """

    name: str
    folder: Path
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    funnel: list[dict[str, Any]] = field(default_factory=list)
    candidates: pd.DataFrame | None = None
    curves: pd.DataFrame | None = None
    study: pd.DataFrame | None = None
    front: pd.DataFrame | None = None
    failure: str = ""
    objectives: tuple[Mapping[str, Any], ...] = ()
    scored: tuple[Mapping[str, Any], ...] = ()

    @property
    def candidate_count(self) -> int:
        """Number of candidates that came through the whole funnel and were kept."""
        return 0 if self.candidates is None else len(self.candidates)

    @property
    def unjudged(self) -> Counter[str]:
        """How many of the candidates each check could not judge, by its name."""
        return Counter(name for cell in self._not_judged for name in cell.split(", "))

    @property
    def unjudged_count(self) -> int:
        """Number of candidates that some check could not judge."""
        return len(self._not_judged)

    @property
    def _not_judged(self) -> list[str]:
        if self.candidates is None or NOT_JUDGED not in self.candidates.columns:
            return []  # also of a screening by a version without the column
        return [cell for cell in self.candidates[NOT_JUDGED] if isinstance(cell, str) and cell]

    def best(self, most: int) -> list[dict[str, Any]]:
        """The first candidates, at most so many, as rows by column name."""
        if self.candidates is None:
            return []
        rows = self.candidates.head(most).to_dict("records")
        return [{str(key): value for key, value in row.items()} for row in rows]

    @property
    def structure_column(self) -> str:
        """Column of the candidates that a person reads as the structure."""
        return "structure" if self.kind is None else self.kind.structure_column

    @property
    def kind(self) -> Matter | None:
        """The kind of matter itself, or None if it is not installed here."""
        try:
            return registry.get(self.name)
        except SettingsError:
            return None

    @property
    def training(self) -> dict[str, Any]:
        """Metrics of the training: `held_out` and `training` figures, `active_units` and more."""
        metrics: dict[str, Any] = self.stages.get("train", {}).get("metrics", {})
        return metrics

    def units(self) -> dict[str, str]:
        """Unit by name of the properties that were wanted, as far as they have one."""
        # What a person brought is not built again for its unit: the study has noted it.
        noted = {str(item["column"]): str(item["unit"]) for item in self.scored if "unit" in item}
        kind, found = self.kind, dict[str, str]()
        if kind is None:
            return noted
        wanted = [(t.get("property"), t.get("arguments", {})) for t in self.objectives]
        for name, arguments in wanted or [
            (term.property, term.arguments) for term in kind.properties.default_objectives()
        ]:
            if not name:
                continue
            try:
                built = kind.properties.build(name, arguments)
            except NucleateError:
                continue
            found[built.name] = built.unit
        return found | noted

    def descriptions(self) -> dict[str, str]:
        """What the properties are, in a line each, by name."""
        known = {} if self.kind is None else self.kind.properties.descriptions()
        return known | {
            str(item["column"]): str(item["description"])
            for item in self.scored
            if item.get("description")
        }

    def scored_properties(self) -> list[str]:
        """Columns of the properties that the score is made of."""
        columns = [] if self.candidates is None else list(self.candidates.columns)
        suffix = "_desirability"
        return [c.removesuffix(suffix) for c in columns if c.endswith(suffix)]


@dataclass(frozen=True)
class RunData:
    """A run, ready to be shown.

    Attributes:
        folder: of the run.
        manifest: `manifest.json`.
        settings: `settings.toml`, as text.
        matter: in the settings' order.
    """

    folder: Path
    manifest: dict[str, Any]
    settings: str
    matter: list[MatterData]


def collect(folder: Path) -> RunData:
    """Read a run's folder.

    Raises:
        ResultsError: it is not the folder of a run, or its manifest is damaged.
    """
    missing = [n for n in (MANIFEST_NAME, "settings.toml") if not (folder / n).is_file()]
    if missing == ["settings.toml"]:
        stage = read_json(folder / MANIFEST_NAME).get("stage")
        of = (
            f"it is the output of `nucleate {stage}`, which has no page of its own; "
            if stage
            else ""
        )
        hint = "`nucleate screen` on it writes one" if stage in ("optimize", "sample") else ""
        raise ResultsError(
            f"{folder}: is not the folder of a run of `nucleate discover`: {of}{hint}".rstrip(": ;")
        )
    if missing:
        raise ResultsError(f"{folder}: is not the folder of a run (no {' and no '.join(missing)})")
    manifest = read_json(folder / MANIFEST_NAME)
    settings = read_toml(folder / "settings.toml")
    try:
        stages: Mapping[str, Any] = manifest["matter"]
        names = [name for name, pipeline in settings["matter"].items() if pipeline["enabled"]]
        failures = manifest.get("failures", {})
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{folder / MANIFEST_NAME}: damaged ({error})") from None
    matter = [
        collect_matter(
            folder / name, stages.get(name, {}), failures.get(name, ""), settings["matter"][name]
        )
        for name in names
    ]
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    return RunData(folder, manifest, text, matter)


def collect_matter(
    folder: Path,
    stages: Mapping[str, dict[str, Any]],
    failure: str = "",
    pipeline: Mapping[str, Any] | None = None,
) -> MatterData:
    """Read the folder of one kind of matter.

    Args:
        stages: manifests by stage; a stage that is not among them is not read, since its folder
            may hold another run's remains or half of its own work.
        failure: message of the error that stopped it.
        pipeline: its section of the run's settings.
    """

    def table(stage: str, name: str) -> pd.DataFrame | None:
        return read_table(folder / stage / name) if stage in stages else None

    funnel = folder / "screen" / "funnel.json"
    path = folder / "optimize" / "summary.json"
    summary = read_json(path) if "optimize" in stages and path.is_file() else {}
    return MatterData(
        name=folder.name,
        folder=folder,
        stages=dict(stages),
        funnel=read_json(funnel) if "screen" in stages and funnel.is_file() else [],
        candidates=table("screen", "candidates.parquet"),
        curves=table("train", "curves.csv"),
        study=_study(summary),
        front=_front(summary, table("optimize", "optimized.parquet")),
        failure=failure,
        objectives=tuple((pipeline or {}).get("optimize", {}).get("objectives", ())),
        scored=tuple(summary.get("objectives", ())),
    )


def read_table(path: Path) -> pd.DataFrame | None:
    """A table of a stage; None if it is not there or empty.

    Raises:
        ResultsError: it is damaged.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return None
    try:
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise ResultsError(f"{path}: cannot be read ({error})") from None


def _study(summary: Mapping[str, Any]) -> pd.DataFrame | None:
    """The study's history: a row per trial, in order."""
    history = pd.DataFrame(summary.get("history", []))
    if not {"trial", "score"} <= set(history.columns):
        return None
    return history.dropna(subset=["score"]).sort_values("trial")


def _front(summary: Mapping[str, Any], rows: pd.DataFrame | None) -> pd.DataFrame | None:
    """What a study with several objectives found, by layers."""
    if summary.get("combine") != "pareto" or rows is None or "pareto_layer" not in rows.columns:
        return None
    goals = [item["column"] for item in summary.get("objectives", ()) if "desirability" in item]
    if len(goals) < 2:
        return None
    return rows.dropna(subset=["pareto_layer"])[[*goals, "pareto_layer"]]


def walk(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested tables, keys joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from walk(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
