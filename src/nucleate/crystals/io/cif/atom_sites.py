"""The list of atom sites of a CIF: elements, coordinates, occupancies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.io.cif.block import Items
from nucleate.crystals.io.cif.labels import (
    NOTHING,
    WITH_HYDROGEN,
    all_readings,
    element_of,
    site_elements,
)
from nucleate.crystals.io.cif.orbits import round_thirds

ROUNDED = 1e-3
"""Share by which an occupancy without an error of its own may miss 1."""
LARGEST_ERROR = 0.05
"""An occupancy of 1 within an error larger than this is not known to be 1."""

_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?:\((\d*)\)?)?$")
_FRACTION = re.compile(r"([-+]?\d+)/([1-9]\d*)$")
_MULTIPLICITIES = ("site_symmetry_multiplicity", "symmetry_multiplicity")
_READ = (
    *("label", "type_symbol", "occupancy", "calc_flag", "attached_hydrogens"),
    *("disorder_assembly", "disorder_group", *_MULTIPLICITIES),
)


@dataclass(frozen=True)
class Sites:
    """Sites as they are listed.

    Attributes:
        labels: one for each site.
        readings: symbols of the sites, in order; several where the labels leave it open.
        told_by_formula: whether only agreement with the formula makes a reading right.
        coordinates: fractional, [n, 3].
        occupancies: 1 where they are 1 within their error.
        multiplicities: what the file says, or empty.
        notes: what was decided.
    """

    labels: list[str]
    readings: list[tuple[str, ...]]
    told_by_formula: bool
    coordinates: NDArray[np.float64]
    occupancies: list[float]
    multiplicities: list[int]
    notes: tuple[str, ...]


def number(word: str) -> tuple[float, float]:
    """A number and its standard uncertainty, 0 if none is given: `5.431(2)`, `1/3`, `0,25`.

    Raises:
        ValueError: anything else.
    """
    word = word.strip()
    if fraction := _FRACTION.match(word):
        return int(fraction[1]) / int(fraction[2]), 0.0
    if word.count(",") == 1 and "." not in word:
        word = word.replace(",", ".")
    match = _NUMBER.match(word)
    if match is None or not np.isfinite(float(match[1])):
        raise ValueError(f"{word} is no number")
    digits = len(re.split("[eE]", match[1])[0].partition(".")[2])
    return float(match[1]), int(match[2] or 0) * 10.0**-digits


def read_sites(items: Items, formula: frozenset[str]) -> Sites:
    """The sites of a block.

    Args:
        formula: elements of the file's formula; empty if it has none.

    Raises:
        StructureError: `unreadable` (no sites, a coordinate missing), `unknown_element`,
            `incomplete`, `partial_occupancy`, `disorder`, always with the site's label.
    """
    columns = {
        tag.removeprefix("_atom_site_"): words
        for tag, words in items.items()
        if tag.startswith("_atom_site_")
    }
    axes = [f"fract_{axis}" for axis in "xyz"]
    missing = [axis for axis in axes if axis not in columns]
    count = len(columns.get("fract_x", ()))
    if missing or not count:
        told = f"_atom_site_{missing[0]} is missing" if missing else "no atom sites"
        if "cartn_x" in columns:
            told += ": only Cartesian coordinates, and axes are not told"
        raise StructureError("unreadable", told)
    for tag in (*axes, *_READ):
        if len(columns.setdefault(tag, [""] * count)) != count:
            raise StructureError("unreadable", f"_atom_site_{tag} has not as many values as sites")
    columns = {tag: columns[tag] for tag in (*axes, *_READ)}
    types = columns["type_symbol"]
    labels = [
        next((word for word in words if word not in NOTHING), f"site {i}")
        for i, words in enumerate(zip(columns["label"], types, strict=True), 1)
    ]
    kept = _without_dummies(columns, labels, bool(formula))
    columns = {tag: [words[i] for i in kept] for tag, words in columns.items()}
    labels, types = [labels[i] for i in kept], [types[i] for i in kept]
    notes = ["left out dummy sites"] if len(kept) < count else []
    if any("," in word for axis in axes for word in columns[axis]):
        notes.append("decimal commas in coordinates")
    coordinates = np.array(
        [_coordinates(columns, axes, i, label) for i, label in enumerate(labels)]
    )
    round_thirds(coordinates)
    occupancies = list(_occupancies(columns["occupancy"], labels, notes))
    _refuse_alternatives(columns, labels)
    options = [site_elements(*named, formula, notes) for named in zip(types, labels, strict=True)]
    readings, open_labels = all_readings(options, labels)
    if open_labels and not formula:
        raise StructureError("unknown_element", f"site {open_labels[0]} names no element for sure")
    _refuse_lacking_hydrogen(columns, labels, readings[0], formula)
    multiplicities = _multiplicities(columns)
    return Sites(
        *(labels, readings, bool(open_labels), coordinates, occupancies, multiplicities),
        tuple(dict.fromkeys(notes)),
    )


def _without_dummies(columns: dict[str, list[str]], labels: list[str], formula: bool) -> list[int]:
    """Numbers of the sites that are atoms; without a formula all must be."""
    flags = columns["calc_flag"]
    dummies = [label for label, flag in zip(labels, flags, strict=True) if flag.lower() == "dum"]
    if dummies and not formula:
        raise StructureError("incomplete", f"{dummies[0]} is a dummy site without a place")
    return [i for i, flag in enumerate(flags) if flag.lower() != "dum"]


def _coordinates(columns: dict[str, list[str]], axes: list[str], i: int, label: str) -> list[float]:
    words = [columns[axis][i] for axis in axes]
    if any(word in NOTHING for word in words):
        raise StructureError("unreadable", f"{label} has no coordinates")
    try:
        return [number(word)[0] for word in words]
    except ValueError as error:
        raise StructureError("unreadable", f"coordinates of {label}: {error}") from None


def _occupancies(words: list[str], labels: list[str], notes: list[str]) -> Iterator[float]:
    """Occupancies, 1 where they are within their error of 1."""
    for word, label in zip(words, labels, strict=True):
        if word in NOTHING:
            yield 1.0  # as the dictionary has it
            continue
        try:
            share, error = number(word)
        except ValueError as error_:
            raise StructureError("unreadable", f"occupancy of {label}: {error_}") from None
        off = abs(share - 1)
        if 0 < off <= min(max(error, ROUNDED), LARGEST_ERROR) + 1e-9:
            notes.append("occupancies within their error of 1 taken as 1")
            share = 1.0
        if share > 1:
            raise StructureError("disorder", f"{label} has an occupancy of {word}, more than 1")
        if share <= 0:
            raise StructureError("partial_occupancy", f"{label} has an occupancy of {word}")
        yield share


def _refuse_alternatives(columns: dict[str, list[str]], labels: list[str]) -> None:
    """Raise where sites belong to alternative conformations."""
    assemblies, groups = columns["disorder_assembly"], columns["disorder_group"]
    seen: dict[str, str] = {}
    for assembly, group, label in zip(assemblies, groups, labels, strict=True):
        if group not in NOTHING and seen.setdefault(assembly, group) != group:
            raise StructureError("disorder", f"{label} is of another disorder group than others")


def _refuse_lacking_hydrogen(
    columns: dict[str, list[str]],
    labels: list[str],
    symbols: tuple[str, ...],
    formula: frozenset[str],
) -> None:
    """Raise where a site stands for a group whose hydrogens are not listed.

    Raises:
        StructureError: `incomplete`.
    """
    if "H" in symbols and formula:
        return
    for word, label in zip(columns["attached_hydrogens"], labels, strict=True):
        if word not in (*NOTHING, "0"):
            raise StructureError("incomplete", f"{label} has {word} hydrogens that are no sites")
    if formula or "H" in symbols:
        return
    for label, symbol in zip(labels, symbols, strict=True):
        if WITH_HYDROGEN.match(label) and element_of(label) != symbol:
            raise StructureError(
                "incomplete", f"{label} stands for a group, its hydrogens are missing"
            )


def _multiplicities(columns: dict[str, list[str]]) -> list[int]:
    """What the file says of them; nothing where one is missing, or all are a placeholder of 1."""
    for tag in _MULTIPLICITIES:
        try:
            found = [number(word)[0] for word in columns[tag]]
        except ValueError:
            continue
        if found and any(n != 1 for n in found) and all(n % 1 == 0 and n > 0 for n in found):
            return [int(n) for n in found]
    return []
