"""The elements: symbols, descriptors and volumes, readable with numpy only.

The numbers lie in `elements.npz`, made by `nucleate_data.crystal_tables`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE_PATH = Path(__file__).with_name("elements.npz")

_NAMES = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb "
    "Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm "
    "Bk Cf Es Fm Md No Lr"
)
SYMBOLS: tuple[str, ...] = tuple(_NAMES.split())
"""By atomic number, hydrogen first."""

NUMBERS: dict[str, int] = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
"""Atomic number by symbol."""

# The rule of which elements a crystal may hold. Any of hydrogen to plutonium, except those without
# energies, always, and the noble gases, unless the codec's option `noble_gases` accepts them. A row
# with another element is standardised, and rejected when it is encoded, with `refusal` as detail.
LARGEST = 94
"""Highest atomic number that crystals are made of (plutonium: the end of CHGNet's elements)."""
NOBLE_GASES = frozenset({"He", "Ne", "Ar", "Kr", "Xe"})
"""They bond in a handful of crystals (0.2 % of Materials Project's, nearly all of them xenon
fluorides and oxides), and a model that may use them fills voids with them."""
WITHOUT_ENERGIES = frozenset({"Po", "At", "Rn", "Fr", "Ra"})
"""Radioactive elements that neither reference data nor CHGNet cover."""


def supported(noble_gases: bool = False) -> tuple[int, ...]:
    """Atomic numbers that the codec accepts."""
    refused = WITHOUT_ENERGIES if noble_gases else WITHOUT_ENERGIES | NOBLE_GASES
    return tuple(z for z in range(1, LARGEST + 1) if SYMBOLS[z - 1] not in refused)


def refusal(number: int, noble_gases: bool = False) -> str:
    """Why an element is refused, in words that name it; empty if it is not.

    Args:
        number: atomic number, 1..103.
        noble_gases: the codec's option.
    """
    symbol = SYMBOLS[number - 1]
    if number > LARGEST:
        return f"{symbol}: no data beyond {SYMBOLS[LARGEST - 1]}"
    if symbol in WITHOUT_ENERGIES:
        return f"{symbol}: no data for this element"
    if symbol in NOBLE_GASES and not noble_gases:
        return f"{symbol}: a noble gas, which the codec's option `noble_gases` would accept"
    return ""


@cache
def _table() -> dict[str, NDArray[np.float32]]:
    with np.load(TABLE_PATH, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def features() -> NDArray[np.float32]:
    """Descriptors of elements 1..94, one row each, of order one (see `tables.element_table`)."""
    return _table()["features"]


def volumes() -> NDArray[np.float32]:
    """Typical volume of an atom of elements 1..94 in crystals, cubic angstrom."""
    return _table()["volumes"]


def radii() -> NDArray[np.float32]:
    """Covalent radii of elements 1..94, angstrom (Cordero et al. 2008)."""
    return _table()["radii"]
