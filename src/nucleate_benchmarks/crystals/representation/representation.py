"""Whether a crystal's record is invariant and complete: the two promises of the representation.

    python -m nucleate_benchmarks.crystals.representation.representation \\
        --input mp20_binary_ternary -n 2000 \\
        --out results/benchmarks/crystals/representation

*Invariance*: each crystal is described anew in other cells (half of them doubled), with another
origin, orientation, handedness of the axes and order of atoms, and must get the very same string.
*Round trip*: the crystal rebuilt from its string must match the one in the file, primitive cell
against primitive cell, and arrays made of the string must decode to it. Every failure is printed
and written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.core.parallel import default_processes, map_ordered
from nucleate.crystals.codec.wyckoff_codec import CodecOptions
from nucleate.crystals.io.standardise import StandardiseOptions
from nucleate.datasets.sources import resolve
from nucleate.matter import registry
from nucleate.settings.data import DatasetSettings
from nucleate_benchmarks.common.figures import Figure, Section, show, surroundings, write
from nucleate_benchmarks.crystals.representation.invariance import (
    NEAR,
    Outcome,
    Task,
    measure_chunk,
)

CHUNK = 50


def measure(
    source: str,
    count: int | None,
    *,
    mirror: str | None = None,
    scrambles: int = 4,
    seed: int = 0,
    processes: int = 1,
    standardise: StandardiseOptions | None = None,
    codec: CodecOptions | None = None,
) -> list[Outcome]:
    """Measure crystals of a set, drawn at random.

    Args:
        source: catalogue name or file.
        count: how many; all if None.

    Raises:
        NucleateError: the set is unknown or cannot be read.
    """
    matter = registry.get("crystals")
    files = resolve(DatasetSettings(source=source), "crystals", mirror)
    rows = [(f.name, row) for f in files for row in matter.reader.read_rows(f.path, f.settings)]
    if count is not None and count < len(rows):
        chosen = np.random.default_rng(seed).choice(len(rows), count, replace=False)
        rows = [rows[i] for i in sorted(chosen.tolist())]
    standardise, codec = standardise or StandardiseOptions(), codec or CodecOptions()
    tasks: Iterator[Task] = (
        Task(rows[start : start + CHUNK], scrambles, seed, standardise, codec)
        for start in range(0, len(rows), CHUNK)
    )
    found = map_ordered(measure_chunk, tasks, processes=processes)
    return [outcome for chunk in found for outcome in chunk]


def section(title: str, outcomes: Sequence[Outcome]) -> Section:
    """The figures of a set, shares in percent."""
    measured = [o for o in outcomes if not o.refused]
    scrambles = [len(o.identical) for o in measured]
    total, control = sum(scrambles), "moyopy's letters alone"
    displacements = np.array([o.displacement for o in measured if o.rebuilt])

    def share(values: list[bool]) -> float:
        return 100 * float(np.mean(values)) if values else float("nan")

    def flat(name: str) -> list[bool]:
        return [value for o in measured for value in getattr(o, name)]

    return Section(
        title,
        [
            Figure(
                "descriptions with the identical string, %",
                share(flat("identical")),
                total,
                controls={control: share(flat("letters_alone"))},
                note="other cell (half of them doubled), origin, axes, orientation, order of atoms",
            ),
            Figure(
                "descriptions with the same letters and near numbers, %",
                share(flat("near")),
                total,
                note=f"within {NEAR:g} of the cell or of an edge or angle",
            ),
            Figure(
                "rebuilt crystals that match the file's, %",
                share([o.rebuilt for o in measured]),
                len(measured),
                note="StructureMatcher's own tolerances, primitive cells",
            ),
            _quantile("rms displacement, median", displacements, 0.5),
            _quantile("rms displacement, largest", displacements, 1.0),
            Figure(
                "arrays that decode to the identical string, %",
                share([o.decoded for o in measured]),
                len(measured),
                note="through single precision",
            ),
            Figure(
                "crystals per second of processor time",
                len(measured) / sum(o.seconds for o in measured) if measured else float("nan"),
                len(measured),
                note="one core, from CIF text to arrays",
            ),
            Figure("rows refused", float(len(outcomes) - len(measured)), len(outcomes)),
        ],
    )


def _quantile(name: str, values: NDArray[np.float64], at: float) -> Figure:
    value = float(np.quantile(values, at)) if len(values) else float("nan")
    return Figure(name, value, len(values), note="units of (volume / atom)^(1/3)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status, 1 if anything failed."""
    from rich.console import Console

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument(
        "--input", action="append", required=True, help="catalogue name or file; repeatable"
    )
    parser.add_argument("-n", type=int, default=None, help="crystals of each set; all if not given")
    parser.add_argument("--mirror", default=None, help="folder that holds dataset files")
    parser.add_argument("--scrambles", type=int, default=4, help="other descriptions of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--maximum-atoms", type=int, default=52)
    parser.add_argument("--maximum-sites", type=int, default=52)
    parser.add_argument("--processes", type=int, default=default_processes())
    parser.add_argument("--out", type=Path, default=None, help="writes OUT.json and OUT.md")
    given = parser.parse_args(arguments)
    console = Console(soft_wrap=True, highlight=False)
    sections: list[Section] = []
    failures: list[str] = []
    refused: dict[str, str] = {}
    for source in given.input:
        try:
            outcomes = measure(
                source,
                given.n,
                mirror=given.mirror,
                scrambles=given.scrambles,
                seed=given.seed,
                processes=given.processes,
                standardise=StandardiseOptions(maximum_atoms=given.maximum_atoms),
                codec=CodecOptions(
                    maximum_atoms=given.maximum_atoms,
                    maximum_sites=given.maximum_sites,
                    noble_gases=True,
                ),
            )
        except NucleateError as error:
            sys.exit(f"error: {error}")
        lines = [line for outcome in outcomes for line in outcome.failures]
        for line in lines:
            console.print(line, markup=False)
        failures += lines
        refused |= {o.name: o.refused for o in outcomes if o.refused}
        sections.append(section(source, outcomes))
        show(console, sections[-1])
    if given.out is not None:
        words = " ".join(arguments if arguments is not None else sys.argv[1:])
        module = "nucleate_benchmarks.crystals.representation.representation"
        command = f"python -m {module} {_without(words)}"
        head = {**surroundings(command), "seed": given.seed}
        details = {"failures": failures, "refused": refused}
        write(given.out, "The representation of crystals", head, sections, details)
    return 1 if failures else 0


class _Plain(argparse.RawDescriptionHelpFormatter):
    pass


def _without(words: str) -> str:
    """The arguments without the place of a mirror, which is a machine's own."""
    parts = words.split()
    kept, skip = [], False
    for part in parts:
        if skip or part.startswith("--mirror="):
            skip = False
            continue
        if part == "--mirror":
            skip = True
            continue
        kept.append(part)
    return " ".join(kept)


if __name__ == "__main__":
    sys.exit(main())
