"""Figures of generated crystals by CDVAE's definitions (Xie et al. 2022) and by our own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.datasets.resumable import map_to_lines
from nucleate_benchmarks.common.figures import Section, combined
from nucleate_benchmarks.crystals import controls
from nucleate_benchmarks.crystals.data import COVERAGE_CUTOFFS, Cutoffs
from nucleate_benchmarks.crystals.fingerprints import scaled_composition, structure_rows
from nucleate_benchmarks.crystals.identity import unique_and_novel
from nucleate_benchmarks.crystals.validity import Described, describe_all

Samples = Sequence[str | None]
Vectors = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Structure and composition fingerprints, one row each of the same crystals."""

NOTES = {
    "legal genes": "a complete gene of an existing space group that can be rebuilt",
    "distances > 0.5 A": "CDVAE's structural validity, periodic images of an atom included",
    "contacts >= 0.7 radii": "closest contact over the sum of covalent radii (Cordero 2008)",
    "SMACT, smact14": "smact14 oxidation states, electronegativity test, alloys valid",
    "SMACT, icsd24": "SMACT's own default set, else the same",
    "valid": "distances > 0.5 A and SMACT smact14",
    "COV-R": "test crystals with a sample near by CDVAE's fingerprints and cut-offs",
    "COV-P": "samples with a test crystal near",
    "W1 density": "g/cm3, valid samples against test crystals",
    "W1 number of elements": "likewise",
    "space-group distance": "total variation, legal samples against test crystals",
    "share of P1": "of legal samples",
    "unique": "of all samples; StructureMatcher's defaults, equal reduced formula",
    "novel": "of all samples; no training crystal of its formula matches",
}


def fingerprints(
    crystals: Samples, file: Path | None, processes: int, done: Callable[[int], object]
) -> Vectors:
    """Fingerprints of those crystals that have both, each [k, ...]."""
    present = [crystal for crystal in crystals if crystal is not None]
    rows = map_to_lines(structure_rows, present, file, processes=processes, done=done)
    pairs = []
    for crystal, row in zip(present, rows, strict=True):
        other = scaled_composition(crystal)
        if row is not None and other is not None:
            pairs.append((np.array(row, np.float64), other))
    if not pairs:
        return np.zeros((0, 1)), np.zeros((0, 1))
    return np.stack([row for row, _ in pairs]), np.stack([row for _, row in pairs])


def coverage(
    samples: Vectors, test: Vectors, cutoffs: tuple[float, float], count: int
) -> tuple[float, float]:
    """CDVAE's COV-R and COV-P.

    A test crystal is covered if some sample's structure fingerprint and some (maybe another)
    sample's composition fingerprint lie within the cut-offs; a sample counts if it lies so to the
    test crystals.

    Args:
        count: samples drawn, those without fingerprints included.
    """
    from scipy.spatial.distance import cdist

    if not len(samples[0]) or not len(test[0]):
        return 0.0, 0.0
    apart = [cdist(mine, theirs) for mine, theirs in zip(samples, test, strict=True)]
    recalled, precise = (
        np.logical_and(*(d.min(axis) <= cut for d, cut in zip(apart, cutoffs, strict=True)))
        for axis in (0, 1)
    )
    return float(recalled.mean()), float(precise.sum() / max(1, count))


def total_variation(first: Sequence[int], second: Sequence[int]) -> float:
    """Half the sum of differences of frequencies: 0 for equal distributions, 1 for disjoint."""
    if not len(first) or not len(second):
        return float("nan")
    one, two = Counter(first), Counter(second)
    return sum(abs(one[k] / len(first) - two[k] / len(second)) for k in one | two) / 2


def wasserstein(first: Sequence[float], second: Sequence[float]) -> float:
    """Wasserstein-1 distance of two samples; NaN if one is empty."""
    from scipy.stats import wasserstein_distance

    if not len(first) or not len(second):
        return float("nan")
    return float(wasserstein_distance(first, second))


@dataclass
class ReferenceStatistics:
    """What samples are measured against.

    Attributes:
        test: described test crystals.
        vectors: fingerprints of the test crystals.
        known: training crystals.
        cutoffs: of coverage, by name.
        file: fingerprints that are kept.
        done: told of progress.
    """

    test: list[Described]
    vectors: Vectors
    known: Sequence[str]
    cutoffs: Cutoffs
    file: Path | None = None
    processes: int = 1
    done: Callable[[int], object] = lambda count: None


def numbers(samples: Samples, yardstick: ReferenceStatistics) -> dict[str, float]:
    """The figures named in `NOTES` of n samples, None where nothing was decoded."""
    found = describe_all(samples)
    legal = [one for one in found if one.legal]
    valid = [one for one in found if one.valid]
    n = max(1, len(found))

    def share(values: Sequence[bool]) -> float:
        return sum(values) / n

    readable = [c for c, one in zip(samples, found, strict=True) if one.legal and c is not None]
    vectors = fingerprints(readable, yardstick.file, yardstick.processes, yardstick.done)
    recall, precision = coverage(
        vectors, yardstick.vectors, COVERAGE_CUTOFFS[yardstick.cutoffs], len(found)
    )
    unique, novel = unique_and_novel(readable, yardstick.known, yardstick.processes)
    test = yardstick.test
    return {
        "legal genes": share([one.legal for one in found]),
        "distances > 0.5 A": share([one.apart for one in found]),
        "contacts >= 0.7 radii": share([one.contacts for one in found]),
        "SMACT, smact14": share([one.neutral for one in found]),
        "SMACT, icsd24": share([one.neutral_default for one in found]),
        "valid": share([one.valid for one in found]),
        "COV-R": recall,
        "COV-P": precision,
        "W1 density": wasserstein([o.density for o in valid], [o.density for o in test]),
        "W1 number of elements": wasserstein(
            [o.elements for o in valid], [o.elements for o in test]
        ),
        "space-group distance": total_variation(
            [o.space_group for o in legal], [o.space_group for o in test]
        ),
        "share of P1": sum(o.space_group == 1 for o in legal) / max(1, len(legal)),
        "unique": float(unique.sum()) / n,
        "novel": float(novel.sum()) / n,
    }


def made_without_model(
    train: Sequence[str], test: Sequence[str], count: int, seed: int
) -> dict[str, Samples]:
    """Sets that no model made, of at most `count` crystals each."""
    chosen = controls.replayed(train, count, seed)
    return {
        "test set": controls.replayed(test, count, seed),
        "training replay": chosen,
        "training perturbed": controls.perturbed(chosen, seed),
        "permuted elements": controls.permuted(chosen, train, seed),
    }


def section(
    runs: Sequence[Mapping[str, float]],
    beside: Mapping[str, Mapping[str, float]],
    count: int,
    yardstick: ReferenceStatistics,
    inside: str,
) -> Section:
    """The figures of each seed's samples beside the controls'; `inside` tells which draws."""
    structure, composition = COVERAGE_CUTOFFS[yardstick.cutoffs]
    note = (
        f"{inside} Against {len(yardstick.test):,} test crystals ({len(yardstick.vectors[0]):,} "
        f"with fingerprints) and {len(yardstick.known):,} training crystals. Coverage: CDVAE's "
        f"cut-offs for {yardstick.cutoffs} ({structure:g} structure, {composition:g} composition), "
        "CrystalNN and Magpie fingerprints; compositions scaled by their spread over Materials "
        "Project crystals. Controls: the test set itself; training crystals as they are, with 5 % "
        "noise on cell and free coordinates, and with their elements permuted."
    )
    return Section("Generation: draws from the prior", combined(runs, count, beside, NOTES), note)
