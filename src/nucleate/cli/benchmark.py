"""Commands that measure a model, or somebody's samples, by the field's own protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import Device, JsonFile, Mirror, Seed, console, merge, write_results

app = typer.Typer(name="benchmark", no_args_is_help=True)


@app.callback()
def _benchmark() -> None:
    """Measure by the field's own protocols, each figure beside its control."""


@app.command()
def molecules(
    train: Annotated[
        str,
        typer.Option(
            "--train",
            metavar="FILE|NAME|DIR",
            help="Training molecules: a file, a catalogued set (its training part), or the folder "
            "of `nucleate featurize`.",
        ),
    ],
    test: Annotated[
        str, typer.Option("--test", metavar="FILE|NAME|DIR", help="Test molecules, likewise.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="PATH", help="Writes PATH.json and PATH.md."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="DIR|NAME",
            help="Output of `nucleate train`, or the name of a shipped model.",
        ),
    ] = None,
    samples_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Score these samples instead; no model is needed."),
    ] = None,
    suite: Annotated[
        str, typer.Option(help="Comma-separated: table, moses, guacamol.")
    ] = "table,moses,guacamol",
    samples: Annotated[
        int, typer.Option(min=1, help="Draws of each seed for MOSES and GuacaMol.")
    ] = 30_000,
    table_samples: Annotated[
        int | None, typer.Option(min=1, help="Draws of each seed for the table; 10,000.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to average over.")] = 3,
    reconstruct: Annotated[
        int | None, typer.Option(min=1, help="Test molecules to rebuild; all if not given.")
    ] = None,
    stochastic: Annotated[
        int | None, typer.Option(min=1, help="Test molecules of the 10 x 10 protocol; 200.")
    ] = None,
    neighbourhood: Annotated[
        int | None, typer.Option(min=1, help="Test molecules to perturb; 500.")
    ] = None,
    midpoints: Annotated[int | None, typer.Option(min=1, help="Midpoints; 1,000.")] = None,
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Pairs of the rank correlation; 20,000.")
    ] = None,
    probe: Annotated[
        int | None, typer.Option(min=1, help="Training molecules of the linear probe; 10,000.")
    ] = None,
    noise: Annotated[
        float | None, typer.Option(min=0, max=1, help="Decoder's noise when it rebuilds; 0.")
    ] = None,
    controls: Annotated[
        bool, typer.Option(help="Measure what no model made as well (three more sample sets).")
    ] = True,
    timed: Annotated[bool, typer.Option(help="Time 10,000 samples.")] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first training and test molecules.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as cores.")
    ] = None,
    mirror: Mirror = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_file: JsonFile = None,
) -> None:
    """Measure a molecule model: reconstruction, samples, map; MOSES; GuacaMol.

    Example: nucleate benchmark molecules --model molecules --train zinc250k --test zinc250k
    --out results/benchmarks/molecules-zinc250k
    """
    from nucleate.benchmarks.figures import show
    from nucleate.benchmarks.molecules import run
    from nucleate.benchmarks.settings import BenchmarkSettings
    from nucleate.config import validate

    options = merge(
        {"train": train, "test": test, "samples": samples, "seeds": seeds, "seed": seed},
        {
            "model": model,
            "samples_file": samples_file,
            "suites": tuple(part.strip() for part in suite.split(",") if part.strip()),
            "controls": controls,
            "mirror": mirror,
            "limit": limit,
            "device": device,
            "processes": processes,
            "table": {
                "samples": table_samples,
                "reconstruct": reconstruct,
                "stochastic": stochastic,
                "neighbourhood": neighbourhood,
                "midpoints": midpoints,
                "pairs": pairs,
                "probe": probe,
                "noise": noise,
                "timed": timed,
            },
        },
    )
    settings = validate(BenchmarkSettings, options, "command line")
    shown = console(json_file)
    results, paths = run(
        settings,
        out,
        _command(),
        echo=lambda text: shown.print(text, style="dim", markup=False),
        finished=lambda section: show(shown, section),
    )
    shown.print(f"written to {paths[0]} and {paths[1]}", markup=False)
    write_results(json_file, results)


def _command() -> str:
    """The line as it was typed."""
    import shlex
    import sys

    return shlex.join(["nucleate", *sys.argv[1:]])
