"""A study on the terminal: what is searched for, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cli.show.terminal_tables import table
from nucleate.report.formatting import number, score, words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from nucleate.core.manifest import Manifest
    from nucleate.settings.objectives import PropertySettings
    from nucleate.settings.study import StudySettings

BEST = 10
"""Structures shown at the end."""
REASONS = 3
"""Reasons of missing values shown at the end."""


def show_study_start(out: Console, settings: StudySettings, matter: str) -> None:
    """What is about to be searched, and from where."""
    from nucleate.matter import registry
    from nucleate.objectives.objective import complete_terms

    terms = complete_terms(registry.get(matter), settings.objectives)
    wanted = ", ".join(_wishes(terms))
    source = settings.features or settings.data or "what the model recalls of its training set"
    source = source if isinstance(source, str) else source.label
    out.print(
        f"Searching {matter} with {settings.sampler!r}: {wanted}; {settings.trials:,} structures "
        f"to score, starting from {source}.",
        markup=False,
    )


def show_study_end(out: Console, settings: StudySettings, manifest: Manifest) -> None:
    """The best structures, where everything is, and what to do next."""
    from nucleate.core.files import read_json
    from nucleate.datasets import tables
    from nucleate.matter import registry

    kind = registry.get(manifest.matter)
    summary = read_json(manifest.path("summary.json"))
    rows = tables.read(manifest.path("optimized.parquet")).slice(0, BEST).to_pylist()
    rows = [row for row in rows if not row.get("reason")]
    heading = f"The best {len(rows)} new structures of {summary['new']:,}"
    if not summary["new"]:
        rows = [{**row, "origin": "known"} for row in summary["best_known"][:BEST]]
        heading = f"The best {len(rows)} known structures"
    if rows:
        out.print()
        out.print(_best_table(heading, rows, summary, kind.export.title), soft_wrap=False)
    out.print(f"\n{_count(summary)} Ended: {summary['stopped']}.", markup=False)
    for line in _further(summary, kind.export.title):
        out.print(line, markup=False)
    folder = Path(settings.out)
    names = ", ".join(dict.fromkeys(_top(output.name) for output in manifest.outputs))
    out.print(f"Written to {folder}: {names}", markup=False)
    if not summary["new"]:
        screen = ""
    elif settings.features is not None:
        screen = f"{folder} --features {settings.features}"
    else:
        screen = str(folder)
    if screen:
        out.print(f"Next: nucleate screen {screen} --out {folder}-screened", markup=False)
    place = str(folder / "study.journal")
    if settings.storage is not None:
        from sqlalchemy.engine import make_url

        place = make_url(settings.storage).render_as_string(hide_password=True)
    out.print(f"All trials: pip install optuna-dashboard; optuna-dashboard {place}", markup=False)


def _wishes(terms: Sequence[PropertySettings]) -> list[str]:
    """Terms in words, with the names of their columns where a property comes more than once."""
    from nucleate.settings.objectives import PropertySource, source_of

    said = []
    taken: Counter[str] = Counter()
    for term in terms:
        source = source_of(term)
        own = source.property if isinstance(source, PropertySource) else source.column_name()
        taken[own] += 1
        column = f" [column {own}_{taken[own]}]" if taken[own] > 1 else ""
        said.append(_wish(term) + column)
    return said


def _wish(term: PropertySettings) -> str:
    """A term in words."""
    source = getattr(term, term.source_kind())
    name = source if isinstance(source, str) else " ".join(source)  # a program and its arguments
    if term.arguments:
        name += f" ({', '.join(f'{key} {value}' for key, value in term.arguments.items())})"
    if not term.constraint:
        return f"{term.goal} {name}"
    low = "" if term.low is None else f"{term.low:g} <= "
    return f"{low}{name}" + ("" if term.high is None else f" <= {term.high:g}")


def _top(name: str) -> str:
    """A file of the output folder, or the folder in it that holds the file."""
    first, inside, _ = name.partition("/")
    return first + inside


def _count(summary: dict[str, Any]) -> str:
    """How many structures were scored, and how the best of them compares with known ones."""
    scored = f"{summary['trials']:,} scored, "
    known = "no known structure meets the conditions"
    if summary["best_known"]:
        known = f"best known score {score(summary['best_known'][0]['score'])}"
    if not summary["new"]:
        why = (
            "best-of-data scores known structures only"
            if summary["sampler"] == "best-of-data"
            else "known structures come first"
        )
        return f"{scored}none of them new ({why}); {known}."
    best = score(summary["best_score"])
    return f"{scored}{summary['new']:,} of them new; best score {best} ({known})."


def _gain(summary: dict[str, Any]) -> list[str]:
    """The best structure's own values beside those of the best known one: a score saturates."""
    best, known = summary["best"], summary["best_known"]
    if best is None or not known or "hypervolume" in summary:
        return []
    goals = [item for item in summary["objectives"] if "desirability" in item]

    def values(row: dict[str, Any]) -> str:
        shown = (f"{item['column']} {number(row[item['column']])} {item['unit']}" for item in goals)
        return ", ".join(text.strip() for text in shown)

    return [f"The best has {values(best)}; the best known one {values(known[0])}."]


def _further(summary: dict[str, Any], title: Callable[[str], str]) -> list[str]:
    """What is to be said of predictors, missing values, constraints, fronts, quotas and leads."""
    said = _gain(summary)
    for item in summary["objectives"]:
        if item["settings"]["column"] or item["settings"]["head"]:
            said.append(f"{item['column']}: {item['description']}.")
    if summary["without_value"]:
        said.append(f"{summary['without_value']:,} without a value: {_failures(summary)}.")
    if "infeasible" in summary:
        said.append(
            f"Meet all constraints: {summary['feasible']:,}; not: {summary['infeasible']:,}."
        )
    if "hypervolume" in summary:
        said.append(
            f"The front holds {summary['front']:,} structures; hypervolume "
            f"{summary['hypervolume']:.4f}."
        )
    if "quota" in summary:
        by = summary["quota"]["by"].replace("_", " ")
        said.append(
            f"{summary['groups']:,} groups by {by}; {summary['beyond_quota']:,} structures beyond "
            f"{summary['quota']['most']} of one are ranked behind the others."
        )
    if summary.get("lead"):
        lead = title(summary["lead"])
        said.append(f"Around {lead}, which scores {score(summary['best_start_score'])}.")
    return said


def _failures(summary: dict[str, Any]) -> str:
    """The commonest reasons why values are missing, with their counts."""
    names: dict[tuple[str, int], list[str]] = {}  # what fails for all objectives is said once
    for name, counts in summary["objective_failures"].items():
        for reason, count in counts.items():
            names.setdefault((reason, count), []).append(name)
    every = len(summary["objectives"])
    ordered = sorted(names.items(), key=lambda item: -item[0][1])
    shown = [
        f"{'' if len(of) == every else ', '.join(of) + ': '}{reason} ({count:,})"
        for (reason, count), of in ordered[:REASONS]
    ]
    rest = len(ordered) - len(shown)
    return "; ".join([*shown, f"{rest:,} more reasons in summary.json"] if rest else shown)


def _best_table(
    heading: str,
    rows: list[dict[str, Any]],
    summary: dict[str, Any],
    title: Callable[[str], str],
) -> Table:
    properties = [item["column"] for item in summary["objectives"]]
    layered = [name for name in ("pareto_layer",) if name in rows[0]]
    sure = [f"{name}_{end}" for name in properties for end in ("uncertainty", "in_domain")]
    names = (*layered, "score", *properties, *(name for name in sure if name in rows[0]))
    cells = [
        [
            title(row["structure"]),
            *((score if name == "score" else number)(row[name]) for name in names),
            words(row["origin"]),
        ]
        for row in rows
    ]
    columns = ("structure", *names, "made by")
    return table(columns, cells, heading, right=names, whole=("made by",), widest=60)
