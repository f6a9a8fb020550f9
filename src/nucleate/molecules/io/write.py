"""Molecules in the field's own files: SDF and CSV, written atomically."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from nucleate.core.files import atomic_path
from nucleate.molecules.chemistry.chem import parse
from nucleate.molecules.chemistry.conformer import EmbedTask, embed

_FIRST = ("id", "smiles")
_NOT_KEPT = (*_FIRST, "structure", "latent")  # a latent vector may be missing, a plain None


def write_candidates(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write `candidates.sdf`: 3D coordinates with hydrogens, or 2D ones where none are found.

    The title is `candidate_id`; SMILES and all finite numbers are data fields.
    """
    path = folder / "candidates.sdf"
    with atomic_path(path) as temporary:
        writer = Chem.SDWriter(str(temporary))
        try:
            for row in rows:
                molecule = _with_coordinates(str(row["smiles"]))
                if molecule is None:
                    continue
                molecule.SetProp("_Name", str(row.get("candidate_id", "")))
                molecule.SetProp("smiles", str(row["smiles"]))
                for name, value in row.items():
                    text = _number(value)
                    if text and name not in _FIRST:
                        molecule.SetProp(str(name), text)
                writer.write(molecule)
        finally:
            writer.close()
    return [path]


def _with_coordinates(smiles: str) -> Any | None:
    found = embed(EmbedTask(smiles))
    if found is not None:
        return found
    flat = parse(smiles)
    if flat is not None:
        with rdBase.BlockLogs():
            rdDepictor.Compute2DCoords(flat)
    return flat


def write_samples(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write `samples.csv`: id, smiles, and every column of plain values (no latent vectors)."""
    records = []
    for index, row in enumerate(rows):
        record = {"id": row.get("id", index + 1), "smiles": _structure(row)}
        record |= {k: v for k, v in row.items() if k not in _NOT_KEPT and _plain(v)}
        records.append(record)
    names = dict.fromkeys([*_FIRST, "log_likelihood"] if not records else _FIRST)
    for record in records:
        names.update(dict.fromkeys(record))
    return _write_csv(folder / "samples.csv", list(names), records)


def write_reconstructions(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write `reconstructed.csv`: id, smiles (the input), reconstructed (empty where nothing)."""
    records = [
        {"id": r["id"], "smiles": _structure(r), "reconstructed": r.get("reconstructed") or ""}
        for r in rows
    ]
    return _write_csv(folder / "reconstructed.csv", ["id", "smiles", "reconstructed"], records)


def _structure(row: Mapping[str, Any]) -> str:
    value = row.get("structure", row.get("smiles"))
    return "" if value is None else str(value)


def _plain(value: Any) -> bool:
    scalar = hasattr(value, "item") and getattr(value, "size", 1) == 1
    return value is None or isinstance(value, (str, bool, int, float)) or scalar


def _number(value: Any) -> str:
    """A finite number as text, anything else as nothing."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _write_csv(path: Path, names: list[str], records: Sequence[Mapping[str, Any]]) -> Path:
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        for record in records:
            writer.writerow({k: _cell(v) for k, v in record.items()})
    return path


def _cell(value: Any) -> Any:
    """Missing and non-finite values become empty cells."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value
