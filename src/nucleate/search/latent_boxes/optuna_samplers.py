"""Optuna samplers over a region and the coordinates within it.

Optuna's own CmaEsSampler pickles its state into the storage and unpickles it from there, knows
one box only, and warns about the options that would change that; `RegionCmaSampler` drives the
`cmaes` library instead and rebuilds its state from the finished trials.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import cmaes
import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from nucleate.search.latent_boxes.regions import SearchSpace
from nucleate.search.trial_attributes import OUTCOME

REGION = "region"
"""Name of the parameter that picks the region."""
SIGMA = 0.7
"""First step size of CMA-ES, in half-widths of a region. A greedy decoder writes one structure for
many points: for 200 structures scored for QED (two seeds) 0.4 decoded 704 and 1,057 points, 0.7 507
and 532, and the best new ones score .9455 and .9455 instead of .9450 and .9404. A temperature of
0.7 instead did not help (.9383 and .9463)."""


def coordinate_names(dimensions: int) -> list[str]:
    """Parameter names of the search coordinates."""
    return [f"x{i:02d}" for i in range(dimensions)]


def distributions(regions: int, dimensions: int) -> dict[str, BaseDistribution]:
    """The search space: a region and coordinates in [-1, 1]."""
    space: dict[str, BaseDistribution] = {REGION: CategoricalDistribution(list(range(regions)))}
    space |= {name: FloatDistribution(-1.0, 1.0) for name in coordinate_names(dimensions)}
    return space


def latents_of(space: SearchSpace, parameters: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
    """Latent vectors [n, D] of the parameters of n trials."""
    names = coordinate_names(space.dimensions)
    regions = np.array([p[REGION] for p in parameters], dtype=np.int64)
    coordinates = np.array([[p[name] for name in names] for p in parameters])
    return space.latent(regions, coordinates)


def build_sampler(
    kind: str, *, regions: int, dimensions: int, batch: int, seed: int, finished: int
) -> BaseSampler:
    """A sampler for the next batch.

    Args:
        kind: `tpe`, `cmaes`, `gp`, `nsga2`, `nsga3`, `qmc` or `random`.
        batch: trials asked for together.
        finished: trials told so far. Samplers draw from a stream of (seed, finished), so that a
            resumed study goes on as an uninterrupted one would have.
    """
    stream = int(np.random.SeedSequence([seed, finished]).generate_state(1)[0])
    if kind == "cmaes":
        return RegionCmaSampler(regions, dimensions, batch, seed)
    if kind == "tpe":
        return optuna.samplers.TPESampler(seed=stream, n_startup_trials=max(10, batch))
    if kind == "gp":
        return optuna.samplers.GPSampler(seed=stream, warn_independent_sampling=False)
    if kind == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=stream, population_size=max(4, batch))
    if kind == "random":
        return optuna.samplers.RandomSampler(seed=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if kind == "nsga3":
            return optuna.samplers.NSGAIIISampler(seed=stream, population_size=max(4, batch))
        if kind == "qmc":
            # The place in the sequence is kept in the study, the seed must not change.
            return optuna.samplers.QMCSampler(
                scramble=True, seed=seed, warn_independent_sampling=False
            )
    raise ValueError(f"no sampler named {kind!r}")


class RegionCmaSampler(BaseSampler):
    """One CMA-ES (Hansen, arXiv:1604.00772) in every region, and a choice between regions.

    Every region is given one generation; then the better half of the regions take turns. Regions
    are ranked by the mean value of their last generation, where a trial that found nothing new
    counts 0, so that an exhausted region falls behind. A region whose whole generation found
    nothing new, or whose CMA-ES has converged, starts afresh from a random point of its box.

    The state is a function of seed and finished trials (every `population` completed trials of a
    region, by number, are one generation), so it is rebuilt from the storage, never unpickled.

    Args:
        batch: trials asked for together; a generation is at least batch / regions.
        seed: of all randomness.
    """

    def __init__(self, regions: int, dimensions: int, batch: int, seed: int):
        usual = 4 + int(3 * np.log(max(1, dimensions)))
        self.population = max(usual, -(-batch // regions))
        self._space = distributions(regions, dimensions)
        self._names = coordinate_names(dimensions)
        self._seed = seed
        self._states = [_Region(dimensions, self.population, (seed, r)) for r in range(regions)]
        self._loaded = False

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All parameters, from the first trial on."""
        return self._space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The next point of the region whose turn it is."""
        self._load(study)
        region = self._turn()
        state = self._states[region]
        stream = np.random.SeedSequence([self._seed, region, state.asked])
        point = state.ask(int(stream.generate_state(1)[0]))
        return {REGION: region, **dict(zip(self._names, point.tolist(), strict=True))}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Never needed: every parameter is in the relative search space."""
        raise ValueError(f"unknown search parameter {param_name!r}")

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Learn from a finished trial."""
        if not self._loaded or REGION not in trial.params:
            return
        region = self._states[trial.params[REGION]]
        if state == TrialState.COMPLETE and values is not None:
            self._learn(trial, values[0])
        else:
            region.asked -= 1  # its place is asked for again

    def _learn(self, trial: FrozenTrial, value: float) -> None:
        point = np.array([trial.params[name] for name in self._names])
        new = trial.user_attrs.get(OUTCOME) == "new"
        self._states[trial.params[REGION]].tell(point, value, new)

    def _load(self, study: optuna.Study) -> None:
        """Replay the finished trials of an earlier process, once."""
        if self._loaded:
            return
        self._loaded = True
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            self._states[trial.params[REGION]].asked += 1
            self._learn(trial, trial.values[0])

    def _turn(self) -> int:
        """Index of the region to ask next."""
        regions = range(len(self._states))
        for region in regions:
            if self._states[region].asked < self.population:
                return region
        for region in regions:
            if self._states[region].asked % self.population:
                return region
        ranked = sorted(regions, key=lambda r: -self._states[r].mean_value)
        better = ranked[: max(1, (len(ranked) + 1) // 2)]
        return min(better, key=lambda r: self._states[r].asked)


class _Region:
    """CMA-ES in one region. `asked` counts trials that are running or completed."""

    def __init__(self, dimensions: int, population: int, seed: tuple[int, int]):
        self._dimensions = dimensions
        self._population = population
        self._rng = np.random.default_rng(seed)
        self._optimizer = self._start(np.zeros(dimensions))
        self._told: list[tuple[NDArray[np.float64], float]] = []
        self._fresh: list[float] = []
        self._any_new = False
        self.asked = 0
        self.mean_value = 0.0

    def _start(self, mean: NDArray[np.float64]) -> Any:
        padded = self._pad(mean)
        bounds = np.array([[-1.0, 1.0]] * len(padded))
        return cmaes.CMA(mean=padded, sigma=SIGMA, bounds=bounds, population_size=self._population)

    def _pad(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        # `cmaes.CMA` learns a covariance and so needs at least two dimensions.
        return np.pad(point, (0, max(0, 2 - len(point))))

    def ask(self, seed: int) -> NDArray[np.float64]:
        self.asked += 1
        self._optimizer.reseed_rng(seed)
        point: NDArray[np.float64] = self._optimizer.ask()[: self._dimensions]
        return point

    def tell(self, point: NDArray[np.float64], value: float, new: bool) -> None:
        self._told.append((self._pad(point), -value))  # `cmaes` minimises
        # A structure that breaks a constraint has a value below 0, and yet is news.
        self._fresh.append(value if new else min(value, 0.0))
        self._any_new |= new and value != 0.0
        if len(self._told) < self._population:
            return
        self._optimizer.tell(self._told)
        self.mean_value = float(np.mean(self._fresh))
        if not self._any_new or self._optimizer.should_stop():
            self._optimizer = self._start(self._rng.uniform(-0.7, 0.7, self._dimensions))
        self._told, self._fresh, self._any_new = [], [], False
