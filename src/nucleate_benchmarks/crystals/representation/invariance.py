"""What `representation` measures of one crystal: its record in other descriptions, and its rebuilt
self."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.io.standardise import StandardiseOptions, read_arrays
from nucleate.crystals.wyckoff.canonical import (
    LOOSER,
    Array,
    Arrays,
    canonical_wyckoff,
    symmetry_dataset,
)
from nucleate.crystals.wyckoff.wyckoff_string import (
    WyckoffStructure,
    prototype_key,
    structure_from_wyckoff,
    to_string,
)
from nucleate.matter.reader import RawRow

NEAR = 1e-4
"""Fractions of the cell, and of an edge or angle, within which numbers are called near."""


@dataclass(frozen=True)
class Task:
    """Some rows and how to measure them.

    Attributes:
        rows: with the name of their source.
        scrambles: other descriptions of each crystal.
        seed: of these descriptions.
    """

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


def measure_chunk(task: Task) -> list[Outcome]:
    """Outcomes of some rows."""
    codec = WyckoffCodec(task.codec, [0.0] * 6, [1.0] * 6)
    return [
        _measure(f"{source}/{row.number} ({row.id})", row, task, codec) for source, row in task.rows
    ]


def _measure(name: str, row: RawRow, task: Task, codec: WyckoffCodec) -> Outcome:
    outcome = Outcome(name)
    started = time.process_time()
    try:
        if row.error:
            raise StructureError("unreadable", row.error)
        options = task.standardise
        arrays = read_arrays(row.payload, options.maximum_input_atoms)
        gene = canonical_wyckoff(*arrays, options.tolerance)
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
    gene: WyckoffStructure,
    tolerance: float,
    supercell: int,
    generator: np.random.Generator,
) -> None:
    other = scrambled(arrays, supercell, generator)
    text = to_string(gene)
    try:
        found = canonical_wyckoff(*other, tolerance)
        letters = letters_as_found(*other, tolerance) == letters_as_found(*arrays, tolerance)
        same, close, shown = to_string(found) == text, near(found, gene), to_string(found)
    except StructureError as error:
        same, close, letters, shown = False, False, False, str(error)
    outcome.identical.append(same)
    outcome.near.append(close)
    outcome.letters_alone.append(letters)
    if not same:
        outcome.failures.append(f"{outcome.name}: {text!r} became {shown!r}")


def letters_as_found(
    lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float
) -> list[tuple[str, int]]:
    """Wyckoff letter and atomic number of each inequivalent site as the symmetry search happens to
    give them, sorted: what becomes canonical only by all that is done here.

    Raises:
        StructureError: `symmetry_failed`.
    """
    dataset = symmetry_dataset(lattice, positions, numbers, tolerance)
    first = sorted(set(dataset.orbits))
    return sorted((dataset.wyckoffs[i], int(numbers[i])) for i in first)


def primitive_as_found(
    lattice: Array, positions: Array, numbers: NDArray[np.int64], tolerance: float
) -> Arrays:
    """The primitive cell of a crystal with its atoms where they are, not made symmetric.

    Raises:
        StructureError: `symmetry_failed`.
    """
    dataset = symmetry_dataset(lattice, positions, numbers, tolerance)
    linear = np.array(dataset.prim_std_linear, np.float64)
    moved = (positions - np.array(dataset.prim_std_origin_shift)) @ np.linalg.inv(linear).T
    _, first = np.unique(np.array(dataset.mapping_std_prim), return_index=True)
    return linear.T @ lattice, moved[first], numbers[first]


def near(first: WyckoffStructure, second: WyckoffStructure) -> bool:
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


def _rebuild(outcome: Outcome, arrays: Arrays, gene: WyckoffStructure, tolerance: float) -> None:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Lattice, Structure

    rebuilt = structure_from_wyckoff(gene)
    for factor in (1.0, *LOOSER):
        lattice, points, numbers = primitive_as_found(*arrays, tolerance * factor)
        if len(numbers) == len(rebuilt):
            break
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = Structure(Lattice(lattice), numbers.tolist(), points)
        matcher = StructureMatcher(primitive_cell=False)
        found = matcher.get_rms_dist(original, rebuilt)
    outcome.rebuilt = found is not None
    if found is None:
        sizes = f"{len(original)} and {len(rebuilt)} atoms"
        outcome.failures.append(f"{outcome.name}: {to_string(gene)!r} rebuilds another ({sizes})")
    else:
        outcome.displacement = float(found[0])
