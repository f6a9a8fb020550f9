"""How a molecule model is best drawn from: prior, noise and temperature, on validation molecules.

    python -m nucleate_benchmarks.molecules.draws --model DIR --features DIR --out FILE

The shipped model's sampling settings are chosen here, never on the test set.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucleate.core.files import write_json, write_text
from nucleate.core.manifest import load_manifest
from nucleate.core.parallel import default_processes
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import DrawSettings
from nucleate.stages.train import read_splits, structures_at
from nucleate.vae.prior import StandardNormal
from nucleate_benchmarks.common.drawing import draw
from nucleate_benchmarks.common.figures import surroundings
from nucleate_benchmarks.molecules import moses
from nucleate_benchmarks.molecules.table import generation_figures

COLUMNS = (
    "valid",
    "unique@10k",
    "novel",
    "internal diversity",
    "FCD to test",
    "mean SA",
    "W1 QED",
    "W1 logP",
)


def markdown(rows: Sequence[dict[str, float | str]]) -> str:
    """The table."""
    head = ["prior", "noise", "temperature", *COLUMNS]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [v if isinstance(v, str) else f"{v:.3g}" for v in (row[name] for name in head)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines).replace("FCD to test", "FCD to validation") + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True, help="What it was trained on.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--reference", type=int, default=5000, help="Validation molecules.")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.15, 0.3, 0.5, 0.7, 1.0])
    parser.add_argument("--temperature", type=float, nargs="+", default=[0.0, 1.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="JSON; Markdown beside it.")
    given = parser.parse_args()
    manifest = load_manifest(given.features, "featurize")
    splits = read_splits(manifest)
    order = np.random.default_rng(given.seed).permutation(len(splits["validation"]))
    held = structures_at(manifest, splits["validation"][order[: given.reference]])
    train = set(structures_at(manifest, splits["train"]))
    processes = default_processes()
    reference = moses.profile(held, processes)
    model = LatentModel.load(given.model)
    rows: list[dict[str, float | str]] = []
    fitted = model.prior
    for prior in (fitted, StandardNormal(model.size, fitted.settings)):
        model.prior = prior
        for noise in given.noise:
            for temperature in given.temperature:
                how = DrawSettings(temperature=temperature, noise=noise)
                samples = draw(model, how, given.count, given.seed)
                found = generation_figures(samples, reference, train, processes)
                rows.append(
                    {"prior": prior.kind, "noise": noise, "temperature": temperature, **found}
                )
                print(markdown(rows[-1:]).splitlines()[-1], flush=True)
                about = {
                    **surroundings(
                        " ".join(["python -m nucleate_benchmarks.molecules.draws", *sys.argv[1:]])
                    ),
                    "count": given.count,
                }
                write_json(given.out, {"about": about, "rows": rows})
                write_text(given.out.with_suffix(".md"), markdown(rows))


if __name__ == "__main__":
    main()
