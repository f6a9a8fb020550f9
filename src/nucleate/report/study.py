"""What a study says on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from nucleate.config import StudySettings
    from nucleate.runs import Manifest

BEST = 10
"""Structures shown at the end."""


def show_study_start(out: Console, settings: StudySettings, matter: str) -> None:
    """What is about to be searched, and from where."""
    from nucleate import matter as registry
    from nucleate.search.objective import default_terms

    terms = settings.objectives or default_terms(registry.get(matter))
    wanted = ", ".join(f"{t.goal} {getattr(t, t.source_kind())}" for t in terms)
    source = settings.features or settings.data or "what the model recalls of its training set"
    source = source if isinstance(source, str) else source.shown
    out.print(
        f"Searching {matter} with {settings.sampler!r}: {wanted}; {settings.trials:,} structures "
        f"to score, starting from {source}.",
        markup=False,
    )


def show_study_end(out: Console, settings: StudySettings, manifest: Manifest) -> None:
    """The best structures, where everything is, and what to do next."""
    from nucleate.datasets import tables
    from nucleate.runs import read_json

    summary = read_json(manifest.path("summary.json"))
    rows = tables.read(manifest.path("optimized.parquet")).slice(0, BEST).to_pylist()
    if rows:
        out.print()
        out.print(_best_table(rows, summary), soft_wrap=False)
    best, start = summary["best_score"], summary["best_start_score"]
    out.print(
        f"\n{summary['trials']:,} scored, {summary['new']:,} of them new; best score {best:.3f} "
        f"(best known {start:.3f}). Ended: {summary['stopped']}.",
        markup=False,
    )
    folder = Path(settings.out)
    names = ", ".join(output.name for output in manifest.outputs)
    out.print(f"Written to {folder}: {names}", markup=False)
    if settings.features is not None:
        screen = f"--draws {folder} --features {settings.features}"
    else:
        samples = next(o.name for o in manifest.outputs if o.name.startswith("samples"))
        screen = f"--input {folder / samples} --matter {manifest.matter}"
    out.print(f"Next: nucleate screen {screen} --out {folder}-screened", markup=False)
    place = str(folder / "study.journal")
    if settings.storage is not None:
        from sqlalchemy.engine import make_url

        place = make_url(settings.storage).render_as_string(hide_password=True)
    out.print(f"All trials: pip install optuna-dashboard; optuna-dashboard {place}", markup=False)


def _best_table(rows: list[dict[str, Any]], summary: dict[str, Any]) -> Table:
    from rich.table import Table

    from nucleate.report.wording import number, words

    properties = [item["column"] for item in summary["objectives"]]
    title = f"The best {len(rows)} new structures of {summary['new']:,}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("structure", overflow="fold", max_width=60)
    for name in ("score", *properties):
        table.add_column(words(name), justify="right")
    table.add_column("made by", no_wrap=True)
    for row in rows:
        values = [number(row[name]) for name in ("score", *properties)]
        table.add_row(row["structure"], *values, words(row["origin"]))
    return table
