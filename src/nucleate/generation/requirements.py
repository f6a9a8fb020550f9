"""Requirements of a structure, tested on the structure alone, however it was made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.latent.latent_model import LatentModel
from nucleate.matter.base import Matter
from nucleate.matter.conditions import Columns, Constraint, Guide, ScaffoldConstraint
from nucleate.novelty.representatives import Representatives
from nucleate.regression.latent_linear import Predict, heads_of, known_predictor
from nucleate.settings.sample import ConditionSettings, Window


class Requirement(ABC):
    """One condition.

    Attributes:
        first: structures that fail it are not tested further: the rest may be expensive, and says
            nothing of structures that are of another kind than was asked for.
    """

    first: ClassVar[bool] = False

    @abstractmethod
    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        """Numbers to show by column, and why each structure fails (empty if it does not)."""


class NotGiven(Requirement):
    """Not one of the structures that were given.

    Args:
        given: why not, by structure.
    """

    def __init__(self, given: Mapping[str, str], matter: Matter):
        self.given = dict(given)
        self.own = Representatives(matter.identity, given)

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        return {}, [self._reason(structure) for structure in structures]

    def _reason(self, structure: str) -> str:
        own = self.own.find(structure)
        return "" if own is None else self.given[own]


class HasScaffold(Requirement):
    """Holds the part, grown where that was asked for."""

    def __init__(self, growth: ScaffoldConstraint):
        self.growth = growth

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        return {}, ["" if h else "scaffold_not_kept" for h in self.growth.holds(structures)]


class MeetsConstraint(Requirement):
    """Meets what the decoder was made to keep, also as the structure that it turns out to be."""

    first = True

    def __init__(self, constraint: Constraint):
        self.constraint = constraint

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        return self.constraint.judge(structures)


class WithinDistance(Requirement):
    """Nearness to a reference within a window, or merely shown.

    Args:
        suffix: of the columns' names.
    """

    def __init__(self, guide: Guide, reference: str, window: Window | None, suffix: str = ""):
        self.guide, self.reference, self.window, self.suffix = guide, reference, window, suffix

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        found = self.guide.near(structures, self.reference)
        columns = {name + self.suffix: values for name, values in found.items()}
        name = self.guide.nearness[0]
        return columns, _reasons_outside(found[name], self.window, name)


class PropertyInWindow(Requirement):
    """A property within its window.

    Args:
        predict: of a property that cannot be computed: its head, asked for the latent vector that
            the structure encodes to.
    """

    def __init__(
        self, name: str, window: Window, model: LatentModel, predict: Predict | None = None
    ):
        self.name, self.window, self.model, self.predict = name, window, model, predict
        self.compute = None if predict else model.matter.properties.build(name, {}).compute

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        values = self.compute(structures) if self.compute else self._predictions(structures)
        return {self.name: values}, _reasons_outside(values, self.window, self.name)

    def _predictions(self, structures: Sequence[str]) -> NDArray[np.float64]:
        assert self.predict is not None
        latents, _ = self.model.encode(structures)
        with torch.no_grad():
            return self.predict(torch.from_numpy(latents)).numpy().astype(np.float64)


def _reasons_outside(values: NDArray[np.float64], window: Window | None, name: str) -> list[str]:
    if window is None:
        return [""] * len(values)
    low = -np.inf if window.low is None else window.low
    high = np.inf if window.high is None else window.high
    return [
        f"{name}_missing"
        if not np.isfinite(v)
        else f"{name}_too_low"
        if v < low
        else f"{name}_too_high"
        if v > high
        else ""
        for v in values
    ]


def windows_of(
    conditions: ConditionSettings, guide: Guide, predicted: Sequence[str] = ()
) -> dict[str, Window]:
    """Windows by the properties' own names, size among them.

    Args:
        predicted: names of properties that the model has heads for.

    Raises:
        SettingsError: unknown property, one given twice, or sizes where there are none.
    """
    out: dict[str, Window] = {}
    smallest, largest = conditions.minimum_size, conditions.maximum_size
    if smallest is not None or largest is not None:
        if guide.size_property is None:
            raise SettingsError(f"minimum_size, maximum_size: not offered for {guide.matter.name}")
        out[guide.size_property] = Window(low=smallest, high=largest)
    for written, window in conditions.property.items():
        name = guide.property_name(written) or _any_case(written, predicted)
        if name is None and (name := _any_case(written, guide.predicted)):
            raise SettingsError(f"property: {name} is only told by a model's head, and it has none")
        if name is None or name not in predicted:
            # Raises if it cannot be computed, and lists those that can.
            name = guide.matter.properties.build(name or written, {}).name
        if name in out:
            raise SettingsError(f"property: {name} is given twice (sizes count)")
        out[name] = window
    return out


def _any_case(name: str, known: Sequence[str]) -> str | None:
    return next((own for own in known if own.lower() == name.lower()), None)


def requirements_of(
    windows: Mapping[str, Window], model: LatentModel, guide: Guide
) -> list[Requirement]:
    """A requirement for each window. What can be computed is computed; only the rest is asked of
    the model's heads."""
    heads = heads_of(model)
    known = model.matter.properties.descriptions()
    return [
        PropertyInWindow(
            name,
            window,
            model,
            None if name in known else known_predictor(model, guide, name, heads),
        )
        for name, window in windows.items()
    ]
