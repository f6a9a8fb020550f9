"""CDVAE's success rates of latent optimisation (Xie et al. 2022, section 5.3).

From each of 100 test crystals a search looks for a lower formation energy; its ten best crystals go
to a judge that had no part in it, and the start succeeds if the best of them is as low as the 5th
(10th, 15th) percentile of the data's energies. Our judge is CHGNet with references regressed on
the data: on the crystals as decoded, and on the best few of them relaxed, since a generated crystal
is a guess at a minimum and CHGNet, unlike the predictor of the published figures, punishes a
displacement of a tenth of an angstrom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.latent.latent_model import LatentModel
from nucleate_benchmarks.common.figures import Figure, Section
from nucleate_benchmarks.crystals.controls import replayed
from nucleate_benchmarks.crystals.data import CrystalData
from nucleate_benchmarks.crystals.settings import OptimisationSettings
from nucleate_benchmarks.crystals.stability import optimisation as search
from nucleate_benchmarks.crystals.stability.energies import References, chgnet_energies, labelled
from nucleate_benchmarks.crystals.stability.stability import Relaxing, relax_all
from nucleate_benchmarks.crystals.validity import SCALED

PERCENTILES = (5, 10, 15)
RELAXED = 3
"""Crystals of a start that are relaxed: those that CHGNet finds lowest as they are."""
SEARCH = "latent search"
HEAD = "R2 of the head on latent vectors"
Rates = dict[str, float]
Echo = Callable[[str], object]


def _hidden(
    text: str, total: int, unit: str = ""
) -> AbstractContextManager[Callable[[int], object]]:
    return nullcontext(lambda count: None)


@dataclass(frozen=True)
class Judge:
    """CHGNet's formation energies.

    Attributes:
        references: that put CHGNet on the data's scale.
        work: folder where energies and relaxations are kept.
        how: relaxation; None judges crystals as they are only.
    """

    references: References
    work: Path
    processes: int = 1
    device: str = "cpu"
    how: Relaxing | None = None

    def formation(self, crystals: Sequence[str]) -> NDArray[np.float64]:
        """eV/atom of crystals as they are, [n]; NaN where CHGNet refuses or knows no reference."""
        file = self.work / "energies.jsonl"
        found = chgnet_energies(crystals, file, self.processes, self.device)
        return self.references.formation(crystals, found)

    def as_decoded(self, rows: Sequence[Sequence[str]]) -> list[list[float]]:
        """Energies of each start's crystals."""
        every = list(dict.fromkeys(crystal for row in rows for crystal in row))
        found = dict(zip(every, self.formation(every).tolist(), strict=True))
        return [[found[crystal] for crystal in row] for row in rows]

    def relaxed(
        self, rows: Sequence[Sequence[str]], energies: Sequence[Sequence[float]]
    ) -> list[list[float]]:
        """Energies after relaxation of each start's `RELAXED` lowest crystals.

        Args:
            energies: of the crystals as they are.
        """
        assert self.how is not None
        chosen = []
        for row, values in zip(rows, energies, strict=True):
            pairs = [(v, c) for v, c in zip(values, row, strict=True) if np.isfinite(v)]
            chosen.append([crystal for _, crystal in sorted(pairs)[:RELAXED]])
        every = list(dict.fromkeys(crystal for row in chosen for crystal in row))
        results = relax_all(every, self.how, self.work, self.processes)
        ended = [(c, r) for c, r in zip(every, results, strict=True) if r["crystal"]]
        final = np.array(
            [np.nan if r["energy"] is None else r["energy"] for _, r in ended], np.float64
        )
        values = self.references.formation([str(r["crystal"]) for _, r in ended], final).tolist()
        found = dict(zip([c for c, _ in ended], values, strict=True))
        return [[found.get(crystal, float("nan")) for crystal in row] for row in chosen]


def success_rates(energies: Sequence[Sequence[float]], thresholds: Sequence[float]) -> Rates:
    """Share of starts whose lowest judged energy is at most each threshold.

    Args:
        energies: of each start's crystals, eV/atom; NaN counts as nothing.
        thresholds: percentiles of the data's energies, in the order of `PERCENTILES`.
    """
    lowest = [min((e for e in row if np.isfinite(e)), default=float("inf")) for row in energies]
    return {
        f"SR{percentile}": sum(value <= threshold for value in lowest) / max(1, len(lowest))
        for percentile, threshold in zip(PERCENTILES, thresholds, strict=True)
    }


def judged(
    judge: Judge,
    searched: Mapping[str, Sequence[Sequence[str]]],
    thresholds: Sequence[float],
    echo: Echo = lambda _: None,
) -> tuple[dict[str, Rates], dict[str, Rates]]:
    """Success rates by search, as decoded and after relaxation (empty without)."""
    plain: dict[str, Rates] = {}
    relaxed: dict[str, Rates] = {}
    for name, rows in searched.items():
        echo(f"judge with CHGNet: {name}")
        energies = judge.as_decoded(rows)
        plain[name] = success_rates(energies, thresholds)
        if judge.how is not None:
            final = judge.relaxed(rows, energies)
            # Relaxing only lowers what was valid before.
            both = [[*a, *b] for a, b in zip(energies, final, strict=True)]
            relaxed[name] = success_rates(both, thresholds)
    return plain, relaxed


def _figures(rates: Mapping[str, Rates], known: Rates | None, starts: int) -> list[Figure]:
    beside = {name: table for name, table in rates.items() if name != SEARCH}
    beside |= {} if known is None else {"known crystals": known}
    return [
        Figure(
            name,
            value,
            starts,
            controls={control: table[name] for control, table in beside.items()},
            note=f"starts that reach the {name.removeprefix('SR')}th percentile of the data",
            error=float(np.sqrt(value * (1 - value) / max(1, starts))),
        )
        for name, value in rates[SEARCH].items()
    ]


@dataclass
class Searches:
    """The search from test crystals, and its controls.

    Attributes:
        shown: opens a progress bar of a text, a total and a unit.
    """

    model: LatentModel
    data: CrystalData
    settings: OptimisationSettings
    judge: Judge
    seed: int = 0
    echo: Echo = lambda _: None
    shown: Callable[..., AbstractContextManager[Callable[[int], object]]] = _hidden

    def sections(self, controls: bool = True) -> list[Section]:
        """Search, judge, and set the rates beside the controls'."""
        thresholds = np.percentile(labelled(self.data).energies, PERCENTILES).tolist()
        scorer, spread = self._scorer()
        searched, known = self._searched(scorer, spread, thresholds, controls)
        plain, relaxed = judged(self.judge, searched, thresholds, self.echo)
        n = len(searched[SEARCH])
        head = scorer.head
        found = [
            *_figures(plain, known, n),
            Figure(HEAD, head.leave_one_out_r2, head.labels, note="leave-one-out"),
        ]
        out = [Section("Optimisation, judged as decoded", found, self._note(thresholds))]
        if relaxed and self.judge.how is not None:
            steps = self.judge.how.steps
            title = f"Optimisation, judged after at most {steps} steps of relaxation"
            text = (
                f"The {RELAXED} crystals of each start that CHGNet finds lowest are relaxed, "
                "symmetry kept. All else as above."
            )
            out.append(Section(title, _figures(relaxed, known, n), text))
        return out

    def _scorer(self) -> tuple[search.Scorer, NDArray[np.float32]]:
        """The oracle, and the spread of training latents."""
        self.echo("fit regressions of the energy to training crystals")
        train, oracle = self.data.train, self.settings.oracle
        latents = self.model.encode(train.crystals)[0]
        head = search.fit_energy_head(latents, train.energies, self.seed)
        score: search.Score | None = None
        if oracle == "composition":
            score = search.composition_oracle(train.crystals, train.energies, self.seed)
        elif oracle == "chgnet":
            score = self.judge.formation
        tie = search.TIE if oracle == "composition" else 0.0
        return search.Scorer(self.model, head, score, tie), np.nanstd(latents, axis=0)

    def _searched(
        self,
        scorer: search.Scorer,
        spread: NDArray[np.float32],
        thresholds: Sequence[float],
        controls: bool,
    ) -> tuple[dict[str, Sequence[Sequence[str]]], Rates | None]:
        s = self.settings
        chosen = replayed(self.data.test.crystals, s.starts, self.seed)
        starts = self.model.encode(chosen)[0]
        starts = starts[np.isfinite(starts).all(axis=1)]
        screened = s.screened if s.oracle == "chgnet" else 1
        with self.shown(f"climb from {len(starts)} test crystals", s.calls, "round") as done:
            climbers = search.climb(scorer, starts, spread, s.calls, self.seed, screened, done)
        searched: dict[str, Sequence[Sequence[str]]] = {
            SEARCH: [climber.best() for climber in climbers],
            "the starts": [[crystal] for crystal in chosen],
        }
        if not controls:
            return searched, None
        n = len(starts)
        self.echo(f"score {min(s.pool, n * s.calls):,} prior samples")
        searched["prior samples"] = search.from_prior(scorer, n, s.calls, s.pool, self.seed)
        asked = search.from_known(self.data.train.energies, n, s.calls, self.seed)
        return searched, success_rates(asked, thresholds)

    def _note(self, thresholds: Sequence[float]) -> str:
        s, references = self.settings, self.judge.references
        return (
            f"Oracle of the search: {s.oracle}; {s.calls} questions from each start. Judge: "
            f"CHGNet, references regressed on {references.crystals} crystals of the data (held "
            f"out: median error {references.median_error:.3f} eV/atom), on the ten crystals of "
            "each start that the oracle liked most, each valid (0.5 A, SMACT smact14) and with "
            f"contacts of at least {SCALED:g} of the radii. Percentiles: "
            f"{', '.join(f'{t:.3f}' for t in thresholds)} eV/atom. Controls: the starts as they "
            "are; as many prior samples scored by the same oracle; as many known training crystals "
            "at their own energies."
        )
