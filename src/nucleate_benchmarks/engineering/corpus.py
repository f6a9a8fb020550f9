"""Sound texts of every format that is read, for `fuzzing` to damage."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nucleate.core.errors import StructureError
from nucleate.core.settings import read_toml
from nucleate.datasets.sources import resolve
from nucleate.matter import registry
from nucleate.settings.data import DatasetSettings

NUMBER = 40
"""Structures that texts are made of, for each kind of matter."""
SOLVENTS = ("[Na+].[Cl-]", "O", "Cl", "CCO")


@dataclass(frozen=True)
class Corpus:
    """The texts of one format.

    Attributes:
        matter: registry name.
        suffix: of files of the format.
        texts: sound files.
        words: what stands in such files, to put in at wrong places.
        properties: whether they hold a column `value`.
    """

    matter: str
    suffix: str
    texts: tuple[str, ...]
    words: tuple[str, ...]
    properties: bool = False


@cache
def structures(matter: str) -> tuple[str, ...]:
    """Canonical structures of the embedded set of a kind of matter, drawn with a fixed seed."""
    kind = registry.get(matter)
    options = kind.reader.resolve({}, "corpus")
    source = resolve(
        DatasetSettings(source={"molecules": "nci", "crystals": "prototypes"}[matter]), matter
    )[0]
    rows = list(kind.reader.read_rows(source.path, source.settings))
    random.Random(0).shuffle(rows)
    found: dict[str, None] = {}
    for row in rows:
        try:
            found[kind.reader.standardise(row.payload, options).structure] = None
        except StructureError:
            continue
        if len(found) == NUMBER:
            break
    return tuple(found)


WORDS = read_toml(Path(__file__).with_name("corpus.toml"))
"""By kind of text, what stands in such texts."""


def _tables(rows: Sequence[str], column: str) -> dict[str, tuple[str, ...]]:
    """Tables of structures with ids and values: with commas, semicolons and tabs."""
    comma, semicolon, tab = [], [], []
    for start in range(0, len(rows), 8):
        cells = [
            (f"m{n}", '"' + text.replace('"', '""') + '"' if "\n" in text else text, f"{n / 7:.3f}")
            for n, text in enumerate(rows[start : start + 8], start)
        ]
        comma.append(f"id,{column},value\n" + "".join(f"{n},{t},{v}\n" for n, t, v in cells))
        semicolon.append(
            f"id;{column};value\n"
            + "".join(f"{n};{t};{v.replace('.', ',')}\n" for n, t, v in cells)
        )
        tab.append(f"value\t{column}\tid\n" + "".join(f"{v}\t{t}\t{n}\n" for n, t, v in cells))
    return {"comma": tuple(comma), "semicolon": tuple(semicolon), "tab": tuple(tab)}


def _molecule_texts() -> dict[str, Corpus]:
    from rdkit import Chem

    smiles = [
        text if n % 5 else f"{text}.{SOLVENTS[n % len(SOLVENTS)]}"
        for n, text in enumerate(structures("molecules"))
    ]
    tables = _tables(smiles, "smiles")
    words = (*WORDS["smiles"], *WORDS["cells"])
    lists = [
        "".join(f"{text} m{n}\n" for n, text in enumerate(smiles[start : start + 8]))
        for start in range(0, len(smiles), 8)
    ]
    records = []
    for start in range(0, len(smiles), 3):
        stream = io.StringIO()
        with Chem.SDWriter(stream) as writer:
            writer.SetForceV3000(start % 4 == 0)
            for n, text in enumerate(smiles[start : start + 3]):
                molecule = Chem.MolFromSmiles(text)
                molecule.SetProp("_Name", f"m{start + n}")
                molecule.SetProp("value", f"{(start + n) / 7:.3f}")
                writer.write(molecule)
        records.append(stream.getvalue())
    return {
        "molecules.csv": Corpus("molecules", ".csv", tables["comma"], words, True),
        "molecules.csv;": Corpus("molecules", ".csv", tables["semicolon"], words, True),
        "molecules.tsv": Corpus("molecules", ".tsv", tables["tab"], words, True),
        "molecules.smi": Corpus("molecules", ".smi", tuple(lists), tuple(WORDS["smiles"])),
        "molecules.sdf": Corpus(
            "molecules", ".sdf", tuple(records), (*WORDS["sdf"], *WORDS["cells"]), True
        ),
    }


def _crystal_texts() -> dict[str, Corpus]:
    import warnings

    from pymatgen.core import Structure
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.cif import CifWriter
    from pymatgen.io.vasp import Poscar

    export = registry.get("crystals").export
    genes = list(structures("crystals"))
    cifs: list[str] = []
    poscars: list[str] = []
    frames: list[str] = []
    plain: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n, gene in enumerate(genes):
            structure: Structure = export.to_object(gene, "pymatgen")
            plain.append(str(CifWriter(structure)))
            cifs.append(str(CifWriter(structure, symprec=0.01)))
            cifs.append(_without_operations(cifs[-1]))
            poscars.append(Poscar(structure).get_str(direct=n % 2 == 0))
            atoms: Any = AseAtomsAdaptor.get_atoms(structure)
            atoms.info = {"id": f"c{n}", "value": n / 7}
            stream = io.StringIO()
            atoms.write(stream, format="extxyz")
            frames.append(stream.getvalue())
    tables = _tables([*genes[:24], *plain[:8]], "crystal")
    cells = (*WORDS["cif"], *WORDS["cells"], *WORDS["gene"])
    return {
        "crystals.cif": Corpus("crystals", ".cif", tuple(cifs), tuple(WORDS["cif"])),
        "plain.cif": Corpus("crystals", ".cif", tuple(plain), tuple(WORDS["cif"])),
        "crystals.vasp": Corpus("crystals", ".vasp", tuple(poscars), tuple(WORDS["poscar"])),
        "crystals.extxyz": Corpus(
            "crystals", ".extxyz", tuple(frames), tuple(WORDS["extxyz"]), True
        ),
        "crystals.csv": Corpus("crystals", ".csv", tables["comma"], cells, True),
    }


def _without_operations(text: str) -> str:
    """A CIF whose operations follow from its symbol only."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if "symmetry_equiv_pos_as_xyz" in line) - 2
    end = next(n for n in range(start + 1, len(lines)) if lines[n].startswith("loop_"))
    return "\n".join([*lines[:start], *lines[end:]]) + "\n"


def read_corpus(more: Path | None) -> dict[str, Corpus]:
    """The texts of every format, with those of a folder's files of like endings."""
    found = {**_molecule_texts(), **_crystal_texts()}
    if more is None:
        return found
    added: dict[str, list[str]] = {}
    for path in sorted(more.rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            added.setdefault(path.suffix.lower(), []).append(text)
    return {
        name: Corpus(
            one.matter,
            one.suffix,
            (*one.texts, *added.get(one.suffix, ())),
            one.words,
            one.properties,
        )
        for name, one in found.items()
    }
