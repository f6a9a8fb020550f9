"""Makes `wyckoff.npz`, the Wyckoff positions of the 230 space groups, once.

Source: *International Tables for Crystallography A* in the standard setting (unique axis b, cell
choice 1; hexagonal axes; origin choice 2), as tabulated in PyXtal's `wyckoff_list.csv` (facts only;
PyXtal is not needed at run time). The command:

    pip download --no-deps pyxtal==1.1.5 && unzip pyxtal-1.1.5-py3-none-any.whl
    python -m nucleate.crystals.tables pyxtal/database/wyckoff_list.csv
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

from nucleate.crystals.symmetry import CENTRINGS, TABLE_PATH

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


if __name__ == "__main__":
    build(Path(sys.argv[1]), TABLE_PATH)
