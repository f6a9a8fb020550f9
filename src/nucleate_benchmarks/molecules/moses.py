"""The metrics of MOSES on any pair of sets.

Polykovskiy et al., Front. Pharmacol. 11 (2020) 565644. They follow the code of `molsets` 0.3.1,
which is what published figures come from: all valid samples count, repetitions included, except
in uniqueness and novelty.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate_benchmarks.molecules import features
from nucleate_benchmarks.molecules.chemnet import Statistics, chemnet_statistics, frechet_distance
from nucleate_benchmarks.molecules.filters import filters_name
from nucleate_benchmarks.molecules.tanimoto import internal_diversities, nearest

BITS = "morgan_1024"
UNIQUE_OF = {"unique@1k": 1000, "unique@10k": 10_000}
DISTRIBUTIONS = {
    "logP": "MolLogP",
    "SA": "sa_score",
    "QED": "qed",
    "weight": "MolWt",
}
"""Properties whose Wasserstein-1 distance is taken, by MOSES' names for them."""


@dataclass(frozen=True)
class Profile:
    """What the metrics need of a set of valid molecules, computed once.

    Attributes:
        smiles: canonical, n of them, repetitions kept.
        chemnet: for the Fréchet distance.
        bits: Morgan radius 2, packed, uint8 [n, 128].
        fragments: counts of BRICS fragments.
        scaffolds: counts of Bemis-Murcko scaffolds of two or more rings.
        values: by name of `DISTRIBUTIONS`, float64 [n].
        passes: share that passes the filters, or NaN where it was not asked for.
    """

    smiles: Sequence[str]
    chemnet: Statistics
    bits: NDArray[np.uint8]
    fragments: Counter[str]
    scaffolds: Counter[str]
    values: dict[str, NDArray[np.float64]]
    passes: float


def profile(
    smiles: Sequence[str], processes: int = 1, device: str = "cpu", with_filters: bool = False
) -> Profile:
    """Compute a set's profile.

    Args:
        smiles: canonical SMILES of valid molecules.
        with_filters: MOSES applies them to samples only.
    """
    names = [BITS, "fragments", "scaffold", *DISTRIBUTIONS.values()]
    columns = features.compute(smiles, names + ["passes"] * with_filters, processes)
    fragments: Counter[str] = Counter()
    for pieces in columns["fragments"]:
        fragments.update(pieces or ())
    return Profile(
        smiles=smiles,
        chemnet=chemnet_statistics(smiles, processes, device),
        bits=features.packed(columns[BITS]),
        fragments=fragments,
        scaffolds=Counter(core for core in columns["scaffold"] if core is not None),
        values={name: features.numbers(columns[key]) for name, key in DISTRIBUTIONS.items()},
        passes=float(np.mean([bool(v) for v in columns["passes"]]))
        if with_filters and len(smiles)
        else math.nan,
    )


def cosine(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """Cosine similarity of two tables of counts; NaN if either is empty."""
    if not first or not second:
        return math.nan
    product = sum(count * second.get(name, 0) for name, count in first.items())
    norms = (math.sqrt(sum(v * v for v in table.values())) for table in (first, second))
    return product / math.prod(norms)


def wasserstein(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Wasserstein-1 distance of two sets of numbers, in their own unit; NaN if one is empty."""
    from scipy.stats import wasserstein_distance

    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    if not len(first) or not len(second):
        return math.nan
    return float(wasserstein_distance(first, second))


def unique_share(valid: Sequence[str], first: int) -> float:
    """Distinct molecules among the first valid ones (fewer if there are not so many)."""
    taken = valid[:first]
    return len(set(taken)) / len(taken) if taken else math.nan


def novelty(valid: Sequence[str], train: AbstractSet[str]) -> float:
    """Share of the distinct valid molecules that are not in the training set."""
    distinct = set(valid)
    return len(distinct - train) / len(distinct) if distinct else math.nan


def against(
    samples: Profile, reference: Profile, name: str, device: str = "cpu"
) -> dict[str, float]:
    """FCD, SNN, Frag and Scaf of samples against a reference set called `name`."""
    near = nearest(samples.bits, reference.bits, device) if len(reference.bits) else np.zeros(0)
    return {
        f"FCD/{name}": frechet_distance(reference.chemnet, samples.chemnet),
        f"SNN/{name}": float(near.mean()) if len(near) else math.nan,
        f"Frag/{name}": cosine(reference.fragments, samples.fragments),
        f"Scaf/{name}": cosine(reference.scaffolds, samples.scaffolds),
    }


def moses_metrics(
    samples: Sequence[str | None],
    test: Profile,
    train: AbstractSet[str],
    test_scaffolds: Profile | None = None,
    *,
    processes: int = 1,
    device: str = "cpu",
) -> dict[str, float]:
    """All metrics of a list of samples.

    Args:
        samples: SMILES as drawn, in order; None for a draw without a structure.
        test: profile of the test set.
        train: canonical SMILES of the training set.
        test_scaffolds: profile of the scaffold test set, if there is one.
        device: torch device of the distances.

    Returns:
        By MOSES' names, `valid` first. The filters' name says what they cover.
    """
    valid = valid_smiles(samples, processes)
    own = profile(valid, processes, device, with_filters=True)
    first, second = internal_diversities(own.bits, device)
    figures = {"valid": len(valid) / len(samples) if samples else math.nan}
    figures |= {name: unique_share(valid, first_k) for name, first_k in UNIQUE_OF.items()}
    figures |= against(own, test, "Test", device)
    if test_scaffolds is not None:
        figures |= against(own, test_scaffolds, "TestSF", device)
    figures |= {"IntDiv": first, "IntDiv2": second, filters_name(): own.passes}
    for name in DISTRIBUTIONS:
        figures[name] = wasserstein(test.values[name], own.values[name])
    figures["Novelty"] = novelty(valid, train)
    return figures


def valid_smiles(samples: Sequence[str | None], processes: int = 1) -> list[str]:
    """Canonical SMILES of the samples that RDKit accepts, in order."""
    texts = [text or "" for text in samples]
    found: list[Any] = features.compute(texts, ["canonical"], processes)["canonical"]
    return [smiles for smiles in found if smiles]
