"""Stable, unique and novel crystals: relaxed with CHGNet, held against the data set's own hull."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.crystals.wyckoff.matching import same_crystal
from nucleate.datasets.resumable import map_to_lines
from nucleate_benchmarks.common.figures import Figure, Section, combined
from nucleate_benchmarks.crystals.identity import unique_and_novel
from nucleate_benchmarks.crystals.stability.energies import EnergyReference

NEAR_HULL = 0.1
"""eV/atom: the share below stands in the report beside the stable share."""
CHUNK = 12
"""Crystals that take their steps together."""
RESAMPLES = 1000
"""Of the bootstrap that gives a median its standard error."""
REASON_SHOWN = 40


@dataclass(frozen=True)
class Relaxing:
    """How crystals are relaxed.

    Attributes:
        force: threshold of the largest force (eV/A) and of the largest virial per atom (eV).
        steps: optimiser steps at most; what has not converged by then counts as it stands.
        keep_symmetry: whether the space group is kept.
    """

    force: float = 0.1
    steps: int = 150
    keep_symmetry: bool = True
    device: str = "cpu"

    def file(self, folder: Path | None) -> Path | None:
        """Where results of just these options are kept."""
        if folder is None:
            return None
        kind = "kept" if self.keep_symmetry else "free"
        return folder / f"relaxed-{kind}-{self.force:g}-{self.steps}.jsonl"


def relax_rows(crystals: list[str], how: Relaxing) -> list[dict[str, Any]]:
    """Relax a chunk; plain rows for worker processes."""
    from nucleate.crystals.energy.energy_model import energy_model
    from nucleate.crystals.energy.relaxation import relax

    found = relax(
        crystals,
        fmax=how.force,
        maximum_steps=how.steps,
        keep_symmetry=how.keep_symmetry,
        model=energy_model(device=how.device),
    )
    return [
        {
            "crystal": one.string,
            "energy": one.energy if np.isfinite(one.energy) else None,
            "start_energy": one.start_energy if np.isfinite(one.start_energy) else None,
            "steps": one.steps,
            "converged": one.converged,
            "reason": one.reason,
        }
        for one in found
    ]


def relax_all(
    crystals: Sequence[str],
    how: Relaxing,
    folder: Path | None,
    processes: int,
    done: Callable[[int], object] = lambda count: None,
) -> list[dict[str, Any]]:
    """`relax_rows` of many, kept in `folder`."""
    return map_to_lines(
        partial(relax_rows, how=how),
        crystals,
        how.file(folder),
        processes=processes if how.device == "cpu" else 1,
        chunk=CHUNK,
        done=done,
    )


NOTES = {
    "stable, unique and novel": "at most {threshold:g} eV/atom above the hull, first of its kind "
    "among the samples, no training crystal matches; relaxed crystals, of all samples",
    "stable": "at most {threshold:g} eV/atom above the hull, of all samples",
    "unique and novel": "of all samples, relaxed ones compared",
    "below 0.1 eV/atom": "above the hull, of all samples",
    "e_hull median": "eV/atom, of those with an energy",
    "with an energy": "CHGNet accepts them and every element has a reference",
    "converged": "within the steps, of all samples",
    "mean steps": "of those that start",
    "relaxes into itself": "StructureMatcher's defaults, of all samples",
}


@dataclass(frozen=True)
class Outcome:
    """Numbers of one set of samples, and their standard errors (of shares and of the median)."""

    numbers: dict[str, float]
    errors: dict[str, float]
    reasons: dict[str, int]


def measure(
    samples: Sequence[str | None],
    rows: Sequence[dict[str, Any] | None],
    ruler: EnergyReference,
    known: Sequence[str],
    threshold: float,
    seed: int = 0,
    processes: int = 1,
) -> Outcome:
    """The figures named in `NOTES`.

    Args:
        samples: n crystals as drawn, None where nothing was decoded.
        rows: what `relax_all` made of each.
        known: training crystals.
        threshold: of stability, eV/atom above the hull.
    """
    n = len(samples)
    places, crystals, energies = [], [], []
    for place, row in enumerate(rows):
        if row is not None and row["crystal"]:
            places.append(place)
            crystals.append(str(row["crystal"]))
            energies.append(np.nan if row["energy"] is None else row["energy"])
    heights = np.full(n, np.nan)
    heights[places] = ruler.heights(crystals, np.array(energies, np.float64))
    unique, novel, itself = (np.zeros(n, bool) for _ in range(3))
    unique[places], novel[places] = unique_and_novel(crystals, known, processes)
    itself[places] = [_same(samples[i], c) for i, c in zip(places, crystals, strict=True)]
    finite = np.isfinite(heights)
    reached = np.where(finite, heights, np.inf)
    stable, near = reached <= threshold, reached < NEAR_HULL
    converged = np.array([bool(row and row["converged"]) for row in rows], bool)
    shares: dict[str, NDArray[np.bool_]] = {
        "stable, unique and novel": stable & unique & novel,
        "stable": stable,
        "unique and novel": unique & novel,
        "below 0.1 eV/atom": near,
        "with an energy": finite,
        "converged": converged,
        "relaxes into itself": itself,
    }
    numbers = {name: float(values.mean()) for name, values in shares.items()}
    errors = {name: float(np.sqrt(p * (1 - p) / n)) for name, p in numbers.items()}
    steps = [row["steps"] for row in rows if row and row["start_energy"] is not None]
    numbers["mean steps"] = float(np.mean(steps)) if steps else float("nan")
    numbers["e_hull median"] = float(np.median(heights[finite])) if finite.any() else float("nan")
    errors["e_hull median"] = median_error(heights[finite], seed)
    reasons = Counter(
        "nothing was decoded" if row is None else row["reason"][:REASON_SHOWN]
        for row in rows
        if row is None or row["reason"]
    )
    return Outcome({name: numbers[name] for name in NOTES}, errors, dict(reasons.most_common()))


def _same(first: str | None, second: str) -> bool:
    try:
        return first is not None and same_crystal(first, second)
    except (NucleateError, ValueError):
        return False


def median_error(values: NDArray[np.float64], seed: int = 0) -> float:
    """Standard error of a median by the bootstrap; NaN below two values."""
    if len(values) < 2:
        return float("nan")
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(values), size=(RESAMPLES, len(values)))
    return float(np.median(values[picks], axis=1).std(ddof=1))


def section(
    outcomes: Sequence[Outcome],
    beside: dict[str, Outcome],
    n: int,
    threshold: float,
    how: Relaxing,
    ruler: EnergyReference,
    inside: str,
) -> Section:
    """The figures of each seed's samples beside the controls'; `inside` tells which draws."""
    notes = {name: text.format(threshold=threshold) for name, text in NOTES.items()}
    found = combined(
        [one.numbers for one in outcomes],
        n,
        {name: one.numbers for name, one in beside.items()},
        notes,
    )
    figures = [_with_error(figure, outcomes[0].errors) for figure in found]
    references = ruler.references
    median, mean = references.median_error, references.mean_error
    note = (
        f"{inside} CHGNet, {'symmetry kept' if how.keep_symmetry else 'symmetry free'}, to "
        f"{how.force:g} eV/A within {how.steps} steps. Element references regressed on "
        f"{references.crystals} crystals of the data (held out: median error {median:.3f}, mean "
        f"{mean:.3f} eV/atom). Hull: entries of all splits. After ±: standard error, or deviation "
        "over the seeds."
    )
    return Section("Stability", figures, note)


def _with_error(figure: Figure, errors: dict[str, float]) -> Figure:
    if figure.seeds > 1 or figure.name not in errors:
        return figure
    return replace(figure, error=errors[figure.name])
