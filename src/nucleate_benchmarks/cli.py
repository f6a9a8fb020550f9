"""Commands that measure a model, or somebody's samples, by the field's own protocols."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from nucleate.cli.common import JsonFile, console, write_results
from nucleate.cli.options import (
    Given,
    SettingsCommand,
    Spelling,
    comma_separated,
    from_settings,
)
from nucleate.core.errors import ResultsError

app = typer.Typer(name="benchmark", no_args_is_help=True)
Out = Annotated[Path, typer.Option(metavar="PATH", help="Writes PATH.json, PATH.md, pictures.")]
Count = Annotated[
    int | None,
    typer.Option(
        *("-n", "--count"),
        min=1,
        help="Crystals of each chosen suite: test crystals to rebuild (all), samples (1,000), "
        "samples to relax (100), starts (100).",
    ),
]
_SEVERAL = Spelling(
    kind=list[str],
    metavar="NAME,...",
    read=comma_separated,
    more="May be repeated or comma-separated.",
)
_OWN = {
    "calculator_source": Spelling(hidden=True),
    "energy": Spelling(metavar="COLUMN"),
    "gap": Spelling(metavar="COLUMN"),
    "objectives": _SEVERAL,
    "oracle_source": Spelling(hidden=True),
    "oracles": _SEVERAL,
    "reference": Spelling(),
    "samplers": _SEVERAL,
    "searcher_source": Spelling(hidden=True),
    "suites": _SEVERAL,
    "test": Spelling(metavar="FILE|NAME|DIR"),
    "train": Spelling(metavar="FILE|NAME|DIR"),
    "work": Spelling(metavar="DIR"),
}


@app.callback()
def _benchmark() -> None:
    """Measure by the field's own protocols, each figure beside its control."""


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_benchmarks.molecules.settings:BenchmarkSettings",
    "train! test! model samples_file suites=--suite samples table.samples=--table-samples seeds "
    "table.reconstruct table.stochastic table.neighbourhood table.midpoints table.pairs "
    "table.probe table.noise controls table.timed limit processes mirror seed device",
    _OWN,
)
def molecules(given: Given, out: Out, json_file: JsonFile = None) -> None:
    """Measure a molecule model: reconstruction, samples, map; MOSES; GuacaMol.

    Example: nucleate benchmark molecules --model molecules --train zinc250k --test zinc250k
    --out results/benchmarks/molecules-zinc250k
    """
    from nucleate_benchmarks.common.figures import show
    from nucleate_benchmarks.molecules.molecules import run

    _measure(run, given, out, json_file, show)


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_benchmarks.crystals.settings:CrystalBenchmarkSettings",
    "model! features! suites=--suite seeds region reference cutoffs energy stability.threshold "
    "stability.steps stability.references optimisation.oracle optimisation.calls "
    "optimisation.relaxing speed=--timed controls limit work processes seed device",
    _OWN,
)
def crystals(given: Given, out: Out, count: Count = None, json_file: JsonFile = None) -> None:
    """Measure a crystal model: reconstruction, samples, stability, optimisation, speed.

    Example: nucleate benchmark crystals --model crystals --features work/features --suite
    reconstruction --suite generation --out results/benchmarks/crystals
    """
    from nucleate_benchmarks.common.figures import show
    from nucleate_benchmarks.crystals.crystals import run

    more = {"stability": {"count": count}, "optimisation": {"starts": count}}
    _measure(run, given, out, json_file, show, reconstruct=count, samples=count, **more)


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_benchmarks.search.pmo:PmoSettings",
    "data! samplers!=--sampler oracles budget seeds definitions model batch work start limit "
    "processes mirror device searcher_source oracle_source",
    {**_OWN, "seeds": _SEVERAL},
)
def pmo(given: Given, out: Out, json_file: JsonFile = None) -> None:
    """Compare searchers for molecules by PMO's protocol: AUC top-10 of 10,000 oracle calls.

    Runs that ended are not repeated, and killed ones go on.

    Example: nucleate benchmark pmo --data zinc250k.csv --sampler nucleate --sampler best-of-data
    --out results/benchmarks/pmo
    """
    from nucleate_benchmarks.search.pmo import run

    failed = _measure(run, given, out, json_file)["failed"]
    if failed:
        name, message = next(iter(failed.items()))
        raise ResultsError(f"{len(failed)} runs failed, the first of them {name}: {message}")


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_benchmarks.search.latent_settings:LatentSearchSettings",
    "features! model objectives samplers starts calls batch near initial steps references "
    "together energy gap limit work processes seed device searcher_source calculator_source",
    _OWN,
)
def latent(given: Given, out: Out, json_file: JsonFile = None) -> None:
    """Compare searchers over crystals: from random starts, judged after relaxation with CHGNet.

    Searches that ended are not repeated.

    Example: nucleate benchmark latent --model crystals --features work/crystals --objectives
    formation_energy --samplers nucleate,edits+screen --out results/benchmarks/latent
    """
    from nucleate_benchmarks.search.latent_search import run

    _measure(run, given, out, json_file)


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_benchmarks.search.distinct:DistinctSettings",
    "features! labels! model energy learnt samplers calls best work seed",
    {**_OWN, "labels": Spelling(metavar="FILE|NAME"), "energy": Spelling(metavar="COLUMN")},
)
def distinct(given: Given, out: Out, json_file: JsonFile = None) -> None:
    """Count different and known crystals among the best results of studies.

    Example: nucleate benchmark distinct --features work/crystals --labels mp20_binary_ternary
    --out results/benchmarks/distinct
    """
    from nucleate_benchmarks.common.figures import show
    from nucleate_benchmarks.search.distinct import run

    _measure(run, given, out, json_file, show)


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate_benchmarks.engineering.readers:ReaderSettings",
    "source=--input count stated seed mirror processes",
    {**_OWN, "stated": _SEVERAL},
)
def readers(given: Given, out: Out, json_file: JsonFile = None) -> None:
    """Write crystals in every form and scrambled descriptions, and read them again.

    Example: nucleate benchmark readers --count 2000 --out results/benchmarks/readers
    """
    from nucleate_benchmarks.common.figures import show
    from nucleate_benchmarks.engineering.readers import run

    _measure(run, given, out, json_file, show)


def _measure(
    run: Callable[..., tuple[dict[str, Any], list[Path]]],
    given: Given,
    out: Path,
    json_file: str | None,
    show: Callable[..., None] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Run a benchmark, its progress in dim letters, and say where its results are.

    Args:
        show: tells what a suite found, as soon as it ends.
        more: further values of the settings.
    """
    settings = given.settings(**more)
    shown = console(json_file)
    how: dict[str, Any] = {"echo": partial(shown.print, style="dim", markup=False)}
    if show is not None:
        how["finished"] = partial(show, shown)
    command = shlex.join(["nucleate", *sys.argv[1:]])
    results, paths = run(settings, out, command, **how)
    shown.print(f"written to {', '.join(map(str, paths))}", markup=False)
    write_results(json_file, results)
    return results
