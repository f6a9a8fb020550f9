"""Files of crystals: CIF, POSCAR, extxyz or JSON by their names, and the crystals in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from nucleate.crystals.io.extxyz import frames
from nucleate.crystals.io.members import Member
from nucleate.datasets.cells import read_numbers
from nucleate.datasets.tabular import WORKBOOKS
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings

TABLES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    **dict.fromkeys(WORKBOOKS, "csv"),
}
FILES = {
    ".cif": "cif",
    ".mcif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".json": "json",
}
_OTHER_CRYSTALS = re.compile(
    r"\.(axsf|xsf|res|ins|cssr|cell|pdb|mol2|gen|xtl|cfg|lmp|mmcif|bcif|mcsqs|gin|vesta|cml|traj)"
)
"""Endings of crystals' files that are not read."""
_ARCHIVES = re.compile(r"\.(zip|tar|tgz|tbz2|txz|bz2|xz|zst|7z|rar)")
CELL = re.compile(r"(?i)_cell[_.]length_a")
_ATOMS = re.compile(r"(?i)_atom_site[_.](fract|cartn)_x")
_TEXT_FIELD = re.compile(r"(?ms)^;.*?^;")
_VASP = re.compile(r"^(POSCAR|CONTCAR)|[._-](POSCAR|CONTCAR)$", re.I)


@dataclass(frozen=True)
class Found:
    """A crystal of a file.

    Attributes:
        id: its own, or made of the file's name.
        payload: what `standardise` takes; None with an `error`.
        info: values that stand beside it, by name.
        error: why it cannot be read.
    """

    id: str
    payload: dict[str, str] | None
    info: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def row(self, number: int, dataset: DatasetSettings) -> RawRow:
        """It as the row of that number."""
        identity = self.info.get(dataset.id_column, self.id) if dataset.id_column else self.id
        properties, unread = read_numbers(self.info, dataset.properties)
        payload, identity = self.payload, str(identity)
        return RawRow(number, identity, payload, properties, self.error, unread, self.info)


def ending(name: str) -> str:
    """The ending of a file's name in small letters, that of what is in it if it is gzipped."""
    return PurePosixPath(re.sub(r"\.gz$", "", name, flags=re.I)).suffix.lower()


def format_of(name: str) -> str:
    """`cif`, `poscar`, `extxyz`, `json`, `csv`, `tsv` or `parquet` by a file's name, else empty.

    A known ending decides; VASP's files are also called `POSCAR`, `CONTCAR_2` or `x.poscar`.
    """
    known = {**TABLES, **FILES}.get(ending(name), "")
    base = re.sub(r"\.gz$", "", PurePosixPath(name).name, flags=re.I)
    return known or ("poscar" if _VASP.search(base) else "")


def stem_of(name: str) -> str:
    """A file's name without the endings that tell its format."""
    plain = re.sub(r"\.gz$", "", name, flags=re.I)
    return plain[: -len(ending(name))] if ending(name) in FILES else plain


def crystals_in(member: Member, form: str) -> Iterator[Found]:
    """The crystals of a file; one that cannot be read is a single one with an error."""
    stem = stem_of(member.name)
    try:
        found = list(_PARTS[form](member.text(), stem))
    except (ValueError, RecursionError) as error:
        found = [Found(stem, None, error=f"{member.name}: {error}")]
    yield from found


def refusal(name: str) -> str:
    """Why a file of a folder that likely holds crystals is not read; empty of any other."""
    end = ending(name)
    if end in TABLES:
        return "a table among files is not read; give it as a source of its own"
    if _ARCHIVES.fullmatch(end):
        return "an archive among files is not unpacked"
    if _OTHER_CRYSTALS.fullmatch(end):
        known = ", ".join(sorted(FILES))
        return f"{end} is not read; known: {known} and POSCAR"
    return ""


def cif_blocks(text: str) -> list[tuple[str, str]]:
    """The data blocks of a CIF text that hold a cell or atoms, as (name, text); the whole if none
    does."""
    bare = _TEXT_FIELD.sub(lambda field: re.sub(r"[^\n]", " ", field[0]), text)
    starts = [match.start() for match in re.finditer(r"(?mi)^[ \t]*data_", bare)]
    spans = pairwise([*starts, len(text)])
    named = [
        (text[start:end].split(None, 1)[0][5:], text[start:end])
        for start, end in spans
        if CELL.search(bare, start, end) or _ATOMS.search(bare, start, end)
    ]
    return named or [("", text)]


def _parts_of_cif(text: str, stem: str) -> Iterator[Found]:
    blocks = cif_blocks(text)
    for number, (name, block) in enumerate(blocks, start=1):
        yield Found(stem if len(blocks) == 1 else name or f"{stem}:{number}", {"cif": block})


def _parts_of_poscar(text: str, stem: str) -> Iterator[Found]:
    yield Found(stem, {"poscar": text})


def _parts_of_extxyz(text: str, stem: str) -> Iterator[Found]:
    several = list(frames(StringIO(text, newline=None)))
    for number, frame in enumerate(several, start=1):
        name = stem if len(several) == 1 else f"{stem}:{number}"
        payload = None if frame.error else {"extxyz": frame.text}
        yield Found(frame.info.get("id", name), payload, frame.info, frame.error)


def _parts_of_json(text: str, stem: str) -> Iterator[Found]:
    """pymatgen Structures, one or a list, or mappings that hold one as `structure` (and an id)."""
    things = json.loads(text)
    things = things if isinstance(things, list) else [things]
    holders = [thing if isinstance(thing, dict) else {} for thing in things]
    crystals = [holder.get("structure", holder) for holder in holders]
    sound = [isinstance(one, dict) and {"lattice", "sites"} <= set(one) for one in crystals]
    if not any(sound):
        raise ValueError("holds no pymatgen Structure, nor a list of them")
    for number, (holder, crystal, good) in enumerate(zip(holders, crystals, sound, strict=True), 1):
        name = stem if len(things) == 1 else f"{stem}:{number}"
        identity = str(holder.get("material_id", holder.get("id", name)))
        payload = {"json": json.dumps(crystal)} if good else None
        yield Found(identity, payload, holder, "" if good else "holds no pymatgen Structure")


_PARTS = {
    "cif": _parts_of_cif,
    "poscar": _parts_of_poscar,
    "extxyz": _parts_of_extxyz,
    "json": _parts_of_json,
}
