"""Crystals for people and other programs: pictures, symmetrised CIF and extxyz."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nucleate.core.errors import StructureError
from nucleate.core.files import atomic_folder, atomic_path
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.geometry.describe import describe, reduced_formula, title
from nucleate.crystals.io.draw import draw
from nucleate.crystals.io.objects import to_object
from nucleate.crystals.wyckoff.symmetry import LATTICE_NAMES, space_group
from nucleate.crystals.wyckoff.wyckoff_string import WyckoffStructure, expand, from_string
from nucleate.matter.export import Export, Rows

_STRUCTURE_KEYS = ("structure", "crystal")


class CrystalExport(Export):
    """CIF and extxyz; pictures of the cell."""

    exchange_key = "cif"
    object_forms = ("pymatgen", "ase")

    def describe(self, structure: str) -> dict[str, Any]:
        return describe(structure)

    def title(self, structure: str) -> str:
        """Formula and space group: `NaCl, Fm-3m (225)`."""
        return title(structure)

    def exchange(self, structure: str) -> str:
        """Text of a CIF with the group's operations."""
        return cif_text(from_string(structure), "crystal")

    def to_object(self, structure: str, form: str) -> Any:
        return to_object(structure, form)

    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        return draw(structure, width, height)

    def write_candidates(self, folder: Path, rows: Rows, embed: bool = False) -> list[Path]:
        """Write `cif/<candidate_id>_<formula>.cif` (with symmetry) and `candidates.extxyz`
        (primitive cells)."""
        frames = [(str(row["candidate_id"]), _structure_of(row), row) for row in rows]
        named = ((f"{name}_{reduced_formula(text)}", text) for name, text, _ in frames)
        cifs = _write_cifs(folder, named)
        return [cifs, _write_frames(folder / "candidates.extxyz", frames)]

    def write_samples(self, folder: Path, rows: Rows) -> Path:
        """Write `samples.extxyz`: primitive cells with `id`, `crystal` and all plain columns."""
        numbered = enumerate(rows, start=1)
        frames = ((str(row.get("id", n)), _structure_of(row), row) for n, row in numbered)
        return _write_frames(folder / "samples.extxyz", frames)

    def write_best(self, folder: Path, rows: Rows) -> list[Path]:
        """Write `cif/<rank>-<formula>-<space group>.cif`, with symmetry."""
        ranked = enumerate(map(_structure_of, rows), start=1)
        named = (
            (f"{rank:03d}-{reduced_formula(text)}-{from_string(text).space_group}", text)
            for rank, text in ranked
        )
        return [_write_cifs(folder, named)]

    def write_reconstructions(self, folder: Path, rows: Rows) -> list[Path]:
        """Write `reconstructed.extxyz`: a frame with `id` for each crystal that was rebuilt.

        Its info also holds `input` and `crystal`, the Wyckoff strings before and after, and
        `exact_match`.
        """
        frames = (
            (
                str(row["id"]),
                str(row["reconstructed"]),
                {"input": _structure_of(row), "exact_match": row.get("exact_match")},
            )
            for row in rows
            if row.get("reconstructed")
        )
        return [_write_frames(folder / "reconstructed.extxyz", frames)]


def _structure_of(row: Mapping[str, Any]) -> str:
    for key in _STRUCTURE_KEYS:
        if row.get(key):
            return str(row[key])
    raise StructureError("empty", "a row without a structure")


def _file_name(identity: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", identity).lstrip(".") or "_"


def _write_cifs(folder: Path, crystals: Iterable[tuple[str, str]]) -> Path:
    with atomic_folder(folder / "cif") as temporary:
        for identity, crystal in crystals:
            text = cif_text(from_string(crystal), identity)
            (temporary / f"{_file_name(identity)}.cif").write_text(text, encoding="utf-8")
    return folder / "cif"


def _write_frames(path: Path, frames: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Path:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for identity, crystal, columns in frames:
            file.write(extxyz_frame(from_string(crystal), identity, crystal, columns))
    return path


def extxyz_frame(
    gene: WyckoffStructure, identity: str, crystal: str, columns: Mapping[str, Any]
) -> str:
    """One extended XYZ frame of the primitive cell; scalar columns become info keys."""
    lattice, coordinates, numbers = expand(gene)
    cell = " ".join(f"{value:.8f}" for value in lattice.ravel())
    info = {"id": identity, "crystal": crystal}
    for name, value in columns.items():
        finite = math.isfinite(value) if isinstance(value, float) else isinstance(value, int | str)
        if finite and name not in (*info, *_STRUCTURE_KEYS):
            info[name] = value
    words = [f'Lattice="{cell}"', "Properties=species:S:1:pos:R:3", 'pbc="T T T"']
    words += [
        re.sub(r"[^A-Za-z0-9_.-]", "_", str(name)) + f"={_value(value)}"
        for name, value in info.items()
    ]
    lines = [str(len(numbers)), " ".join(words)]
    for number, (x, y, z) in zip(numbers.tolist(), coordinates @ lattice, strict=True):
        lines.append(f"{SYMBOLS[number - 1]:2s} {x:15.8f} {y:15.8f} {z:15.8f}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, (int, float)):
        return repr(value)
    text = re.sub(r"\s+", " ", str(value)).replace("\\", "/").replace('"', "'")
    return f'"{text}"'


def cif_text(gene: WyckoffStructure, name: str) -> str:
    """A CIF with formula, the group's symbols and operations, and one atom per occupied Wyckoff
    position.

    Coordinates have nine decimals, so that readers recognise special positions.
    """
    group = gene.group
    hermann_mauguin, hall = standard_symbols(group.number)
    lines = [
        f"data_{_file_name(name)}",
        *formula_lines(gene),
        f"_space_group_name_H-M_alt '{hermann_mauguin}'",
        f"_space_group_name_Hall '{hall}'",
        f"_space_group_IT_number {group.number}",
    ]
    for label, value in zip(LATTICE_NAMES, gene.lattice, strict=True):
        kind = "length" if len(label) == 1 else "angle"
        lines.append(f"_cell_{kind}_{label} {value:.6f}")
    lines += ["loop_", " _space_group_symop_id", " _space_group_symop_operation_xyz"]
    general = group.general
    for number, (linear, shift) in enumerate(zip(general.linear, general.shift, strict=True)):
        lines.append(f" {number + 1} '{_operation(linear, shift)}'")
    lines.append("loop_")
    columns = "label type_symbol symmetry_multiplicity Wyckoff_symbol fract_x fract_y fract_z"
    lines += [f" _atom_site_{column}" for column in (*columns.split(), "occupancy")]
    count: dict[str, int] = {}
    for site in gene.sites:
        count[site.element] = count.get(site.element, 0) + 1
        position = group.position(site.letter)
        x, y, z = position.expand(site.parameters)[0] % 1.0
        lines.append(
            f" {site.element}{count[site.element]} {site.element} {position.multiplicity} "
            f"{site.letter} {x:.9f} {y:.9f} {z:.9f} 1"
        )
    return "\n".join(lines) + "\n"


def formula_lines(gene: WyckoffStructure, cells: float = 1) -> list[str]:
    """Lines of a CIF: the formula in lowest terms, and how often a cell holds it.

    Args:
        cells: volume of that cell, in conventional ones.
    """
    units = math.gcd(*gene.composition.values())
    general = gene.group.general
    centring = general.multiplicity // general.primitive_multiplicity
    formula = {symbol: number // units for symbol, number in gene.composition.items()}
    return [
        f"_chemical_formula_sum '{_hill(formula)}'",
        f"_cell_formula_units_Z {round(units * centring * cells)}",
    ]


def _hill(count: Mapping[str, int]) -> str:
    """`C6 H4 O2`, `Al2 Mg O4`: by the alphabet, but carbon and then hydrogen first."""
    first = ("C", "H") if "C" in count else ()
    symbols = sorted(count, key=lambda symbol: (symbol not in first, symbol))
    return " ".join(f"{symbol}{count[symbol] if count[symbol] > 1 else ''}" for symbol in symbols)


@cache
def standard_symbols(number: int) -> tuple[str, str]:
    """Hermann-Mauguin and Hall symbol of the setting that a group's operations are in."""
    import gemmi

    general = space_group(number).general
    pairs = zip(general.linear, general.shift, strict=True)
    found = gemmi.find_spacegroup_by_ops(
        gemmi.GroupOps([gemmi.Op(_operation(linear, shift)) for linear, shift in pairs])
    )
    if found is None:
        raise ValueError(f"gemmi knows no setting of space group {number} that is ours")
    return found.xhm(), found.hall


def _operation(linear: Any, shift: Any) -> str:
    """`-x+1/2,y,x-y` of an operation with translations in 24ths."""
    from fractions import Fraction

    rows = []
    for row, offset in zip(linear, shift, strict=True):
        text = ""
        for factor, axis in zip(row, "xyz", strict=True):
            if factor:
                text += ("-" if factor < 0 else "+" if text else "") + axis
        part = Fraction(round(float(offset) * 24), 24)
        rows.append(text + (f"+{part}" if part else ""))
    return ",".join(rows)
