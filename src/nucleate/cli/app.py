"""The command tree and the options before any command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nucleate.cli import campaign, datasets, models, optimize, runs, screen, stages
from nucleate.cli.failures import DEBUG_VARIABLE, explained_failures
from nucleate.cli.options import SettingsCommand
from nucleate.core import progress
from nucleate.core.errors import NucleateError
from nucleate.core.version import __version__

Command = Callable[..., None] | typer.Typer


class ExplainedGroup(TyperGroup):
    """A group whose commands end in a message and an exit status, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with explained_failures(), progress.listening():
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


Debug = Annotated[bool, typer.Option("--debug", help="Show an unexpected error's traceback.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress; results and errors only.")]
Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
]


@app.callback()
def _options(debug: Debug = False, quiet: Quiet = False, version: Version = False) -> None:
    """Discover new molecules and new crystals: learn a latent space of known structures,
    search it for the properties you want, keep what passes chemistry's own checks."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"
    if quiet:
        progress.be_quiet()


PANELS: dict[str, tuple[Command, ...]] = {
    "Whole runs": (runs.discover, runs.app, runs.report, runs.settings),
    "Data": (datasets.app, stages.featurize),
    "Models": (stages.train, stages.finetune, models.app, stages.sample, stages.reconstruct),
    "Search": (
        *(optimize.optimize, optimize.objectives),
        *(campaign.propose, campaign.tell, campaign.study),
    ),
    "Screening": (screen.screen, screen.checks),
}
PROVIDED = {
    "benchmark": "Measure by the field's own protocols, each figure beside its control.",
    "datasets build": "Make an embedded dataset anew; resumes where it stopped.",
}
"""Commands of our own that other packages than this one provide."""


def plug_ins() -> Iterator[tuple[str, Command]]:
    """Commands that packages provide, as entry points of the group `nucleate.commands`.

    A name of two words is that of a command in a group of ours, with a dot in the entry point's. A
    package that is missing or broken leaves the other commands alone: its own say so when called.
    """
    entries = {e.name.replace(".", " "): e for e in entry_points(group="nucleate.commands")}
    for name in {**PROVIDED, **entries}:
        try:
            yield name, entries[name].load()
        except Exception as error:
            yield name, _unavailable(name, error)


def _unavailable(name: str, error: Exception) -> Command:
    """A command that says why it cannot be had."""
    why = f"cannot be loaded: {type(error).__name__}: {error}"
    if isinstance(error, (KeyError, ModuleNotFoundError)):
        why = "comes with the benchmarks: pip install 'nucleate[benchmarks]'"

    def unavailable(context: typer.Context) -> None:
        raise NucleateError(f"`nucleate {name}` {why}")

    unavailable.__doc__ = PROVIDED.get(name)
    anything = {"allow_extra_args": True, "ignore_unknown_options": True}
    vars(unavailable)["context_settings"] = anything
    return unavailable


def _add(parent: typer.Typer, command: Command, name: str | None, panel: str | None) -> None:
    if isinstance(command, typer.Typer):
        parent.add_typer(command, name=name or command.info.name, rich_help_panel=panel)
    else:
        settings = getattr(command, "context_settings", None)
        add = parent.command(
            name, cls=SettingsCommand, context_settings=settings, rich_help_panel=panel
        )
        add(command)


for _panel, _commands in PANELS.items():
    for _command in _commands:
        _add(app, _command, None, _panel)
for _name, _command in plug_ins():
    if _name.startswith("datasets "):
        _add(datasets.app, _command, _name.partition(" ")[2], None)
    else:
        _add(app, _command, _name, "Models" if _name in PROVIDED else "Of other packages")
