"""The command tree and the options before any command."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nucleate.cli import campaign as loop
from nucleate.cli import (
    datasets,
    finetune,
    models,
    objectives,
    optimize,
    runs,
    screen,
    shipped,
    stages,
)
from nucleate.cli.failures import DEBUG_VARIABLE, explained_failures
from nucleate.core.version import __version__
from nucleate_benchmarks import cli as benchmark


class ExplainedGroup(TyperGroup):
    """A group whose commands end in a message and an exit status, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with explained_failures():
            return super().invoke(ctx)


app = typer.Typer(
    name="nucleate",
    cls=ExplainedGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here: nucleate discover flows/discover.toml",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"nucleate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Discover new molecules and new crystals: learn a latent space of known structures,
    search it for the properties you want, keep what passes chemistry's own checks."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


app.command(rich_help_panel="Whole runs")(runs.discover)
app.add_typer(runs.app, rich_help_panel="Whole runs")
app.command(rich_help_panel="Whole runs")(runs.report)
app.add_typer(datasets.app, rich_help_panel="Data")
app.command(rich_help_panel="Data")(stages.featurize)
app.command(rich_help_panel="Models")(stages.train)
app.command(rich_help_panel="Models")(finetune.finetune)
app.add_typer(shipped.app, rich_help_panel="Models")
app.command(rich_help_panel="Models")(models.sample)
app.command(rich_help_panel="Models")(models.reconstruct)
app.add_typer(benchmark.app, rich_help_panel="Models")
app.command(rich_help_panel="Search")(optimize.optimize)
app.command(rich_help_panel="Search")(objectives.objectives)
app.command(rich_help_panel="Search")(loop.propose)
app.command(rich_help_panel="Search")(loop.tell)
app.command(rich_help_panel="Search")(loop.study)
app.command(rich_help_panel="Screening")(screen.screen)
app.command(rich_help_panel="Screening")(screen.checks)
