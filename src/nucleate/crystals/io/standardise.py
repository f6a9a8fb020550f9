"""A person's crystal (CIF, POSCAR, extxyz, Wyckoff string) -> the canonical Wyckoff string."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals.io.cif.interpreted import interpret_cif
from nucleate.crystals.io.cif.plain import plain_arrays
from nucleate.crystals.io.extxyz import read_extxyz
from nucleate.crystals.io.objects import read_json
from nucleate.crystals.io.parsed import Parsed
from nucleate.crystals.io.poscar import read_poscar
from nucleate.crystals.wyckoff.canonical import Arrays, canonical_wyckoff
from nucleate.crystals.wyckoff.wyckoff_string import (
    expand,
    prototype_key,
    to_string,
)
from nucleate.matter.reader import Standardised

MAXIMUM_TEXT = 1_000_000
"""Characters of one structure's text that are looked at; more is refused."""


class StandardiseOptions(Settings):
    """What becomes of a row."""

    tolerance: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """Of the symmetry search, angstrom."""
    maximum_atoms: Positive = 20
    """Atoms in the primitive cell; larger crystals are rejected."""
    maximum_input_atoms: Positive = 200
    """Atoms in the cell as it stands in the file, before it is reduced."""


class HoldOutOptions(Settings):
    """Which crystals may be held out; every one if nothing is given."""

    minimum_elements: Positive | None = None
    maximum_elements: Positive | None = None
    maximum_atoms: Positive | None = None
    """In the primitive cell."""

    def allows(self, composition: Mapping[str, int]) -> bool:
        """Whether a crystal of so many atoms of each element may be held out."""
        elements, atoms = len(composition), sum(composition.values())
        return (
            (self.minimum_elements is None or elements >= self.minimum_elements)
            and (self.maximum_elements is None or elements <= self.maximum_elements)
            and (self.maximum_atoms is None or atoms <= self.maximum_atoms)
        )


def standardise(payload: Any, options: StandardiseOptions) -> Standardised:
    """The canonical Wyckoff string of a row's payload and its prototype key.

    Args:
        payload: `{"cif" | "poscar" | "extxyz" | "json": text}`, or text whose kind shows.

    Raises:
        StructureError: what `wyckoff_from_structure` raises, and `unreadable`, `too_large`,
            `too_many_atoms`.
    """
    arrays, notes = parse(payload, options.maximum_input_atoms)
    gene = canonical_wyckoff(*arrays, options.tolerance)
    _refuse_more(gene.atoms, "primitive cell", options.maximum_atoms)
    text = to_string(gene)
    return Standardised(text, prototype_key(text), notes)


def _refuse_more(atoms: int, where: str, most: int) -> None:
    if atoms > most:
        raise StructureError("too_many_atoms", f"{atoms} in the {where}, at most {most}")


def read_arrays(payload: Any, maximum_atoms: int) -> Arrays:
    """Lattice (rows, angstrom), fractional coordinates and atomic numbers, see `parse`."""
    return parse(payload, maximum_atoms).arrays


def parse(payload: Any, maximum_atoms: int) -> Parsed:
    """The crystal that a payload holds, as it stands there.

    Raises:
        StructureError: what `arrays_of` raises, and `unreadable`, `too_large`, `too_many_atoms`.
    """
    kind, text = _kind_and_text(payload)
    arrays = None
    if kind == "cif":
        arrays = plain_arrays(text)
    elif kind == "wyckoff":
        arrays = expand(text)
    if arrays is not None:
        _refuse_more(len(arrays[2]), "cell", maximum_atoms)
        return Parsed(arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = interpret_cif(text, maximum_atoms) if kind == "cif" else _PARSERS[kind](text)
        except StructureError:
            raise
        except Exception as error:  # parsers of other people's files raise anything
            said = (str(error).strip().splitlines() or [""])[0][:150]
            told = f"{type(error).__name__}: {said}".removesuffix(": ")
            raise StructureError("unreadable", f"{kind}: {told}") from None
        _refuse_more(len(parsed.arrays[2]), "cell", maximum_atoms)
        return parsed


def _kind_and_text(payload: Any) -> tuple[str, str]:
    kind, text = next(iter(payload.items())) if isinstance(payload, Mapping) else ("", payload)
    if not isinstance(text, str) or not text.strip():
        raise StructureError("unreadable", "no structure")
    if len(text) > MAXIMUM_TEXT:
        raise StructureError("too_large", f"{len(text)} characters, at most {MAXIMUM_TEXT}")
    kind = kind or _kind_of(text)
    if kind not in ("cif", "wyckoff", *_PARSERS):
        raise StructureError("unreadable", f"{text[:40]!r} is not a crystal's text")
    return kind, text


def _kind_of(text: str) -> str:
    """What a text without a file name is."""
    start = text.lstrip()
    if start.startswith("{"):
        return "json"
    if "|" in text and "\n" not in text.strip():
        return "wyckoff"
    if start.partition("\n")[0].strip().isdecimal() and "Lattice=" in start:
        return "extxyz"
    if re.search(r"(?i)_cell[_.]length", text) or start[:5].lower() == "data_":
        return "cif"
    return "poscar" if len(text.strip().splitlines()) > 6 else ""


_PARSERS: dict[str, Callable[[str], Parsed]] = {
    "poscar": read_poscar,
    "extxyz": read_extxyz,
    "json": read_json,
}
