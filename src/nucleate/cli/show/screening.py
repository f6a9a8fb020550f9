"""A screening on the terminal and as a page; the checks that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cli.show.terminal_tables import table
from nucleate.core.errors import SettingsError
from nucleate.core.files import read_json, write_text
from nucleate.core.manifest import Manifest
from nucleate.core.settings import field_descriptions
from nucleate.matter import registry
from nucleate.matter.checks import Check, CheckContext
from nucleate.matter.reading_notes import reading_lines

if TYPE_CHECKING:
    from rich.console import Console

    from nucleate.report.collect import MatterData
    from nucleate.settings.screen import ScreeningSettings

PAGE = "screen.html"


def screening_data(manifest: Manifest, settings: ScreeningSettings) -> MatterData:
    """What the report shows of a screening.

    Raises:
        ResultsError: a file of the screening is damaged.
    """
    from nucleate.report.collect import MatterData, read_table

    terms = tuple(term.model_dump(mode="json") for term in settings.objectives)
    return MatterData(
        name=manifest.matter,
        folder=Path(manifest.folder),
        stages={"screen": asdict(manifest)},
        funnel=read_json(manifest.path("funnel.json")),
        candidates=read_table(manifest.path("candidates.parquet")),
        objectives=terms,
    )


def write_page(
    folder: Path, manifest: Manifest, settings: ScreeningSettings, surroundings: Mapping[str, Any]
) -> Path:
    """Write `screen.html`: the candidates, and the funnel as a figure and a table.

    Args:
        surroundings: versions and platform, for the page's end.

    Raises:
        ResultsError: it cannot be written.
    """
    import tomli_w

    from nucleate.report.collect import RunData
    from nucleate.report.page import render

    facts = {
        "what": "Screening",
        "run": folder.name,
        "updated": manifest.created,
        "seconds": manifest.seconds,
        "seed": settings.seed,
        "rerun": "nucleate screen settings.toml",
        **surroundings,
    }
    text = tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))
    run = RunData(folder, facts, text, [screening_data(manifest, settings)])
    write_text(folder / PAGE, render(run, manifest.key))
    return folder / PAGE


def show_screening(
    out: Console, manifest: Manifest, settings: ScreeningSettings, page: Path
) -> None:
    """The funnel, the best candidates, what was reported apart, and where all of it lies."""
    from nucleate.cli.show.run import show_matter

    data = screening_data(manifest, settings)
    show_matter(out, data)
    for step in data.funnel:
        rejected = step["entered"] - step["passed"] - step.get("not_judged", 0)
        if step.get("apart") and rejected:
            place = Path(manifest.folder) / f"{step['check']}.csv"
            line = f"\n{rejected:,} structures were set apart by `{step['check']}`: {place}"
            out.print(line, style="yellow", markup=False)
    metrics = manifest.metrics
    out.print(
        f"\n{metrics['entered']:,} structures, {metrics['candidates']:,} candidates, "
        f"{metrics['rejected']:,} rejected, each with its reason; {manifest.seconds:.1f} s.",
        markup=False,
    )
    for line in reading_lines(metrics):
        out.print(line, style="yellow", markup=False)
    out.print(
        f"Written to {manifest.folder}: candidates.csv, rejected.csv, funnel.csv", markup=False
    )
    out.print(f"Report: {page}", markup=False)


def describe_checks(matter: str, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every check of a kind of matter, as plain values.

    Args:
        names: of those wanted; all if empty.

    Raises:
        SettingsError: no such kind, or no such check.
    """
    known = registry.get(matter).checks.all()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError(
            f"{matter} has no check named {unknown[0]!r}; known: {', '.join(known)}"
        )
    return [_describe_check(name, known[name]) for name in names or known]


def _describe_check(name: str, check: type[Check]) -> dict[str, Any]:
    options = check.Options()
    explained = field_descriptions(check.Options)
    return {
        "name": name,
        "description": check.description,
        "threshold": check(options, CheckContext()).threshold,
        "needs": list(check.needs),
        "usual": check.usual,
        "expensive": check.expensive,
        "apart": check.apart,
        "options": {
            key: {
                "default": options.model_dump(mode="json")[key],
                "description": explained.get(key, ""),
            }
            for key in check.Options.model_fields
        },
    }


def show_checks(out: Console, checks: Sequence[dict[str, Any]], *, detailed: bool) -> None:
    """The checks as a table; their options too if wanted."""
    rows = []
    for check in checks:
        usual = "yes" if check["usual"] else "no"
        needs = f" (needs {', '.join(check['needs'])})" if check["needs"] else ""
        rows.append((check["name"], usual, check["threshold"], check["description"] + needs))
    columns = ("check", "default funnel", "asks", "what it looks at")
    out.print(table(columns, rows, whole=("check",)), soft_wrap=False)
    if not detailed:
        out.print("\nOptions: nucleate checks --matter KIND CHECK", markup=False)
        return
    for check in checks:
        out.print(f"\n{check['name']}", style="bold", markup=False)
        for key, option in check["options"].items():
            out.print(f"  {key} = {option['default']}", markup=False)
            if option["description"]:
                out.print(f"      {option['description']}", style="dim", markup=False)
        if not check["options"]:
            out.print("  no options", style="dim", markup=False)
