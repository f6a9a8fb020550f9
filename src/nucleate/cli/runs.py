"""Commands about whole runs: discover, report, runs; and all settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import JsonFile, console, write_results
from nucleate.cli.options import Given, from_settings
from nucleate.core.errors import ResultsError

app = typer.Typer(name="runs", no_args_is_help=False, invoke_without_command=True)
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder that holds runs.")]
Toml = Annotated[Path, typer.Argument(metavar="TOML", help="The run's settings.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start anew instead of resuming the run.")]
Folder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]
Name = Annotated[str, typer.Argument(help="The run's name.")]


@from_settings("nucleate.settings.run:DiscoverSettings", "run results seed device")
def discover(
    settings: Toml, given: Given, fresh: Fresh = False, json_file: JsonFile = None
) -> None:
    """Run every stage for every kind of matter; the same command resumes a stopped run.

    Example: nucleate discover flows/discover.toml
    """
    from nucleate.cli.show.run import Announcer, run_summary, show_end, show_start
    from nucleate.stages.discover import discover as whole
    from nucleate.stages.run_settings import load_settings

    chosen = load_settings(settings, **given.values)
    out = console(json_file)
    show_start(out, chosen)
    page = whole(chosen, fresh=fresh, run_stage_hook=Announcer(out))
    show_end(out, page)
    write_results(json_file, run_summary(page.parent))


def report(run: Folder, json_file: JsonFile = None) -> None:
    """Write a run's report.html anew, from whatever its stages have finished.

    Example: nucleate report results/discover
    """
    from nucleate.cli.show.run import run_summary, show_end
    from nucleate.stages.discover import report as write

    page = write(run, fresh=True)
    show_end(console(json_file), page)
    write_results(json_file, run_summary(run))


@app.callback()
def _runs(
    ctx: typer.Context, results: Results = Path("results"), json_file: JsonFile = None
) -> None:
    """List runs with their state, date and candidates, or show one.

    Example: nucleate runs --results results
    """
    if ctx.invoked_subcommand is not None:
        return
    from nucleate.cli.show.terminal_tables import table
    from nucleate.stages.run_folder import list_runs

    found = list_runs(results)
    out = console(json_file)
    if not found:
        out.print(f"no runs in {results}", markup=False)
    else:
        rows = []
        for run in found:
            counts = (f"{k} {'-' if v is None else v}" for k, v in run["candidates"].items())
            updated = str(run["updated"])[:16].replace("T", " ")
            minutes = f"{run['seconds'] / 60:.1f}"
            rows.append((run["name"], run["state"], updated, minutes, "  ".join(counts)))
        columns = ("run", "state", "updated (UTC)", "minutes", "candidates")
        out.print(table(columns, rows, right=("minutes",)), soft_wrap=False)
    write_results(json_file, found)


@app.command()
def show(name: Name, results: Results = Path("results"), json_file: JsonFile = None) -> None:
    """Show a run's stages, funnel and best candidates.

    Example: nucleate runs show discover
    """
    from nucleate.cli.show.run import run_summary, show_run

    folder = results / name
    if not (folder / "manifest.json").is_file():
        raise ResultsError(f"{folder}: no such run; `nucleate runs` lists them")
    show_run(console(json_file), folder)
    write_results(json_file, run_summary(folder))


def settings(json_file: JsonFile = None) -> None:
    """Print every settings key with its type, default and meaning, as Markdown.

    Example: nucleate settings > docs/settings.md
    """
    from nucleate.cli.show.settings import settings_reference

    text = settings_reference()
    if json_file != "-":
        print(text, end="")
    write_results(json_file, {"markdown": text})
