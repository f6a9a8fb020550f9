"""GuacaMol's distribution-learning metrics (Brown et al., J. Chem. Inf. Model. 59 (2019) 1096).

They follow the code of `guacamol` 0.5.5, with `fcd_torch` in the place of its network (the same
weights). Stereo is left out of uniqueness, novelty and the KL divergences, as there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleate_benchmarks.molecules import features
from nucleate_benchmarks.molecules.chemnet import Statistics, chemnet_statistics, frechet_distance
from nucleate_benchmarks.molecules.tanimoto import nearest

NUMBER = 10_000
"""Molecules that each metric asks of a generator."""
CONTINUOUS = ("BertzCT", "MolLogP", "MolWt", "TPSA")
DISCRETE = (
    "NumHAcceptors",
    "NumHDonors",
    "NumRotatableBonds",
    "NumAliphaticRings",
    "NumAromaticRings",
)
BITS = "morgan_4096"
_MARKED = re.compile(r"[@/\\]|\[\d")
FLOOR = 1e-10
"""Added to densities before their divergence is taken."""


def continuous_divergence(baseline: NDArray[np.float64], sampled: NDArray[np.float64]) -> float:
    """KL(baseline || sampled) of Gaussian kernel densities on 1,000 points over the joint range.

    NaN where a density cannot be estimated (fewer than two values, or all equal).
    """
    from scipy.stats import entropy, gaussian_kde

    joint = np.concatenate([baseline, sampled])
    if min(len(baseline), len(sampled)) < 2 or min(np.ptp(baseline), np.ptp(sampled)) == 0:
        return math.nan
    points = np.linspace(joint.min(), joint.max(), 1000)
    densities = [gaussian_kde(values)(points) + FLOOR for values in (baseline, sampled)]
    return float(entropy(*densities))


def discrete_divergence(baseline: NDArray[np.float64], sampled: NDArray[np.float64]) -> float:
    """KL(baseline || sampled) of histograms in ten bins over the baseline's range."""
    from scipy.stats import entropy

    if not len(baseline) or not len(sampled):
        return math.nan
    first, edges = np.histogram(baseline, bins=10)
    second, _ = np.histogram(sampled, bins=edges)
    widths = np.diff(edges)
    densities = [counts / max(1, counts.sum()) / widths + FLOOR for counts in (first, second)]
    return float(entropy(*densities))


@dataclass(frozen=True)
class Descriptors:
    """Descriptors and nearest-neighbour similarities of distinct molecules without stereo."""

    values: dict[str, NDArray[np.float64]]
    similarity: NDArray[np.float64]


def describe(smiles: Collection[str], processes: int = 1, device: str = "cpu") -> Descriptors:
    """Compute what the KL divergences compare."""
    columns = features.compute(list(smiles), [BITS, *CONTINUOUS, *DISCRETE], processes)
    values = {}
    for name in (*CONTINUOUS, *DISCRETE):
        numbers = features.numbers(columns[name])
        values[name] = np.where(np.isfinite(numbers), numbers, 0.0)
    bits = features.packed(columns[BITS])
    return Descriptors(values, nearest(bits, bits, device, exclude_self=True))


@dataclass(frozen=True)
class Reference:
    """The training set as the metrics see it.

    Attributes:
        flat: canonical SMILES without stereo of all of it.
        descriptors: of a random part of `NUMBER` molecules.
        chemnet: of the same part.
    """

    flat: AbstractSet[str]
    descriptors: Descriptors
    chemnet: Statistics


def without_stereo(smiles: Sequence[str], processes: int = 1) -> list[str]:
    """Canonical SMILES without stereo and isotopes of canonical SMILES with them."""
    # Strings without such a mark are what they would become.
    marked = [i for i, text in enumerate(smiles) if _MARKED.search(text)]
    out = list(smiles)
    written = features.compute([smiles[i] for i in marked], ["flat"], processes)["flat"]
    for i, text in zip(marked, written, strict=True):
        out[i] = text or smiles[i]
    return out


def reference(
    train: Sequence[str], seed: int = 42, processes: int = 1, device: str = "cpu"
) -> Reference:
    """Prepare a training set of canonical SMILES."""
    flat = without_stereo(train, processes)
    size = min(NUMBER, len(train))
    part = np.random.default_rng(seed).choice(len(train), size, replace=False)
    chosen = dict.fromkeys(flat[i] for i in part)
    return Reference(
        set(flat),
        describe(chosen, processes, device),
        chemnet_statistics([train[i] for i in part], processes, device),
    )


def guacamol_metrics(
    samples: Sequence[str | None],
    train: Reference,
    *,
    processes: int = 1,
    device: str = "cpu",
) -> dict[str, float]:
    """All metrics of a list of samples, of which the first are taken as far as each one asks.

    With fewer samples than `NUMBER` all that there are stand for it.

    Returns:
        `validity`, `uniqueness`, `novelty`, `KL divergence` (the score), `FCD` (the score
        exp(-0.2 d)), `FCD distance`, and each divergence as `KL NAME`.
    """
    number = min(NUMBER, len(samples))
    if number == 0:
        return {}
    texts = [text or "" for text in samples]
    columns = features.compute(texts, ["canonical", "flat"], processes)
    canonical, flat = columns["canonical"], columns["flat"]
    valid = [i for i, text in enumerate(canonical) if text][:number]
    # A generator is asked for distinct molecules twice over and no more.
    distinct: dict[str, int] = {}
    for i, text in enumerate(canonical[: 2 * number]):
        if text and len(distinct) < number:
            distinct.setdefault(text, i)
    unique = dict.fromkeys(flat[i] for i in distinct.values())
    distance = frechet_distance(
        train.chemnet, chemnet_statistics([canonical[i] for i in valid], processes, device)
    )
    divergences = kl_divergences(train.descriptors, describe(unique, processes, device))
    return {
        "validity": sum(bool(text) for text in canonical[:number]) / number,
        "uniqueness": len({flat[i] for i in valid}) / number,
        "novelty": len(unique.keys() - train.flat) / number,
        "KL divergence": float(np.mean(np.exp(-np.array(list(divergences.values()))))),
        "FCD": math.exp(-0.2 * distance),
        "FCD distance": distance,
        **{f"KL {name}": value for name, value in divergences.items()},
    }


def kl_divergences(baseline: Descriptors, sampled: Descriptors) -> dict[str, float]:
    """The ten divergences of samples from the training set, nats."""
    out = {
        name: continuous_divergence(baseline.values[name], sampled.values[name])
        for name in CONTINUOUS
    }
    out |= {
        name: discrete_divergence(baseline.values[name], sampled.values[name]) for name in DISCRETE
    }
    out["internal_similarity"] = continuous_divergence(baseline.similarity, sampled.similarity)
    return out
