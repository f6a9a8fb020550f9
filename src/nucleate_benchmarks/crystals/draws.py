"""How a crystal model is best drawn from: noise and temperatures, on validation crystals.

    python -m nucleate_benchmarks.crystals.draws --model DIR --features DIR --out FILE

`noise` is what the decoder takes for granted in the latent vector (0 copies what it says, towards 1
it writes what is usual), `temperature` the decoder's, `prior` that of the prior's base noise. The
draws of the prior hold that noise where they are blended. The
shipped model's sampling settings are chosen here, never on the test set.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from nucleate.core.files import write_json, write_text
from nucleate.core.parallel import default_processes
from nucleate.latent.latent_model import LatentModel
from nucleate_benchmarks.common.figures import number, surroundings
from nucleate_benchmarks.crystals import controls, generation
from nucleate_benchmarks.crystals.data import CrystalData, Region, load
from nucleate_benchmarks.crystals.draw_inside import draw_inside
from nucleate_benchmarks.crystals.stability.energies import EnergyReference, build_ruler
from nucleate_benchmarks.crystals.stability.stability import Relaxing, measure, relax_all
from nucleate_benchmarks.crystals.validity import describe_all

SHOWN = (
    "contacts >= 0.7 radii", "SMACT, smact14", "COV-R", "COV-P", "W1 density",
    "W1 number of elements", "space-group distance", "unique", "novel",
)  # fmt: skip
RELAXED = ("below 0.1 eV/atom", "e_hull median", "stable, unique and novel")
THRESHOLD = 0.08


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table."""
    head = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [row.get(name) for name in head]
        shown = [cell if isinstance(cell, str) else number(cell) for cell in cells]
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def measured(
    samples: generation.Samples,
    share: float,
    data: CrystalData,
    yardstick: generation.ReferenceStatistics,
    ruler: EnergyReference | None,
    relaxed: int,
    work: Path,
    processes: int,
) -> dict[str, float]:
    """Figures of draws that lie inside the region; `share` of all draws did."""
    found = generation.numbers(samples, yardstick)
    row = {"share inside": share, **{name: found[name] for name in SHOWN}}
    if ruler is not None:
        part = samples[:relaxed]
        present = [crystal for crystal in part if crystal is not None]
        made = iter(relax_all(present, Relaxing(), work, processes))
        rows = [None if crystal is None else next(made) for crystal in part]
        outcome = measure(part, rows, ruler, data.train.crystals, THRESHOLD, 0, processes)
        row |= {name: outcome.numbers[name] for name in RELAXED}
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--features", required=True, help="what it was trained on")
    parser.add_argument("-n", type=int, default=400, help="draws inside the region, of each kind")
    parser.add_argument("--relaxed", type=int, default=0, help="of them, to relax; 0 for none")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.3, 0.5, 0.7])
    parser.add_argument("--temperature", type=float, nargs="+", default=[0.0, 1.0])
    parser.add_argument("--prior", type=float, nargs="+", default=[1.0])
    parser.add_argument("--continuous-temperature", type=float, default=None)
    parser.add_argument("--blended", type=int, nargs="+", choices=(0, 1), default=[0, 1])
    parser.add_argument("--processes", type=int, default=default_processes())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="JSON; Markdown beside it")
    given = parser.parse_args(arguments)
    data = load(given.features)
    held, work = data.validation.crystals, given.out.with_suffix(".work")
    region = Region.of(held)
    file = work / "fingerprints.jsonl"
    yardstick = generation.ReferenceStatistics(
        describe_all(held),
        generation.fingerprints(held, file, given.processes, lambda count: None),
        data.train.crystals,
        data.cutoffs(),
        file,
        given.processes,
    )
    ruler = None
    if given.relaxed:
        kept = work / "energies.jsonl"
        ruler = build_ruler(data, 700, 0, kept, given.processes, "cpu", lambda count: None)
    model = LatentModel.load(given.model)
    usual = model.sampling()
    words = " ".join(sys.argv[1:] if arguments is None else arguments)
    about = surroundings(f"python -m nucleate_benchmarks.crystals.draws {words}")
    rows: list[dict[str, Any]] = []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        print(markdown(rows[-1:]), flush=True)
        write_json(given.out, {"about": about, "region": str(region), "rows": rows})
        write_text(given.out.with_suffix(".md"), markdown(rows))

    def figures_of(samples: generation.Samples, share: float) -> dict[str, float]:
        return measured(
            samples, share, data, yardstick, ruler, given.relaxed, work, given.processes
        )

    known = region.those_inside(data.train.crystals)
    replayed = controls.replayed(known, given.n, given.seed)
    share = len(known) / len(data.train.crystals)
    add({"noise": "training replay", **figures_of(replayed, share)})
    ways = product(given.prior, given.noise, given.temperature, given.blended)
    for prior, noise, temperature, blended in ways:
        if blended and not noise:
            continue
        changes = {"noise": noise, "temperature": temperature, "blended": bool(blended)}
        colder = given.continuous_temperature
        how = usual.model_copy(
            update={"prior_temperature": prior, "continuous_temperature": colder, **changes}
        )
        samples, share = draw_inside(model, how, region, given.n, given.seed)
        row = {**changes, "blended": float(blended), "prior": prior}
        add(row | figures_of(samples, share))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
