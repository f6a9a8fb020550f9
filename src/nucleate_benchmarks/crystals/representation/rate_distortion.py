"""What a nat of rate buys: a crystal model trained on at several values of beta and of free bits.

    python -m nucleate_benchmarks.crystals.representation.rate_distortion --features DIR \\
        --model DIR --settings TOML
        --beta 0.005 0.02 0.08 0.32 --free-bits 0 0.5 --minutes 4 --out FILE

Every point starts from the same trained model and is trained equally long at its own beta and free
bits, priors included. It is judged on validation crystals, so that what is chosen here is not
chosen on the test set. The distortion of a point is a lower bound's, not the curve's own: models
that had been trained at that beta from the beginning would do better.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.core.errors import NucleateError
from nucleate.core.files import write_json, write_text
from nucleate.core.manifest import Manifest, load_manifest
from nucleate.core.settings import read_toml, validate
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import TrainSettings
from nucleate.stages.train import train
from nucleate.vae.training.evaluation import evaluate
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.common.drawing import decode, draw
from nucleate_benchmarks.crystals import reconstruction
from nucleate_benchmarks.crystals.data import load
from nucleate_benchmarks.crystals.generation import wasserstein
from nucleate_benchmarks.crystals.validity import Described, describe_all

NOTES = {
    "rate": "nats, KL divergence of the posteriors",
    "distortion": "nats, at the posterior means",
    "active units": "latent dimensions whose means vary",
    "match": "encode mean, decode greedily; CDVAE's protocol",
    "rms": "of the matched",
    "contacts >= 0.7 radii": "of prior draws, neither drawn again nor relieved",
    "SMACT, smact14": "of prior draws",
    "valid": "of prior draws, > 0.5 A and SMACT smact14",
    "W1 number of elements": "prior draws against training crystals",
    "W1 density": "g/cm3, likewise",
}


def point(
    settings: TrainSettings,
    features: Manifest,
    folder: Path,
    crystals: Sequence[str],
    real: Sequence[Described],
    count: int,
    seed: int,
) -> dict[str, float]:
    """Train one point and measure it: the figures named in `NOTES`."""
    made = train(settings, features, folder, matter_name="crystals", seed=seed)
    model = LatentModel.load(Path(made.folder))
    arrays, kept, _ = model.arrays(crystals)
    scores = evaluate(model.model, arrays, model.device)
    truth = reconstruction.Truth.of([crystals[place] for place in kept])
    rebuilt = reconstruction.numbers(truth, decode(model, model.encode_arrays(arrays)))
    plain = model.sampling().model_copy(update={"resample": 0, "relief": False})
    drawn = describe_all(draw(model, plain, count, seed))
    return {
        "rate": scores["rate"],
        "distortion": scores["distortion"],
        "active units": float(made.metrics["active_units"]),
        "match": rebuilt["match"],
        "rms": rebuilt["rms"],
        "contacts >= 0.7 radii": float(np.mean([one.contacts for one in drawn])),
        "SMACT, smact14": float(np.mean([one.neutral for one in drawn])),
        "valid": float(np.mean([one.valid for one in drawn])),
        "W1 number of elements": wasserstein(
            [one.elements for one in drawn if one.legal], [one.elements for one in real]
        ),
        "W1 density": wasserstein(
            [one.density for one in drawn if one.legal], [one.density for one in real]
        ),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    from rich.console import Console

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", required=True, help="output of `nucleate featurize`")
    parser.add_argument("--model", required=True, help="trained model that every point starts from")
    parser.add_argument("--settings", required=True, help="how it was trained, TOML")
    parser.add_argument("--beta", type=float, nargs="+", required=True)
    parser.add_argument("--free-bits", type=float, nargs="+", default=[0.0])
    parser.add_argument("--minutes", type=float, default=4.0, help="of training at each point")
    parser.add_argument("-n", type=int, default=500, help="crystals to rebuild, and to draw")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, type=Path, help="file without suffix")
    asked = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        data = load(asked.features)
        features = load_manifest(Path(asked.features), "featurize")
        table = read_toml(Path(asked.settings))["matter"]["crystals"]["train"]
    except NucleateError as error:
        console.print(str(error), markup=False)
        return 1
    base = validate(TrainSettings, table, asked.settings)
    crystals = data.validation.crystals[: asked.n]
    real = describe_all(data.train.crystals[: asked.n])
    words = " ".join(sys.argv[1:] if arguments is None else arguments)
    head = figures.surroundings(
        f"python -m nucleate_benchmarks.crystals.representation.rate_distortion {words}"
    )
    head |= {"data": data.summary(), "n": len(crystals), "draws": asked.n, "seed": asked.seed}
    points: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (bits, beta) in enumerate(product(asked.free_bits, asked.beta)):
            name = f"beta {beta:g}, free bits {bits:g}"
            console.print(f"train {asked.minutes:g} minutes: {name}")
            changed = {
                "objective": base.objective.model_copy(update={"beta": beta, "free_bits": bits}),
                "maximum_minutes": asked.minutes,
                "processes": asked.processes,
                "start": asked.model,
                "start_epochs": base.epochs,
            }
            points[name] = point(
                base.model_copy(update=changed),
                features,
                Path(scratch) / str(number),
                crystals,
                real,
                asked.n,
                asked.seed,
            )
            write(asked.out, head, points)
            console.print({k: figures.number(v) for k, v in points[name].items()})
    return 0


def write(out: Path, head: dict[str, Any], points: dict[str, dict[str, float]]) -> None:
    """Write `OUT.json` and `OUT.md`, a row for each point."""
    write_json(out.with_suffix(".json"), {**head, "points": points, "notes": NOTES})
    lines = [
        "# Rate and distortion: crystals",
        "",
        f"    {head['command']}",
        "",
        f"{head['date']}, {head['machine']['processor']}. {head['n']} validation crystals, "
        f"{head['draws']} draws, seed {head['seed']}.",
        "",
        "| point | " + " | ".join(NOTES) + " |",
        "|" + "---|" * (1 + len(NOTES)),
    ]
    for name, found in points.items():
        cells = [figures.number(found[measure]) for measure in NOTES]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    lines += ["", *(f"- {measure}: {note}" for measure, note in NOTES.items())]
    write_text(out.with_suffix(".md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
