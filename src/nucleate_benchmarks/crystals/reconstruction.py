"""Reconstruction by CDVAE's protocol: match rate and rms of StructureMatcher (Xie et al. 2022).

Encode to the posterior mean, decode greedily, compare with ltol 0.3, stol 0.5, angle_tol 10. The
rms displacement is pymatgen's: root mean square over the atoms after the best rigid shift, of the
two lattices' average, in units of (volume / atom)^(1/3), averaged over the matched crystals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.core.parallel import map_ordered
from nucleate.crystals.geometry.describe import composition
from nucleate.crystals.wyckoff.matching import CDVAE_MATCHER
from nucleate.crystals.wyckoff.wyckoff_string import (
    prototype_key,
    structure_from_wyckoff,
)
from nucleate_benchmarks.common.figures import Figure, Section
from nucleate_benchmarks.crystals import controls
from nucleate_benchmarks.crystals.validity import describe_all

CHUNK = 100
POOL_FROM = 600
"""Pairs from which worker processes repay the seconds that they take to start."""
Rebuilt = Sequence[str | None]

NOTES = {
    "match": "encode mean, decode greedily; StructureMatcher ltol 0.3, stol 0.5, angle 10",
    "rms": "of the matched, in (volume / atom)^(1/3)",
    "median rms": "of the matched",
    "match, invalid ones failed": "a reconstruction that SMACT (smact14) or 0.5 A refuses is no "
    "match: the published count",
    "rms, invalid ones failed": "of those",
    "match of SMACT-valid crystals": "of those whose truth SMACT (smact14) accepts; the "
    "reconstruction must be valid as well",
    "exact gene": "space group, Wyckoff letters and elements",
    "right composition": "of the primitive cell",
    "decoded": "becomes a crystal at all",
}


def rms_distance(truth: str, other: str | None) -> float | None:
    """Normalised rms distance of two Wyckoff strings under CDVAE's tolerances, or None.

    Both are compared as primitive cells; where those differ in size the matcher reduces them
    further by itself.
    """
    if other is None:
        return None
    from pymatgen.analysis.structure_matcher import StructureMatcher

    try:
        one, two = (structure_from_wyckoff(crystal) for crystal in (truth, other))
        if one.composition.reduced_formula != two.composition.reduced_formula:
            return None
        matcher = StructureMatcher(primitive_cell=len(one) != len(two), **CDVAE_MATCHER)
        found = matcher.get_rms_dist(one, two)
    except (NucleateError, ValueError, ArithmeticError, IndexError):
        return None  # the matcher's own failure on an odd cell
    return None if found is None else float(found[0])


def _rms_chunk(pairs: list[tuple[str, str | None]]) -> list[float | None]:
    return [rms_distance(truth, other) for truth, other in pairs]


def rms_distances(
    truths: Sequence[str], rebuilt: Rebuilt, processes: int = 1
) -> NDArray[np.float64]:
    """`rms_distance` of each pair, float64 [n]; NaN where they do not match."""
    pairs = list(zip(truths, rebuilt, strict=True))
    chunks = [pairs[i : i + CHUNK] for i in range(0, len(pairs), CHUNK)]
    workers = processes if len(pairs) >= POOL_FROM else 1
    found = [rms for part in map_ordered(_rms_chunk, chunks, processes=workers) for rms in part]
    return np.array([np.nan if rms is None else rms for rms in found], np.float64)


@dataclass(frozen=True)
class Truth:
    """Crystals to rebuild, and which of them SMACT accepts, bool [n]."""

    crystals: list[str]
    neutral: NDArray[np.bool_]

    @classmethod
    def of(cls, crystals: Sequence[str]) -> Truth:
        found = [one.neutral for one in describe_all(crystals)]
        return cls(list(crystals), np.array(found, bool))


def numbers(truth: Truth, rebuilt: Rebuilt, processes: int = 1) -> dict[str, float]:
    """The figures named in `NOTES`, over all crystals."""
    rms = rms_distances(truth.crystals, rebuilt, processes)
    matched = np.isfinite(rms)
    valid = np.array([one.valid for one in describe_all(rebuilt)], bool)
    counted = matched & valid
    pairs = list(zip(truth.crystals, rebuilt, strict=True))
    n = max(1, len(pairs))

    def mean(values: NDArray[np.float64]) -> float:
        return float(values.mean()) if len(values) else float("nan")

    return {
        "match": float(matched.sum()) / n,
        "rms": mean(rms[matched]),
        "median rms": float(np.median(rms[matched])) if matched.any() else float("nan"),
        "match, invalid ones failed": float(counted.sum()) / n,
        "rms, invalid ones failed": mean(rms[counted]),
        "match of SMACT-valid crystals": mean(counted[truth.neutral].astype(np.float64)),
        "exact gene": sum(b is not None and _key(a) == _key(b) for a, b in pairs) / n,
        "right composition": sum(_composition(a) == _composition(b) for a, b in pairs) / n,
        "decoded": sum(b is not None for _, b in pairs) / n,
    }


def _key(crystal: str) -> tuple[str, tuple[str, ...]]:
    """Space group, and letters with elements in any order."""
    number, *sites = prototype_key(crystal).split()
    return number, tuple(sorted(sites))


def _composition(crystal: str | None) -> dict[str, int] | None:
    return None if crystal is None else composition(crystal)


def made_without_model(
    crystals: Sequence[str], train: Sequence[str], seed: int
) -> dict[str, Rebuilt]:
    """What each control makes of the crystals to rebuild."""
    templates = controls.Templates(train)
    return {
        "permuted elements": controls.permuted(crystals, train, seed),
        "template retrieval": [templates.retrieve(crystal) for crystal in crystals],
        "random coordinates": controls.random_coordinates(crystals, seed),
    }


def section(
    title: str,
    truth: Truth,
    rebuilt: Rebuilt,
    beside: Mapping[str, Mapping[str, float]],
    refused: Mapping[str, int],
    processes: int = 1,
) -> Section:
    """The figures of one way to decode beside the controls' `numbers`."""
    found = numbers(truth, rebuilt, processes)
    n = len(truth.crystals)
    accepted = int(truth.neutral.sum())
    figures = []
    for name, value in found.items():
        size = accepted if name == "match of SMACT-valid crystals" else n
        if name.startswith(("rms", "median")):
            size = round(n * found["match, invalid ones failed" if "," in name else "match"])
        row: dict[str, Any] = {c: table[name] for c, table in beside.items()}
        figures.append(Figure(name, value, size, controls=row, note=NOTES[name]))
    reasons = ", ".join(f"{count} x {reason}" for reason, count in refused.items()) or "none"
    note = (
        f"Refused by the codec, which counts as no match: {reasons}. SMACT (smact14) accepts "
        f"{accepted / max(1, n):.3f} of these crystals. Controls: elements permuted among the "
        "sites; the nearest training prototype of the same proportions, filled and rescaled; free "
        "coordinates at random on the true gene."
    )
    return Section(title, figures, note)
