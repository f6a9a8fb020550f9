"""Whether a crystal's record is invariant and complete: the two promises of the representation.

    python -m nucleate.benchmarks.representation --input mp20_binary_ternary -n 2000 \\
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
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate import matter as registry
from nucleate.benchmarks.figures import Figure, Section, show, surroundings, write
from nucleate.config import DatasetSettings
from nucleate.crystals.canonical import Arrays, canonical_gene, letters_as_found
from nucleate.crystals.codec import CodecOptions, WyckoffCodec
from nucleate.crystals.gene import Gene, prototype_key, structure_from_gene, to_string
from nucleate.crystals.standardise import StandardiseOptions, read_arrays
from nucleate.datasets.sources import resolve
from nucleate.errors import NucleateError, StructureError
from nucleate.matter import RawRow
from nucleate.parallel import default_processes, map_ordered

NEAR = 1e-4
"""Fractions of the cell, and of an edge or angle, within which numbers are called near."""
CHUNK = 50


@dataclass(frozen=True)
class _Task:
    rows: list[tuple[str, RawRow]]
    scrambles: int
    seed: int
    standardise: StandardiseOptions
    codec: CodecOptions


@dataclass
class Outcome:
    """What became of one row.

    Attributes:
        name: `source/row (id)`.
        refused: why it is not measured: no gene, or more than the codec holds; empty if it is.
        seconds: processor time from text to arrays.
        identical: of each scramble, whether the string came out the same.
        near: likewise, letters the same and numbers within `NEAR`.
        letters_alone: likewise, for the letters that moyopy gives before they are made canonical.
        rebuilt: whether the rebuilt crystal matches the file's.
        displacement: rms, units of (volume / atom)^(1/3); NaN without a match.
        decoded: whether the arrays decode to the string.
        failures: one line each.
    """

    name: str
    refused: str = ""
    seconds: float = float("nan")
    identical: list[bool] = field(default_factory=list)
    near: list[bool] = field(default_factory=list)
    letters_alone: list[bool] = field(default_factory=list)
    rebuilt: bool = False
    displacement: float = float("nan")
    decoded: bool = False
    failures: list[str] = field(default_factory=list)


def scrambled(arrays: Arrays, supercell: int, generator: np.random.Generator) -> Arrays:
    """The same crystal in another cell, origin, orientation and order of atoms.

    Args:
        arrays: lattice [3, 3] (rows), fractional coordinates [n, 3], atomic numbers [n].
        supercell: how many times as many atoms the new cell holds.
    """
    lattice, points, numbers = arrays
    while True:
        cell = generator.integers(-2, 3, (3, 3))
        if round(abs(float(np.linalg.det(cell)))) == supercell:
            break
    inverse = np.linalg.inv(cell)
    steps = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.unique(np.round((steps @ inverse) % 1.0, 9) % 1.0, axis=0)  # lattice points
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    rotation *= np.linalg.det(rotation)  # a mirror image may be another crystal
    moved = (points @ inverse)[:, None] + inside + generator.random(3)
    order = generator.permutation(len(numbers) * supercell)
    repeated = np.repeat(numbers, supercell)
    return cell @ lattice @ rotation, moved.reshape(-1, 3)[order], repeated[order]


def measure_chunk(task: _Task) -> list[Outcome]:
    """Outcomes of some rows."""
    codec = WyckoffCodec(task.codec, [0.0] * 6, [1.0] * 6)
    return [
        _measure(f"{source}/{row.number} ({row.id})", row, task, codec) for source, row in task.rows
    ]


def _measure(name: str, row: RawRow, task: _Task, codec: WyckoffCodec) -> Outcome:
    outcome = Outcome(name)
    started = time.process_time()
    try:
        if row.error:
            raise StructureError("unreadable", row.error)
        options = task.standardise
        arrays = read_arrays(row.payload, options.maximum_input_atoms)
        gene = canonical_gene(*arrays, options.tolerance)
        text = to_string(gene)
        record = codec.encode(text)
    except StructureError as error:
        outcome.refused = error.reason
        return outcome
    outcome.seconds = time.process_time() - started
    generator = np.random.default_rng([task.seed, row.number])
    for turn in range(task.scrambles):
        _scramble(outcome, arrays, gene, options.tolerance, 1 + turn % 2, generator)
    _rebuild(outcome, arrays, gene, options.tolerance)
    try:
        again = codec.decode(record)
    except StructureError as error:
        again = str(error)
    outcome.decoded = again == text
    if not outcome.decoded:
        outcome.failures.append(f"{name}: arrays of {text!r} decode to {again!r}")
    return outcome


def _scramble(
    outcome: Outcome,
    arrays: Arrays,
    gene: Gene,
    tolerance: float,
    supercell: int,
    generator: np.random.Generator,
) -> None:
    other = scrambled(arrays, supercell, generator)
    text = to_string(gene)
    try:
        found = canonical_gene(*other, tolerance)
        letters = letters_as_found(*other, tolerance) == letters_as_found(*arrays, tolerance)
        same, close, shown = to_string(found) == text, near(found, gene), to_string(found)
    except StructureError as error:
        same, close, letters, shown = False, False, False, str(error)
    outcome.identical.append(same)
    outcome.near.append(close)
    outcome.letters_alone.append(letters)
    if not same:
        outcome.failures.append(f"{outcome.name}: {text!r} became {shown!r}")


def near(first: Gene, second: Gene) -> bool:
    """Whether two genes have the same letters and elements, and numbers within `NEAR`."""
    if prototype_key(first) != prototype_key(second):
        return False
    if not np.allclose(first.lattice, second.lattice, rtol=NEAR, atol=0):
        return False
    pairs = zip(first.sites, second.sites, strict=True)
    steps = [
        a - b for one, two in pairs for a, b in zip(one.parameters, two.parameters, strict=True)
    ]
    return all(abs(step - round(step)) <= NEAR for step in steps)


def _rebuild(outcome: Outcome, arrays: Arrays, gene: Gene, tolerance: float) -> None:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Lattice, Structure

    lattice, points, numbers = arrays
    rebuilt = structure_from_gene(gene)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = Structure(Lattice(lattice), numbers.tolist(), points)
        if len(original) != len(rebuilt):
            original = original.get_primitive_structure(tolerance)
        matcher = StructureMatcher(primitive_cell=False)
        found = matcher.get_rms_dist(original.get_reduced_structure(), rebuilt)
    outcome.rebuilt = found is not None
    if found is None:
        sizes = f"{len(original)} and {len(rebuilt)} atoms"
        outcome.failures.append(f"{outcome.name}: {to_string(gene)!r} rebuilds another ({sizes})")
    else:
        outcome.displacement = float(found[0])


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
    rows = [(f.name, row) for f in files for row in matter.read_rows(f.path, f.settings)]
    if count is not None and count < len(rows):
        chosen = np.random.default_rng(seed).choice(len(rows), count, replace=False)
        rows = [rows[i] for i in sorted(chosen.tolist())]
    standardise, codec = standardise or StandardiseOptions(), codec or CodecOptions()
    tasks: Iterator[_Task] = (
        _Task(rows[start : start + CHUNK], scrambles, seed, standardise, codec)
        for start in range(0, len(rows), CHUNK)
    )
    found = map_ordered(measure_chunk, tasks, processes=processes)
    return [outcome for chunk in found for outcome in chunk]


def section(outcomes: Sequence[Outcome]) -> Section:
    """The figures, shares in percent."""
    measured = [o for o in outcomes if not o.refused]
    scrambles = [len(o.identical) for o in measured]
    total, control = sum(scrambles), "moyopy's letters alone"
    displacements = np.array([o.displacement for o in measured if o.rebuilt])

    def share(values: list[bool]) -> float:
        return 100 * float(np.mean(values)) if values else float("nan")

    def flat(name: str) -> list[bool]:
        return [value for o in measured for value in getattr(o, name)]

    return Section(
        "Representation",
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
    parser.add_argument("--input", required=True, help="catalogue name or file")
    parser.add_argument("-n", type=int, default=None, help="crystals; all if not given")
    parser.add_argument("--mirror", default=None, help="folder that holds dataset files")
    parser.add_argument("--scrambles", type=int, default=4, help="other descriptions of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--maximum-atoms", type=int, default=52)
    parser.add_argument("--maximum-sites", type=int, default=52)
    parser.add_argument("--processes", type=int, default=default_processes())
    parser.add_argument("--out", type=Path, default=None, help="writes OUT.json and OUT.md")
    given = parser.parse_args(arguments)
    try:
        outcomes = measure(
            given.input,
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
    failures = [line for outcome in outcomes for line in outcome.failures]
    figures = section(outcomes)
    console = Console(soft_wrap=True, highlight=False)
    for line in failures:
        console.print(line, markup=False)
    show(console, figures)
    if given.out is not None:
        words = " ".join(arguments if arguments is not None else sys.argv[1:])
        head = {
            **surroundings(f"python -m nucleate.benchmarks.representation {_without(words)}"),
            "set": given.input,
            "seed": given.seed,
        }
        details: dict[str, Any] = {
            "failures": failures,
            "refused": {o.name: o.refused for o in outcomes if o.refused},
        }
        write(given.out, "The representation of crystals", head, [figures], details)
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
