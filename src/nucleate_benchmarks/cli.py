"""Commands that measure a model, or somebody's samples, by the field's own protocols."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from nucleate.cli.common import Device, JsonFile, Mirror, Seed, console, write_results
from nucleate.core.errors import ResultsError
from nucleate.core.settings import merge

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
    from nucleate.core.settings import validate
    from nucleate_benchmarks.common.figures import show
    from nucleate_benchmarks.molecules.molecules import run
    from nucleate_benchmarks.molecules.settings import BenchmarkSettings

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
    finished = partial(show, shown)
    results, paths = _measured(partial(run, finished=finished), settings, out, shown)
    shown.print(f"written to {paths[0]} and {paths[1]}", markup=False)
    write_results(json_file, results)


@app.command()
def crystals(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="DIR|NAME",
            help="Output of `nucleate train`, or the name of a shipped model.",
        ),
    ],
    features: Annotated[
        str,
        typer.Option(
            "--features",
            metavar="DIR",
            help="Output of `nucleate featurize`: its test, validation and training crystals.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Writes PATH.json and PATH.md; keeps costly results in PATH.work.",
        ),
    ],
    suite: Annotated[
        list[str] | None,
        typer.Option(
            help="reconstruction, generation, stability, optimisation, speed; all if not given. "
            "May be repeated or comma-separated.",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--count",
            min=1,
            help="Crystals of each chosen suite: test crystals to rebuild (all), samples (1,000), "
            "samples to relax (100), starts (100).",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to average over.")] = 1,
    region: Annotated[
        str | None,
        typer.Option(
            help="Draws to measure: test (with as many elements and atoms as test crystals), any."
        ),
    ] = None,
    reference: Annotated[
        int | None,
        typer.Option(min=1, help="Test crystals that samples are held against; all."),
    ] = None,
    cutoffs: Annotated[
        str | None,
        typer.Option(help="CDVAE's cut-offs: mp20, perov5, carbon24; guessed from the data."),
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Energies per atom; formation_energy_per_atom."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, help="eV/atom above the hull that is stable; 0.08.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of a relaxation at most; 150.")
    ] = None,
    references: Annotated[
        int | None,
        typer.Option(min=10, help="Crystals that element references are regressed on; 700."),
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option(help="What optimisation asks: composition, latent or chgnet; composition."),
    ] = None,
    calls: Annotated[
        int | None, typer.Option(min=1, help="Questions to the oracle from each start; 200.")
    ] = None,
    relaxing: Annotated[
        int | None,
        typer.Option(min=0, help="Steps that optimisation's judge relaxes for; 50, 0 for none."),
    ] = None,
    timed: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Crystals to time; may be repeated; 1,000 and 10,000."),
    ] = None,
    controls: Annotated[bool, typer.Option(help="Measure what no model made as well.")] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first crystals of each split.")
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where costly results are kept, so that a run goes on."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as cores.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_file: JsonFile = None,
) -> None:
    """Measure a crystal model: reconstruction, samples, stability, optimisation, speed.

    Example: nucleate benchmark crystals --model crystals --features work/features --suite
    reconstruction --suite generation --out results/benchmarks/crystals
    """
    from nucleate.core.settings import validate
    from nucleate_benchmarks.common.figures import show
    from nucleate_benchmarks.crystals.crystals import run
    from nucleate_benchmarks.crystals.settings import SUITES, CrystalBenchmarkSettings

    names = [part.strip() for text in suite or SUITES for part in text.split(",")]
    options = merge(
        {"model": model, "features": features, "seeds": seeds, "seed": seed},
        {
            "suites": tuple(name for name in names if name),
            "reconstruct": count,
            "samples": count,
            "region": region,
            "reference": reference,
            "cutoffs": cutoffs,
            "energy": energy,
            "stability": {
                "count": count,
                "threshold": threshold,
                "steps": steps,
                "references": references,
            },
            "optimisation": {
                "starts": count,
                "oracle": oracle,
                "calls": calls,
                "relaxing": relaxing,
            },
            "speed": tuple(timed) if timed else None,
            "controls": controls,
            "limit": limit,
            "work": work,
            "device": device,
            "processes": processes,
        },
    )
    settings = validate(CrystalBenchmarkSettings, options, "command line")
    shown = console(json_file)
    finished = partial(show, shown)
    results, paths = _measured(partial(run, finished=finished), settings, out, shown)
    shown.print(f"written to {paths[0]} and {paths[1]}", markup=False)
    write_results(json_file, results)


@app.command()
def pmo(
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="FILE|NAME|DIR",
            help="Training molecules, which searches start from: a file, a catalogued set (its "
            "training part), or the folder of `nucleate featurize`.",
        ),
    ],
    sampler: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="Searcher to measure: one of ours, a control, or a sampler of Optuna over boxes "
            "(cmaes, tpe, gp, nsga2, nsga3, qmc, random). May be repeated or comma-separated.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="PATH", help="Writes PATH.json, PATH.md and PATH.svg."),
    ],
    oracles: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Oracles; `all` if not given. May be repeated likewise."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Calls of the oracle in each run; 10,000. A searcher spends the first 200 of them "
            "on training molecules.",
        ),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(metavar="SEED", help="Seeds; 0, 1, 2. May be repeated likewise."),
    ] = None,
    definitions: Annotated[
        str | None,
        typer.Option(
            help="Of the oracles: pmo (as behind the published table) or guacamol (as they are "
            "meant); pmo."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="DIR|NAME",
            help="Output of `nucleate train`, or the name of a shipped model; molecules. `none` "
            "for searchers that need none.",
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Molecules asked for at once; 50.")
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where calls are kept, so that a run goes on; work/pmo."),
    ] = None,
    start: Annotated[
        bool, typer.Option(help="Do what is not done yet; else report what there is.")
    ] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first training molecules.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Runs side by side; as many as cores.")
    ] = None,
    mirror: Mirror = None,
    device: Device = "auto",
    json_file: JsonFile = None,
    searcher_source: Annotated[
        str | None, typer.Option(hidden=True, help="module:function that builds searchers.")
    ] = None,
    oracle_source: Annotated[
        str | None, typer.Option(hidden=True, help="module:function that builds oracles.")
    ] = None,
) -> None:
    """Compare searchers for molecules by PMO's protocol: AUC top-10 of 10,000 oracle calls.

    Runs that ended are not repeated, and killed ones go on.

    Example: nucleate benchmark pmo --data zinc250k.csv --sampler nucleate --sampler best-of-data
    --out results/benchmarks/pmo
    """
    from nucleate.core.settings import validate
    from nucleate_benchmarks.search.pmo import PmoSettings, run

    options = merge(
        {"data": data, "samplers": _parts(sampler), "start": start, "device": device},
        {
            "oracles": _parts(oracles),
            "budget": budget,
            "seeds": _parts(seeds),
            "definitions": definitions,
            "model": model,
            "batch": batch,
            "work": work,
            "limit": limit,
            "processes": processes,
            "mirror": mirror,
            "searcher_source": searcher_source,
            "oracle_source": oracle_source,
        },
    )
    settings = validate(PmoSettings, options, "command line")
    shown = console(json_file)
    results, paths = _measured(run, settings, out, shown)
    shown.print(f"written to {', '.join(map(str, paths))}", markup=False)
    write_results(json_file, results)
    if results["failed"]:
        name, message = next(iter(results["failed"].items()))
        count = len(results["failed"])
        raise ResultsError(f"{count} runs failed, the first of them {name}: {message}")


@app.command()
def latent(
    features: Annotated[
        str,
        typer.Option(
            "--features",
            metavar="DIR",
            help="Output of `nucleate featurize`, with formation energies: its test crystals are "
            "starts.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="Writes PATH.json and PATH.md.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="DIR|NAME",
            help="Output of `nucleate train`, or the name of a shipped model; crystals. `none` for "
            "searchers that need none.",
        ),
    ] = None,
    objectives: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="formation_energy, density, band_gap; all if not given. May be repeated or "
            "comma-separated.",
        ),
    ] = None,
    samplers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Searchers; nucleate and its controls if not given. May be repeated likewise.",
        ),
    ] = None,
    starts: Annotated[int | None, typer.Option(min=1, help="Random test crystals; 100.")] = None,
    calls: Annotated[
        int | None, typer.Option(min=1, help="Crystals asked about from each start; 100.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Crystals asked for at once; 10.")
    ] = None,
    near: Annotated[
        int | None,
        typer.Option(min=0, help="Training crystals near the start that its searcher is given; 50"),
    ] = None,
    initial: Annotated[
        int | None,
        typer.Option(
            min=0, help="Crystals scored, the start included, before a search makes its own; 10."
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the judge's relaxations at most; 150.")
    ] = None,
    references: Annotated[
        int | None,
        typer.Option(min=10, help="Crystals that element references are regressed on; 700."),
    ] = None,
    together: Annotated[
        int | None, typer.Option(min=1, help="Starts side by side in one process; 4.")
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Energies per atom; formation_energy_per_atom."),
    ] = None,
    gap: Annotated[str | None, typer.Option(metavar="COLUMN", help="Band gaps; band_gap.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first crystals of each split.")
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Where results are kept, so that a run goes on; work/latent."
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as cores.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_file: JsonFile = None,
    searcher_source: Annotated[
        str | None, typer.Option(hidden=True, help="module:function that builds searchers.")
    ] = None,
    calculator_source: Annotated[
        str | None, typer.Option(hidden=True, help="module:function that makes the calculator.")
    ] = None,
) -> None:
    """Compare searchers over crystals: from random starts, judged after relaxation with CHGNet.

    Searches that ended are not repeated.

    Example: nucleate benchmark latent --model crystals --features work/crystals --objectives
    formation_energy --samplers nucleate,edits+screen --out results/benchmarks/latent
    """
    from nucleate.core.settings import validate
    from nucleate_benchmarks.search.latent_search import run
    from nucleate_benchmarks.search.latent_settings import LatentSearchSettings

    options = merge(
        {"features": features, "seed": seed, "device": device},
        {
            "model": model,
            "objectives": _parts(objectives),
            "samplers": _parts(samplers),
            "starts": starts,
            "calls": calls,
            "batch": batch,
            "near": near,
            "initial": initial,
            "steps": steps,
            "references": references,
            "together": together,
            "energy": energy,
            "gap": gap,
            "limit": limit,
            "work": work,
            "processes": processes,
            "searcher_source": searcher_source,
            "calculator_source": calculator_source,
        },
    )
    settings = validate(LatentSearchSettings, options, "command line")
    shown = console(json_file)
    results, paths = _measured(run, settings, out, shown)
    shown.print(f"written to {paths[0]} and {paths[1]}", markup=False)
    write_results(json_file, results)


def _measured(
    run: Callable[..., tuple[dict[str, Any], list[Path]]], settings: Any, out: Path, shown: Any
) -> tuple[dict[str, Any], list[Path]]:
    """Run a benchmark, its progress in dim letters."""
    echo = partial(shown.print, style="dim", markup=False)
    return run(settings, out, _command(), echo=echo)


def _parts(texts: list[str] | None) -> tuple[str, ...] | None:
    """Values of an option that may be repeated or comma-separated; None if it was not given."""
    if texts is None:
        return None
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _command() -> str:
    """The line as it was typed."""
    import shlex
    import sys

    return shlex.join(["nucleate", *sys.argv[1:]])
