"""A run on the terminal: its stages as they pass, and its results at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cli.show.terminal_tables import table
from nucleate.core.manifest import MANIFEST_NAME
from nucleate.matter.reading_notes import reading_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from nucleate.core.manifest import Manifest
    from nucleate.report.collect import MatterData
    from nucleate.settings.run import DiscoverSettings
    from nucleate.stages.discover import StageCall

BEST = 5
DOING = {
    "featurize": "reading structures, turning them into arrays",
    "train": "training the autoencoder and the prior",
    "sample": "drawing from the prior",
    "optimize": "searching the latent space",
    "screen": "checking every draw",
}
"""What each stage does, in a newcomer's words."""


class Announcer:
    """A hook that says when a stage starts and how it ended.

    Args:
        out: where to.
        perform: does the stage; calls it if not given.
    """

    def __init__(self, out: Console, perform: Callable[[StageCall], Manifest] | None = None):
        self.out = out
        self.perform = perform or (lambda call: call())
        self.matter = ""

    def __call__(self, call: StageCall) -> Manifest:
        """Run the stage between two lines."""
        if call.matter != self.matter:
            self.matter = call.matter
            self.out.print(f"\n[bold]{call.matter}[/]")
        self.out.print(f"  {call.stage:<10}[dim]{DOING.get(call.stage, '')} …[/]")
        before = _time_written(call.folder)
        started = time.perf_counter()
        manifest = self.perform(call)
        if before is not None and before == _time_written(call.folder):
            ending = "unchanged"
        else:
            ending = f"done in {time.perf_counter() - started:.1f} s"
        self.out.print(f"  {'':<10}{ending}{_headline(manifest)}", markup=False)
        for line in reading_lines(manifest.metrics):
            self.out.print(f"  {'':<10}{line}", style="yellow", markup=False)
        return manifest


def _time_written(folder: Path) -> int | None:
    """When a stage's manifest was written, or None if there is none."""
    try:
        return (folder / MANIFEST_NAME).stat().st_mtime_ns
    except OSError:
        return None


def _headline(manifest: Manifest) -> str:
    """The rows that a stage wrote, as `: 4,750 records`."""
    counted = {Path(o.name).stem: o.rows for o in manifest.outputs if o.rows is not None}
    return ": " + ", ".join(f"{rows:,} {name}" for name, rows in counted.items()) if counted else ""


def metric_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Metrics as aligned lines; nested tables are flattened, lists left out. What was decided on
    reading comes after them."""
    from nucleate.matter.reading_notes import KEY
    from nucleate.report.collect import walk
    from nucleate.report.formatting import number, words

    plain = {key: value for key, value in metrics.items() if key != KEY}
    leaves = [(words(k), v) for k, v in walk(plain) if not isinstance(v, (list, tuple))]
    width = max((len(name) for name, _ in leaves), default=0)
    lines = [f"{name:<{width}}  {number(value)}" for name, value in leaves]
    return [*lines, *reading_lines(metrics)]


def show_start(out: Console, settings: DiscoverSettings) -> None:
    """Say what is about to happen."""
    from nucleate.core.version import __version__

    folder = Path(settings.results) / settings.run
    out.print(f"[bold]Nucleate {__version__}[/]: run [bold]{settings.run}[/], results in {folder}")


def show_end(out: Console, page: Path) -> None:
    """The funnel and the best candidates of each kind of matter, and the report's path."""
    from nucleate.report.collect import collect

    for data in collect(page.parent).matter:
        show_matter(out, data)
    out.print(f"\nReport: [bold]{page}[/]")


def show_run(out: Console, folder: Path) -> None:
    """A run's state, times of its stages, funnels and best candidates."""
    from nucleate.report.collect import collect
    from nucleate.stages.run_folder import describe_run

    summary = describe_run(folder)
    out.print(f"[bold]{summary['name']}[/]: {summary['state']}, updated {summary['updated']}")
    run = collect(folder)
    for data in run.matter:
        times = (f"{stage} {m['seconds']:.1f} s" for stage, m in data.stages.items())
        out.print(f"\n[bold]{data.name}[/]: {', '.join(times)}")
        show_matter(out, data)
    page = folder / "report.html"
    if page.is_file():
        out.print(f"\nReport: [bold]{page}[/]")


def show_matter(out: Console, data: MatterData) -> None:
    """One kind of matter: its funnel as a table, its best candidates."""
    if data.failure:
        out.print(f"\n{data.name} failed: {data.failure}", style="red", markup=False)
    if not data.funnel:
        return
    out.print()
    out.print(_funnel_table(data), soft_wrap=False)
    _tell_unjudged(out, data)
    if not data.candidate_count:
        out.print(f"No {data.name} came through the checks.", style="yellow")
        return
    out.print()
    out.print(_best_table(data), soft_wrap=False)


def _funnel_table(data: MatterData) -> Table:
    from nucleate.report.formatting import reasons, words

    # A column of its own only where there is something to tell.
    unjudged = any(row.get("not_judged") for row in data.funnel)
    rows = []
    for row in data.funnel:
        entered, passed = row["entered"], row["passed"]
        share = f"{100 * passed / entered:.0f} %" if entered else "–"
        why = reasons(row.get("reasons", {}))
        left = (f"{row.get('not_judged', 0):,}",) if unjudged else ()
        rows.append((words(row["check"]), f"{entered:,}", f"{passed:,}", *left, share, why))
    numbers = ("in", "passed", *(("not judged",) if unjudged else ()), "share")
    columns = ("check", *numbers, "rejected for")
    whole, dim = columns[:-1], columns[-1:]
    return table(columns, rows, f"{data.name}: the funnel", right=numbers, whole=whole, dim=dim)


def _tell_unjudged(out: Console, data: MatterData) -> None:
    """Why checks could not judge some, and how many of the candidates that concerns."""
    from nucleate.report.formatting import reasons, unjudged, words

    for row in data.funnel:
        if row.get("not_judged"):
            why = f"not judged by {words(row['check'])}: {reasons(row['not_judged_for'])}"
            out.print(why, style="dim", markup=False)
    if data.unjudged_count:
        out.print(
            f"Not judged by every check, so not passed: {data.unjudged_count:,} of "
            f"{data.candidate_count:,} candidates ({unjudged(data)}); column `not_judged`. "
            'With `unjudged = "reject"` they are turned away.',
            style="yellow",
            markup=False,
        )


def _best_table(data: MatterData) -> Table:
    from nucleate.report.formatting import candidate_title, number

    best = data.best(BEST)
    names = [c for c in ("score", *data.scored_properties()) if c in best[0]]
    if data.unjudged_count:
        names.append("not_judged")
    rows = [(candidate_title(data, row), *(number(row[c]) for c in names)) for row in best]
    title = f"{data.name}: the best {min(BEST, data.candidate_count)} of {data.candidate_count}"
    return table(("candidate", *names), rows, title, right=names, widest=60)


def run_summary(folder: Path) -> dict[str, Any]:
    """A run's results as plain values: state, funnel, candidates and metrics by kind of matter."""
    from nucleate.report.collect import collect
    from nucleate.report.formatting import is_plain
    from nucleate.stages.run_folder import describe_run

    run = collect(folder)
    summary = describe_run(folder)
    summary["report"] = str(folder / "report.html")
    summary["matter"] = {
        data.name: {
            "failure": data.failure,
            "metrics": {stage: m["metrics"] for stage, m in data.stages.items()},
            "funnel": data.funnel,
            "best": [
                {key: value for key, value in row.items() if is_plain(value)}
                for row in data.best(BEST)
            ],
        }
        for data in run.matter
    }
    return summary
