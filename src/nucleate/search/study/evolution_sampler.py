"""Nucleate's own search as an Optuna sampler.

study = optuna.create_study(
    direction="maximize", sampler=ScreenedEvolutionSampler(model, structures)
)
study.optimize(lambda trial: score(proposed_structure(trial)), n_trials=1000)
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nucleate.core.errors import InputError, StructureError
from nucleate.search.factories import build_searcher
from nucleate.search.repeats import Repeats
from nucleate.search.scalarisation import Scalarisation
from nucleate.search.searcher import SearchTask
from nucleate.search.study.structure_sampler import (
    StructureSampler,
    objective_signs,
    with_structure,
)
from nucleate.search.study.trial_index import TrialIndex
from nucleate.settings.evolution import EvolutionSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.matter.base import Matter


class ScreenedEvolutionSampler(StructureSampler):
    """Nucleate's own search as an Optuna sampler (see `evolution`).

    A study may have several objectives, and an objective may call `trial.set_constraint`. Then the
    search is told one score of all of them, another mix in each round, on the scale of the values
    so far; what breaks a constraint is told less than all that breaks none (see `Scalarisation`).

    No structure is proposed that is the same as one of the data or of the study's own, however it
    is written (see `repeats`); those of the data are proposed as they are there.

    Args:
        model: a trained model, e.g. `LatentModel.load("molecules")`.
        data: structures to start from, in any spelling. They are standardised, which takes about a
            millisecond for a molecule and longer for a crystal; unusable ones are left out with a
            warning.
        seed: of all randomness; workers that share a study need different ones.
        name: of the searcher, one of `nucleate.settings.searchers.searchers`.
        batch: proposals that are made together.
        settings: of the evolution.
        weights: of the study's objectives, where it has several; equal if not given.
        standardised: whether `data` is what Nucleate wrote (the `structure` of `records.parquet`,
            say) and is taken as it is.

    Raises:
        SettingsError: no such searcher.
        InputError: no structure of the data can be used.
    """

    def __init__(
        self,
        model: LatentModel,
        data: Sequence[str],
        seed: int = 0,
        *,
        name: str = "nucleate",
        batch: int = 20,
        settings: EvolutionSettings | None = None,
        weights: Sequence[float] | None = None,
        standardised: bool = False,
    ):
        if not standardised:
            data = standardise_all(model.matter, data)
        repeats = Repeats(model.matter.identity, data)
        chosen = settings or EvolutionSettings()
        searcher = build_searcher(SearchTask(name, model, data, seed, chosen, take=repeats.take))
        super().__init__(searcher, batch=batch, seed=seed, repeats=repeats)
        self._weights, self._seed = weights, seed

    def _check_objectives(self, count: int) -> None:
        if self.scalarise is None and (count > 1 or self._weights is not None):
            self.scalarise = self._scalarisation(count)
        super()._check_objectives(count)

    def _scalarisation(self, count: int) -> Scalarisation:
        weights = (1.0,) * count if self._weights is None else self._weights
        return Scalarisation(weights, self._seed, normalised=True)

    def _tell(self, index: TrialIndex) -> None:
        news = index.scored[self._observed :]
        if self.scalarise is None and any(trial.constraints for trial in news):
            # The first constraint that the objective sets: until then plain values were told.
            self.scalarise = self._scalarisation(1)
            told = with_structure(index.scored[: self._observed])
            self.scalarise.observe(told, objective_signs(index.study))
            self.scalarise.mark_observed()
        super()._tell(index)


def standardise_all(matter: Matter, structures: Sequence[str]) -> list[str]:
    """Distinct structures in their canonical form; those that cannot be read are left out.

    Raises:
        InputError: none can be read.
    """
    options = matter.reader.resolve({}, "data")
    out: dict[str, None] = {}
    reasons: Counter[str] = Counter()
    for structure in structures:
        try:
            out[matter.reader.standardise(structure, options).structure] = None
        except StructureError as error:
            reasons[error.reason] += 1
        except Exception as error:
            reasons[type(error).__name__] += 1  # a library's own failure on one odd structure
    if reasons:
        common = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common(3))
        said = f"{reasons.total():,} of {len(structures):,} structures cannot be used: {common}"
        if not out:
            raise InputError(f"data: {said}")
        warnings.warn(f"data: {said}; they are left out", stacklevel=3)
    return list(out)
