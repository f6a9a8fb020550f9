"""Makes the tables in this package, once.

`wyckoff.npz`, the Wyckoff positions of the 230 space groups. Source: *International Tables for
Crystallography A* in the standard setting (unique axis b, cell choice 1; hexagonal axes; origin
choice 2), as tabulated in PyXtal's `wyckoff_list.csv` (facts only; not needed at run time):

    pip download --no-deps pyxtal==1.1.5 && unzip pyxtal-1.1.5-py3-none-any.whl
    python -m nucleate_data.crystal_tables wyckoff pyxtal/database/wyckoff_list.csv

`elements.npz`, descriptors and covalent radii of the elements (pymatgen's and ASE's data) and the
volume of an atom of each, fitted to the cells of Materials Project crystals (CC BY 4.0):

    python -m nucleate_data.crystal_tables elements mp20_binary_ternary/val.csv.gz \\
        mpts52/test.csv.gz

`normalisers.npz`, the Euclidean normalisers of the space groups, as moyopy finds them:

    python -m nucleate_data.crystal_tables normalisers
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals import elements
from nucleate.crystals.geometry import distances
from nucleate.crystals.wyckoff import normaliser, symmetry
from nucleate.crystals.wyckoff.normaliser import modulo_group, pack_operations
from nucleate.crystals.wyckoff.symmetry import CENTRINGS, space_group
from nucleate.crystals.wyckoff.wyckoff_string import Site, WyckoffStructure, expand

DENOMINATOR = 24
TERM = re.compile(r"([+-]?)(\d+(?:/\d+)?)?\*?([xyz])?")


def parse_operation(text: str) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """`-x+1/2, y, 2x` -> linear part int8 [3, 3] and translation in 24ths, int8 [3]."""
    linear, shift = np.zeros((3, 3), np.int8), np.zeros(3, np.int8)
    for row, expression in enumerate(text.replace(" ", "").split(",")):
        for sign, number, variable in TERM.findall(expression):
            if not number and not variable:
                continue
            value = Fraction(number or "1") * (-1 if sign == "-" else 1)
            if variable:
                linear[row, "xyz".index(variable)] += int(value)
            else:
                shift[row] = int(value * DENOMINATOR) % DENOMINATOR
    return linear, shift


def centring_of(linear: NDArray[np.int8], shift: NDArray[np.int8]) -> str:
    """The centring letter told by the pure translations of the general position."""
    pure = {tuple(s) for m, s in zip(linear, shift, strict=True) if (m == np.eye(3)).all()}
    for letter, points in CENTRINGS.items():
        if pure == {tuple(round(v * DENOMINATOR) for v in p) for p in points}:
            return letter
    raise ValueError(f"no centring has the translations {sorted(pure)}")


def primitive_first(
    linear: NDArray[np.int8], shift: NDArray[np.int8], centring: str
) -> NDArray[np.int64]:
    """Order in which the first multiplicity / (centring order) operations are one primitive cell.

    Two operations of a position are copies of each other under centring if their linear parts
    agree and their translations differ by a centring vector.
    """
    points = [[round(v * DENOMINATOR) for v in p] for p in CENTRINGS[centring]]
    seen: set[tuple[int, ...]] = set()
    first: list[int] = []
    rest: list[int] = []
    for index, (m, s) in enumerate(zip(linear, shift, strict=True)):
        images = [(*m.ravel().tolist(), *((s + p) % DENOMINATOR).tolist()) for p in points]
        (rest if images[0] in seen else first).append(index)
        seen.update(images)
    if len(first) * len(points) != len(linear):
        raise ValueError("operations do not divide by the centring")
    return np.array(first + rest)


def build(source: Path, target: Path) -> None:
    """Parse the table and write the arrays that `symmetry` reads."""
    import moyopy

    linear, shift, multiplicity, group, centring, symbol, system = [], [], [], [], [], [], []
    with source.open(newline="") as file:
        for number, text in csv.reader(file):
            if not number or number == "0":
                continue
            positions = ast.literal_eval(text)
            parsed = [[parse_operation(op) for op in position] for position in positions]
            arrays = [tuple(np.stack(part) for part in zip(*p, strict=True)) for p in parsed]
            letter = centring_of(*arrays[0])
            for m, s in reversed(arrays):  # 'a' first
                order = primitive_first(m, s, letter)
                linear.append(m[order])
                shift.append(s[order])
                multiplicity.append(len(m))
                group.append(int(number))
            kind = moyopy.SpaceGroupType(int(number))
            centring.append(letter)
            symbol.append(kind.hm_short.replace(" ", ""))
            system.append(str(kind.crystal_system).lower())
    np.savez_compressed(
        target,
        linear=np.concatenate(linear),
        shift=np.concatenate(shift),
        multiplicity=np.array(multiplicity, np.int16),
        group=np.array(group, np.int16),
        centring=np.array(centring),
        symbol=np.array(symbol),
        system=np.array(system),
    )


def element_table() -> NDArray[np.float32]:
    """One row per element 1..94: row, group and block as indicators, then scaled numbers.

    The numbers: electronegativity (Pauling), covalent radius, first ionisation energy, electron
    affinity, Mendeleev number, electrons in the valence s, p, d and f shells, highest and lowest
    oxidation state. Missing ones are 0 after scaling.
    """
    import warnings

    from ase.data import covalent_radii
    from pymatgen.core import Element

    flags, numbers = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for z in range(1, elements.LARGEST + 1):
            element = Element.from_Z(z)
            one_hot = np.zeros(7 + 18 + 4, np.float32)
            one_hot[element.row - 1] = 1
            one_hot[7 + element.group - 1] = 1
            one_hot[7 + 18 + "spdf".index(element.block)] = 1
            flags.append(one_hot)
            shells = dict.fromkeys("spdf", 0)
            for _, shell, count in element.full_electronic_structure[-4:]:
                shells[shell] = count
            energies = element.ionization_energies
            states = element.oxidation_states or (0,)
            numbers.append(
                [
                    element.X,
                    covalent_radii[z],
                    energies[0] if energies else np.nan,
                    element.electron_affinity,
                    element.mendeleev_no,
                    *shells.values(),
                    max(states),
                    min(states),
                ]
            )
    values = np.array([[np.nan if v is None else v for v in row] for row in numbers], np.float64)
    values = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    return np.concatenate([np.array(flags), np.nan_to_num(values)], axis=1).astype(np.float32)


def atomic_volumes(sources: list[Path], shrink: float = 5.0) -> NDArray[np.float32]:
    """Volumes v that best satisfy volume per atom = sum of fractions times v, shrunk to the mean.

    Args:
        shrink: weight of the mean volume, in crystals of the pure element.
    """
    import pandas as pd
    from pymatgen.core import Structure

    fractions, per_atom = [], []
    for source in sources:
        for text in pd.read_csv(source)["cif"]:
            crystal = Structure.from_str(text, fmt="cif")
            row = np.zeros(elements.LARGEST)
            for element, amount in crystal.composition.fractional_composition.items():
                row[element.Z - 1] = amount
            fractions.append(row)
            per_atom.append(crystal.volume / len(crystal))
    x, y = np.array(fractions), np.array(per_atom)
    # Least absolute deviations by reweighting: open frameworks must not set an element's size.
    weight, mean = np.ones(len(y)), float(np.median(y))
    for _ in range(20):
        left = (x * weight[:, None]).T @ x + shrink * np.eye(x.shape[1])
        solved = np.linalg.solve(left, (x * weight[:, None]).T @ (y - x.sum(1) * mean)) + mean
        weight = 1 / np.maximum(np.abs(y - x @ solved), 0.5)
    return np.maximum(solved, 3.0).astype(np.float32)


def build_normalisers(target: Path) -> None:
    """Take the normalisers from moyopy and write the table.

    A crystal with two general positions has no more symmetry than its group, and all of the
    normaliser keeps its Wyckoff letters.

    Raises:
        ValueError: moyopy finds another group, or a shift that is not a 24th.
    """
    import moyopy

    group_numbers, linear, shift = [], [], []
    for number in range(16, 231):
        group = space_group(number)
        edge = (20.0 * group.general.multiplicity / 1.46) ** (1 / 3)
        edges = {0: edge, 1: 1.13 * edge, 2: 1.29 * edge}
        lattice = group.complete_lattice(tuple(edges[i] for i in group.free_lattice))
        letter = group.general.letter
        sites = (
            Site(letter, "C", (0.1371, 0.2293, 0.3119)),
            Site(letter, "O", (0.0571, 0.1193, 0.4219)),
        )
        basis, coordinates, numbers = expand(WyckoffStructure(number, sites, lattice))
        cell = moyopy.Cell(basis.tolist(), coordinates.tolist(), numbers.tolist())
        found = moyopy.MoyoDataset(cell, symprec=0.01, setting=moyopy.Setting.standard())
        operations = pack_operations(list(found.normalizer_wyckoff_positions().stabilizer))
        operations[:, group.polar, 3] = 0.0  # the origin is put on a site instead
        linears, shifts = modulo_group(number, operations.tobytes())
        scaled = np.rint(shifts * DENOMINATOR)
        if found.number != number or not np.allclose(scaled, shifts * DENOMINATOR, atol=1e-6):
            raise ValueError(f"no normaliser for group {number}")
        group_numbers.extend([number] * len(linears))
        linear.append(np.rint(linears))
        shift.append(scaled % DENOMINATOR)
    np.savez_compressed(
        target,
        group=np.array(group_numbers, np.int16),
        linear=np.concatenate(linear).astype(np.int8),
        shift=np.concatenate(shift).astype(np.int8),
    )


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[2:]]
    if sys.argv[1:2] == ["wyckoff"] and len(files) == 1:
        build(files[0], symmetry.TABLE_PATH)
    elif sys.argv[1:] == ["normalisers"]:
        build_normalisers(normaliser.TABLE_PATH)
    elif sys.argv[1:2] == ["elements"] and files:
        volumes = atomic_volumes(files)
        radii = distances.covalent_radii()[1 : elements.LARGEST + 1].astype(np.float32)
        np.savez_compressed(
            elements.TABLE_PATH, features=element_table(), volumes=volumes, radii=radii
        )
    else:
        sys.exit(__doc__)
