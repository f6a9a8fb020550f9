"""What the benchmarks compute of each molecule, in worker processes: numbers, pieces, bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import Descriptors, rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold

from nucleate.core.parallel import map_ordered
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.properties import sa_score
from nucleate_benchmarks.molecules import filters

CHUNK = 500
POOL_FROM = 2000
"""Molecules from which worker processes repay the seconds that they take to start."""
LEAST_RINGS = 2
"""Of a scaffold that MOSES counts."""


@cache
def morgan(size: int) -> Any:
    """Generator of Morgan fingerprints of radius 2 without chirality (ECFP4)."""
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=size)


def _bits(size: int, molecule: Any) -> bytes:
    return np.packbits(morgan(size).GetFingerprintAsNumPy(molecule)).tobytes()


def brics_fragments(molecule: Any) -> list[str]:
    """SMILES of the pieces between BRICS bonds, attachment points marked (Degen et al. 2008)."""
    return str(Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(molecule))).split(".")


def murcko_scaffold(molecule: Any) -> str | None:
    """Bemis-Murcko scaffold of at least two rings as MOSES counts it, stereo kept; else None."""
    try:
        core = MurckoScaffold.GetScaffoldForMol(molecule)
    except (ValueError, RuntimeError):
        return None
    if core.GetRingInfo().NumRings() < LEAST_RINGS:
        return None
    return str(Chem.MolToSmiles(core)) or None


def _flat(molecule: Any) -> str:
    return str(Chem.MolToSmiles(molecule, isomericSmiles=False))


@cache
def _descriptors() -> dict[str, Callable[[Any], float]]:
    return dict(Descriptors.descList)


def _function(name: str) -> Callable[[Any], Any]:
    own: dict[str, Callable[[Any], Any]] = {
        "canonical": canonical,
        "flat": _flat,
        "sa_score": sa_score,
        "fragments": brics_fragments,
        "scaffold": murcko_scaffold,
        "passes": filters.passes,
    }
    if name in own:
        return own[name]
    kind, _, size = name.partition("_")
    if kind == "morgan":
        return partial(_bits, int(size))
    return _descriptors()[name]


def _chunk(task: tuple[list[str], tuple[str, ...]]) -> list[tuple[Any, ...] | None]:
    smiles, names = task
    functions = [_function(name) for name in names]
    rows: list[tuple[Any, ...] | None] = []
    with rdBase.BlockLogs():
        for text in smiles:
            molecule = parse(text) if text else None
            if molecule is None:
                rows.append(None)
            else:
                rows.append(tuple(_value(function, molecule) for function in functions))
    return rows


def _value(function: Callable[[Any], Any], molecule: Any) -> Any:
    try:
        return function(molecule)
    except (ValueError, RuntimeError, ZeroDivisionError, OverflowError):
        return None  # the library's own failure on one odd molecule


def compute(smiles: Sequence[str], names: Sequence[str], processes: int) -> dict[str, list[Any]]:
    """Values by name, one per molecule in order; None where it cannot be read or computed.

    Args:
        names: `canonical` and `flat` (SMILES with and without stereo), `fragments`, `scaffold`,
            `passes` (MOSES' filters), `sa_score`, `morgan_SIZE` (packed bits) or an RDKit
            descriptor's exact name.
    """
    chunks = [(list(smiles[i : i + CHUNK]), tuple(names)) for i in range(0, len(smiles), CHUNK)]
    workers = 1 if len(smiles) < POOL_FROM else processes
    rows = [row for part in map_ordered(_chunk, chunks, processes=workers) for row in part]
    return {
        name: [None if row is None else row[column] for row in rows]
        for column, name in enumerate(names)
    }


def smiles_of(payload: object) -> str:
    """SMILES of a row as the readers give it: its first word, or an SD record's."""
    text = payload if isinstance(payload, str) else ""
    if "\n" not in text.strip():
        return text.split(None, 1)[0] if text.strip() else ""
    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(text)
    return "" if molecule is None else canonical(molecule)


def numbers(values: Iterable[Any]) -> NDArray[np.float64]:
    """float64 [n] of computed values; NaN where there is none."""
    return np.array([math.nan if value is None else value for value in values], np.float64)


def packed(values: Iterable[bytes | None]) -> NDArray[np.uint8]:
    """Packed fingerprints uint8 [n, size / 8] of those molecules that have one."""
    rows = [np.frombuffer(value, np.uint8) for value in values if value is not None]
    return np.stack(rows) if rows else np.zeros((0, 0), np.uint8)


def pair_similarity(
    first: Sequence[str | None], second: Sequence[str | None], counts: bool = False
) -> NDArray[np.float64]:
    """Tanimoto similarity of each pair, float64 [n]; NaN where either is None or unreadable.

    Morgan fingerprints of radius 2 folded to 2,048: bits (ECFP4), or counts.
    """
    known: dict[str, Any] = {}
    generator = morgan(2048)
    write = generator.GetCountFingerprint if counts else generator.GetFingerprint

    def fingerprint(smiles: str | None) -> Any:
        if not smiles:
            return None
        if smiles not in known:
            molecule = parse(smiles)
            known[smiles] = None if molecule is None else write(molecule)
        return known[smiles]

    out = np.full(len(first), math.nan)
    for row, (one, other) in enumerate(zip(first, second, strict=True)):
        left, right = fingerprint(one), fingerprint(other)
        if left is not None and right is not None:
            out[row] = DataStructs.TanimotoSimilarity(left, right)
    return out
