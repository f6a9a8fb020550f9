"""A search around a lead, or among structures that keep a part: what may be asked for.

The conditions are those of `nucleate sample`, judged by the matter's own `Guide` on the structure
alone, however it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.generation.requirements import (
    HasScaffold,
    MeetsConstraint,
    NotGiven,
    Requirement,
    WithinDistance,
    requirements_of,
    windows_of,
)
from nucleate.generation.task import check_conditions
from nucleate.matter.conditions import Columns, Guide, ScaffoldConstraint
from nucleate.regression.latent_linear import heads_of
from nucleate.search.searcher import SearchTask
from nucleate.settings.sample import Window
from nucleate.settings.study import LocalSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.matter.base import Matter

LOOKED_AT = 20_000
"""Known structures at most that are looked through for such as meet the conditions."""
ADAPTED = 200
"""Of these, how many are changed so that they meet them, where none of them does."""


class Local:
    """What a local search may ask for, and where it starts.

    Args:
        settings: with at least one condition.
        training: known structures.
        seed: of the choice of known structures that are looked at.

    Raises:
        SettingsError: conditions that contradict each other or that the model cannot meet, or
            nothing to start from.

    Attributes:
        lead: structure string, or None.
        own: the lead and the part to keep: what is no result.
        starts: asked for first, the lead before all; they need not meet the conditions.
        data: known structures that do.
    """

    def __init__(
        self, model: LatentModel, settings: LocalSettings, training: Sequence[str], seed: int
    ):
        guide = model.matter.guide
        check_conditions(settings, model.matter, "local")
        constraint = guide.constraint(settings, model.codec)
        growth = None
        if settings.scaffold is not None:
            growth = guide.growth(settings.scaffold, model.codec, "scaffold")
        self.lead = None if settings.like is None else guide.read(settings.like, "like")
        self._check(model, growth)
        self.own = {} if self.lead is None else {self.lead: "the_lead_itself"}
        if growth is not None:
            self.own.setdefault(growth.part, "the_scaffold_itself")
        self.requirements: list[Requirement] = []
        if self.own:
            self.requirements.append(NotGiven(self.own, model.matter))
        if constraint is not None:
            self.requirements.insert(0, MeetsConstraint(constraint))
        if growth is not None:
            self.requirements.append(HasScaffold(growth))
        if self.lead is not None:
            self.requirements.append(WithinDistance(guide, self.lead, _window(guide, settings)))
        predicted = list(heads_of(model)) if settings.property else []
        windows = windows_of(settings, guide, predicted)
        if windows:  # else the model's heads are not needed
            self.requirements += requirements_of(windows, model, guide)
        order = np.random.default_rng([seed, 4]).permutation(len(training))[:LOOKED_AT]
        known = [training[i] for i in order]
        self.data = [s for s, ok in zip(known, self.accept(known).tolist(), strict=True) if ok]
        starts = list(self.own)
        if constraint is not None:
            near = known[:ADAPTED] if self.lead is None and not self.data else starts
            changed = constraint.starting_points(near)[0]
            starts += [s for s, ok in zip(changed, self.accept(changed), strict=True) if ok]
        self.starts = list(dict.fromkeys(starts))
        if not self.starts and not self.data:
            raise SettingsError(
                f"local: none of {len(known):,} known structures meets the conditions; give a lead "
                "to start from (like)"
            )

    def _check(self, model: LatentModel, growth: ScaffoldConstraint | None) -> None:
        """Refuse a lead that the search could not start from."""
        if self.lead is None:
            return
        if growth is not None and self.lead != growth.part and not growth.holds([self.lead])[0]:
            raise SettingsError("local: like and scaffold contradict: the lead does not hold it")
        refuse_forbidden(model.matter, self.lead)
        _, refused = model.encode([self.lead])
        for error in refused.values():
            raise SettingsError(f"local: like: the model cannot hold it ({error})")

    def bound(self, task: SearchTask) -> SearchTask:
        """Return a search that keeps to the conditions."""
        return replace(task, starts=self.starts, accept=self.accept, accepted=self.data)

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        """Numbers of structures by column, NaN where not looked at, and why each fails (empty if it
        does not)."""
        reasons = [""] * len(structures)
        columns: Columns = {}
        for requirement in self.requirements:
            places = [place for place, reason in enumerate(reasons) if not reason]
            if not places:
                break
            found, failed = requirement.judge([structures[place] for place in places])
            for name, values in found.items():
                columns.setdefault(name, np.full(len(structures), np.nan))[places] = values
            for place, reason in zip(places, failed, strict=True):
                reasons[place] = reason
        return columns, reasons

    def accept(self, structures: Sequence[str]) -> NDArray[np.bool_]:
        """Which structures may be asked for, [n]."""
        return np.array([not reason for reason in self.judge(structures)[1]], np.bool_)


def refuse_forbidden(matter: Matter, lead: str) -> None:
    """Refuse a lead that is never scored.

    Raises:
        SettingsError: with the reason.
    """
    (why,) = matter.checks.reasons_to_forbid([lead])
    if why:
        raise SettingsError(f"local: like: {lead} is never scored: {why}")


def _window(guide: Guide, settings: LocalSettings) -> Window:
    """Where nearness to the lead shall lie; if nobody says, as near as one likes."""
    window = guide.window(settings)
    if window is not guide.nearness[1]:
        return window
    return Window(low=window.low) if guide.nearer > 0 else Window(high=window.high)
