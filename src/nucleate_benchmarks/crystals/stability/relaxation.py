"""Throughput and exactness of the batched CHGNet relaxation against CHGNet's own optimiser.

    python -m nucleate_benchmarks.crystals.stability.relaxation FEATURES \\
        --out results/benchmarks/screening/relaxation

Both relax the same crystals of the test split, atoms and cell, without symmetry, on one thread, to
the same threshold, chunk by chunk in turn, so that a noisy machine hurts both. Then some of them
are relaxed to a tight threshold, and the energies compared. `StructOptimizer` runs with its
defaults (FIRE, FrechetCellFilter) on a model of its own. What is done is kept, so that a killed run
goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from nucleate.core.quiet import silenced
from nucleate.crystals.energy.energy_model import energy_model
from nucleate.crystals.energy.relaxation import relax_structures
from nucleate.crystals.wyckoff.matching import displacement
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff
from nucleate_benchmarks.common.figures import Figure, Section, surroundings, write

SAME = 0.002
"""eV/atom within which two relaxations count as equally low (issue 6)."""
CHUNK = 20
"""Crystals that each optimiser relaxes before it is the other's turn."""
Row = dict[str, Any]


def chosen_crystals(features: Path, count: int, seed: int) -> list[str]:
    """Random crystals of the test split that CHGNet accepts."""
    table = pq.read_table(features / "records.parquet", columns=["structure", "split"]).to_pylist()
    crystals = [row["structure"] for row in table if row["split"] == "test"]
    order = np.random.default_rng(seed).permutation(len(crystals)).tolist()
    refuse = energy_model().refuse
    accepted = (c for i in order if not refuse(structure_from_wyckoff(c := crystals[i])))
    return [crystal for crystal, _ in zip(accepted, range(count), strict=False)]


def ours(structures: Sequence[Any], fmax: float, steps: int, keep_symmetry: bool) -> list[Row]:
    """The lockstep relaxation."""
    found = relax_structures(
        structures, fmax=fmax, maximum_steps=steps, keep_symmetry=keep_symmetry
    )
    return [
        {
            "energy": one.energy if np.isfinite(one.energy) else None,
            "steps": one.steps,
            "converged": one.converged,
            "final": None if one.structure is None else one.structure.as_dict(),
        }
        for one in found
    ]


def theirs(structures: Sequence[Any], fmax: float, steps: int, optimiser: Any) -> list[Row]:
    """CHGNet's `StructOptimizer`, one crystal after the other."""
    rows: list[Row] = []
    for structure in structures:
        with silenced():
            found = optimiser.relax(structure.copy(), fmax=fmax, steps=steps, verbose=False)
        track = found["trajectory"]
        taken = len(track.energies) - 2  # the observer sees the start and the end twice
        rows.append(
            {
                "energy": float(track.energies[-1]) / len(structure),
                "steps": taken,
                "converged": taken < steps,
                "final": found["final_structure"].as_dict(),
            }
        )
    return rows


class Kept:
    """Rows by name and chunk in a file of JSON lines."""

    def __init__(self, file: Path):
        self.file = file
        self.rows: dict[str, Any] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                try:
                    key, value = json.loads(line)
                except ValueError:
                    continue  # cut by a kill
                self.rows[key] = value

    def get(self, key: str, compute: Callable[[], list[Row]]) -> dict[str, Any]:
        """`rows` and CPU and wall `seconds` of a chunk, computed once."""
        if key not in self.rows:
            wall, cpu = time.perf_counter(), time.process_time()
            rows = compute()
            value = {
                "rows": rows,
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
            }
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([key, value]) + "\n")
            self.rows[key] = value
            print(f"{key}: {value['wall']:.1f} s wall, {value['cpu']:.1f} s cpu", flush=True)
        found: dict[str, Any] = self.rows[key]
        return found


def race(
    crystals: Sequence[str], fmax: float, steps: int, kept: Kept, optimiser: Any, name: str
) -> dict[str, list[dict[str, Any]]]:
    """Both optimisers on chunks in turn; who begins changes from chunk to chunk."""
    out: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": [], "symmetric": []}
    for number, start in enumerate(range(0, len(crystals), CHUNK)):
        part = [structure_from_wyckoff(c) for c in crystals[start : start + CHUNK]]

        def compute(who: str, part: list[Any] = part) -> list[Row]:
            if who == "theirs":
                return theirs(part, fmax, steps, optimiser)
            return ours(part, fmax, steps, who == "symmetric")

        order = ("ours", "theirs") if number % 2 == 0 else ("theirs", "ours")
        for who in (*order, *(("symmetric",) if name == "race" else ())):
            key = f"{name} {who} {fmax:g} {steps} {start} {len(part)}"
            out[who].append(kept.get(key, lambda who=who: compute(who)))  # type: ignore[misc]
    return out


def rows_of(chunks: Sequence[dict[str, Any]]) -> list[Row]:
    """All rows, in order."""
    return [row for chunk in chunks for row in chunk["rows"]]


def throughput(found: dict[str, list[dict[str, Any]]], n: int) -> Section:
    """Seconds of both, and their ratio."""
    wall = {who: sum(c["wall"] for c in chunks) for who, chunks in found.items()}
    cpu = {who: sum(c["cpu"] for c in chunks) for who, chunks in found.items()}
    rows = {who: rows_of(chunks) for who, chunks in found.items()}
    ratios = [t["wall"] / o["wall"] for t, o in zip(found["theirs"], found["ours"], strict=True)]
    spread = float(np.std(ratios, ddof=1) / np.sqrt(len(ratios))) if len(ratios) > 1 else None

    def figure(name: str, value: float, note: str = "", error: float | None = None) -> Figure:
        return Figure(name, value, n, note=note, error=error)

    shown = {
        "ours": "lockstep",
        "symmetric": "lockstep, symmetry kept",
        "theirs": "StructOptimizer",
    }
    figures = [
        figure("times its throughput (asked: 3)", wall["theirs"] / wall["ours"], "wall", spread),
        figure("times its throughput by CPU time", cpu["theirs"] / cpu["ours"]),
        figure(
            "times its throughput, symmetry kept",
            wall["theirs"] / wall["symmetric"],
            "as the screening does by default; StructOptimizer cannot",
        ),
    ]
    for who, words in shown.items():
        figures += [
            figure(f"{words}: crystals/s", n / wall[who]),
            figure(f"{words}: mean steps", float(np.mean([r["steps"] for r in rows[who]]))),
            figure(f"{words}: converged", float(np.mean([r["converged"] for r in rows[who]]))),
        ]
    return Section("Throughput", figures, "One thread each, in turn, chunk by chunk.")


def exactness(found: dict[str, list[dict[str, Any]]]) -> tuple[Section, list[dict[str, Any]]]:
    """Energies of both where both converged, and whether they found the same structure."""
    from pymatgen.core import Structure

    details: list[dict[str, Any]] = []
    for place, (a, b) in enumerate(
        zip(rows_of(found["ours"]), rows_of(found["theirs"]), strict=True)
    ):
        if not (a["converged"] and b["converged"]):
            details.append({"place": place, "both": False})
            continue
        rms = displacement(Structure.from_dict(a["final"]), Structure.from_dict(b["final"]))
        details.append(
            {"place": place, "both": True, "difference": a["energy"] - b["energy"], "rms": rms}
        )
    both = [row for row in details if row["both"]]
    n = len(details)
    differences = np.array([row["difference"] for row in both])
    within = np.abs(differences) <= SAME
    apart = [row for row, near in zip(both, within, strict=True) if not near]
    figures = [
        Figure("both converged", len(both) / n, n),
        Figure("within 2 meV/atom", float(within.mean()), len(both), note="where both converged"),
        Figure("largest difference, eV/atom", float(np.abs(differences).max()), len(both)),
        Figure("median difference, eV/atom", float(np.median(np.abs(differences))), len(both)),
        Figure("further apart, ours lower", sum(r["difference"] < 0 for r in apart), len(both)),
        Figure("further apart, ours higher", sum(r["difference"] > 0 for r in apart), len(both)),
        Figure(
            "further apart, other structure",
            sum(r["rms"] is None for r in apart),
            len(both),
            note="StructureMatcher's defaults do not match both results: another minimum",
        ),
    ]
    note = "Relaxed to the tight threshold, symmetry not kept in either."
    return Section("Exactness", figures, note), details


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("features", type=Path, help="folder of a featurized set")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--exact", type=int, default=100, help="crystals of the energy comparison")
    parser.add_argument("--force", type=float, default=0.1)
    parser.add_argument("--tight", type=float, default=0.02)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept", type=Path, default=Path("work/relaxation.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/screening/relaxation"))
    given = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    with silenced():
        from chgnet.model.dynamics import StructOptimizer
        from chgnet.model.model import CHGNet

        own = CHGNet.load(use_device="cpu", verbose=False)
        optimiser = StructOptimizer(model=own, use_device="cpu")
    crystals = chosen_crystals(given.features, given.count, given.seed)
    # Both warm up, so that neither pays for imports.
    first = [structure_from_wyckoff(crystals[0])]
    ours(first, 0.5, 2, True)
    theirs(first, 0.5, 2, optimiser)
    kept = Kept(given.kept)
    fast = race(crystals, given.force, given.steps, kept, optimiser, "race")
    tight = race(crystals[: given.exact], given.tight, given.steps, kept, optimiser, "exact")
    sections = [throughput(fast, len(crystals))]
    second, details = exactness(tight)
    sections.append(second)
    command = " ".join(
        [
            "python -m nucleate_benchmarks.crystals.stability.relaxation",
            *(arguments or sys.argv[1:]),
        ]
    )
    head = surroundings(command) | {
        "data": f"{len(crystals)} random crystals of the test split of {given.features.name}",
        "seed": given.seed,
        "thresholds": f"{given.force:g} eV/A, exactness {given.tight:g} eV/A, both within "
        f"{given.steps} steps",
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for path in write(given.out, "Batched CHGNet relaxation", head, sections, details):
        print(path)


if __name__ == "__main__":
    main()
