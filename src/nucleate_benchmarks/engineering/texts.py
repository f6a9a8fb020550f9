"""Texts of one crystal as our exports, pymatgen and ASE write them, in scrambled descriptions.

Each is of another cell (half of them doubled), origin, axes, orientation and order of atoms; CIFs
with symmetry are of other settings of the space group, or on axes that no table lists.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

import gemmi
import numpy as np
from ase import Atoms
from ase.io import write as write_atoms
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter
from pymatgen.io.vasp import Poscar

from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.io.write import cif_text, extxyz_frame, formula_lines, standard_symbols
from nucleate.crystals.wyckoff.symmetry import LATTICE_NAMES, lattice_matrix
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string
from nucleate_benchmarks.crystals.representation.invariance import scrambled

if TYPE_CHECKING:
    from nucleate.crystals.wyckoff.canonical import Arrays


@dataclass(frozen=True)
class Subject:
    """A crystal to write.

    Attributes:
        crystal: its canonical Wyckoff string.
        rng: of its description.
    """

    crystal: str
    rng: np.random.Generator

    def arrays(self) -> Arrays:
        """A description of its own."""
        return scrambled(expand(self.crystal), int(self.rng.integers(1, 3)), self.rng)

    def structure(self) -> Structure:
        """A description of its own, as pymatgen's."""
        lattice, points, numbers = self.arrays()
        return Structure(Lattice(lattice), [SYMBOLS[z - 1] for z in numbers], points)

    def atoms(self) -> Atoms:
        """A description of its own, as ASE's."""
        lattice, points, numbers = self.arrays()
        return Atoms(numbers, scaled_positions=points, cell=lattice, pbc=True)


def _wyckoff(subject: Subject) -> str:
    return subject.crystal


def _our_cif(subject: Subject) -> str:
    return cif_text(from_string(subject.crystal), "x")


def _our_frame(subject: Subject) -> str:
    return extxyz_frame(from_string(subject.crystal), "x", subject.crystal, {})


def _json(subject: Subject) -> str:
    return str(subject.structure().to_json())


def _pymatgen_cif(subject: Subject, symprec: float | None) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(CifWriter(subject.structure(), symprec=symprec))


def _pymatgen_poscar(subject: Subject, direct: bool, old: bool) -> str:
    return str(Poscar(subject.structure()).get_str(direct=direct, vasp4_compatible=old))


def _ase_poscar(subject: Subject, direct: bool, old: bool) -> str:
    stream = StringIO()
    write_atoms(stream, subject.atoms(), format="vasp", direct=direct, vasp5=not old)
    return stream.getvalue()


def _ase_frame(subject: Subject) -> str:
    stream = StringIO()
    write_atoms(stream, subject.atoms(), format="extxyz")
    return stream.getvalue()


def _ase_cif(subject: Subject) -> str:
    stream = BytesIO()
    write_atoms(stream, subject.atoms(), format="cif")
    return stream.getvalue().decode()


def _cif_on_other_axes(subject: Subject) -> str:
    """With operations that are those of no table, for the axes and the origin are nobody's."""
    rng = subject.rng
    turned = np.eye(3, dtype=int)[rng.permutation(3)] * rng.choice([-1, 1], (3, 1))
    turned[2] += turned[0] * int(rng.integers(-1, 2))
    turned *= round(float(np.linalg.det(turned)))  # right-handed
    change = gemmi.Op()
    change.rot = (24 * turned).tolist()
    change.tran = rng.integers(0, 24, 3).tolist()
    own = _own_setting(from_string(subject.crystal).space_group).operations()
    moved = [(change * one * change.inverse()).wrap().triplet() for one in own]
    listed = ["loop_", "_space_group_symop_operation_xyz", *(f"'{text}'" for text in moved)]
    return _cif(subject.crystal, change, listed)


def _cif_by_symbol(subject: Subject, hall: bool) -> str:
    """With no operations, only the symbol of one of the group's settings."""
    own = _own_setting(from_string(subject.crystal).space_group)
    settings = [one for one in gemmi.spacegroup_table() if one.number == own.number]
    other = settings[int(subject.rng.integers(len(settings)))]
    change = other.basisop * own.basisop.inverse()
    name, symbol = ("Hall", other.hall) if hall else ("H-M_alt", other.xhm())
    return _cif(subject.crystal, change, [f"_space_group_name_{name} '{symbol}'"])


@cache
def _own_setting(number: int) -> gemmi.SpaceGroup:
    """The setting of Wyckoff strings."""
    found = gemmi.find_spacegroup_by_name(standard_symbols(number)[0])
    if found is None:
        raise ValueError(f"gemmi does not know the standard setting of space group {number}")
    return found


def _cif(crystal: str, change: gemmi.Op, symmetry: list[str]) -> str:
    """A CIF of which every coordinate is changed by an operation, and the axes with it."""
    gene = from_string(crystal)
    turn = np.array(change.rot) / gemmi.Op.DEN
    shift = np.array(change.tran) / gemmi.Op.DEN
    lattice = Lattice(np.linalg.inv(turn).T @ lattice_matrix(gene.lattice))
    lines = ["data_x", *formula_lines(gene, round(1 / abs(np.linalg.det(turn)), 6)), *symmetry]
    for name, value in zip(LATTICE_NAMES, lattice.parameters, strict=True):
        kind = "length" if len(name) == 1 else "angle"
        lines.append(f"_cell_{kind}_{name} {value:.6f}")
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")
    lines += ["loop_", *(f"_atom_site_{column}" for column in columns)]
    for number, site in enumerate(gene.sites, start=1):
        point = turn @ gene.group.position(site.letter).expand(site.parameters)[0] + shift
        x, y, z = point % 1.0
        lines.append(f"{site.element}{number} {site.element} {x:.7f} {y:.7f} {z:.7f}")
    return "\n".join(lines) + "\n"


FORMS: dict[str, tuple[str, Callable[[Subject], str]]] = {
    "Wyckoff string": ("wyckoff", _wyckoff),
    "our CIF": ("cif", _our_cif),
    "our extxyz": ("extxyz", _our_frame),
    "pymatgen's CIF, P1": ("cif", partial(_pymatgen_cif, symprec=None)),
    "pymatgen's CIF with symmetry": ("cif", partial(_pymatgen_cif, symprec=0.01)),
    "CIF with operations on other axes": ("cif", _cif_on_other_axes),
    "CIF with a Hermann-Mauguin symbol alone": ("cif", partial(_cif_by_symbol, hall=False)),
    "CIF with a Hall symbol alone": ("cif", partial(_cif_by_symbol, hall=True)),
    "ASE's CIF": ("cif", _ase_cif),
    "pymatgen's POSCAR": ("poscar", partial(_pymatgen_poscar, direct=True, old=False)),
    "pymatgen's POSCAR of VASP 4, Cartesian": (
        "poscar",
        partial(_pymatgen_poscar, direct=False, old=True),
    ),
    "ASE's POSCAR, Cartesian": ("poscar", partial(_ase_poscar, direct=False, old=False)),
    "ASE's POSCAR of VASP 4": ("poscar", partial(_ase_poscar, direct=True, old=True)),
    "ASE's extxyz": ("extxyz", _ase_frame),
    "pymatgen's JSON": ("json", _json),
}
"""Kind of payload and what writes it, by name."""
