"""Conditions as a person gives them, made into parts that work together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.generation.importance import likely_ways
from nucleate.generation.latent_sources import ENDS, LeadSource, PathSource, PriorSource, Source
from nucleate.generation.requirements import (
    HasScaffold,
    MeetsConstraint,
    NotGiven,
    Requirement,
    WithinDistance,
    requirements_of,
    windows_of,
)
from nucleate.generation.starting_points import known_latents
from nucleate.generation.steering import Steering
from nucleate.latent.latent_model import LatentModel
from nucleate.matter.base import Matter
from nucleate.matter.conditions import Constraint, Guide, ScaffoldConstraint
from nucleate.regression.latent_linear import Corrected, heads_of, known_predictor
from nucleate.settings.model import DrawSettings
from nucleate.settings.sample import ConditionSettings, SampleSettings

_DRAWS = 2000
_NEAR = 400


@dataclass
class Task:
    """Everything that one generation needs.

    Attributes:
        source: of latent vectors.
        how: the draws' other settings, of which refinement is taken.
        temperature: of the decoder, at first.
        warming: whether the temperature may rise where the same structures come again and again.
        requirements: in the order in which they are reported.
        growth: of the part to keep, or None.
        constraint: what else the decoder is made to keep, or None.
        ways: to meet it, among which to choose where a proposal says nothing.
        steering: towards the windows of properties, or None where there are none.
    """

    source: Source
    how: DrawSettings
    temperature: float
    warming: bool
    requirements: list[Requirement]
    growth: ScaffoldConstraint | None
    constraint: Constraint | None
    ways: NDArray[np.int64]
    steering: Steering | None


def check_conditions(conditions: ConditionSettings, matter: Matter, where: str = "") -> None:
    """Refuse, before there is a model, what no model can meet.

    Args:
        where: settings file and section, for the message.

    Raises:
        SettingsError: a structure that cannot be read, an unknown property, or a contradiction.
    """
    guide = matter.guide
    try:
        guide.constraint(conditions, None)
        _read_given(conditions, guide)
        windows_of(conditions, guide, guide.predicted)
        if conditions.like is not None:
            guide.window(conditions)
        if conditions.scaffold is not None:
            _check_size(guide.growth(conditions.scaffold, None, "scaffold"), conditions, guide)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}" if where else str(error)) from None


def make_task(model: LatentModel, settings: SampleSettings, seed: int) -> Task:
    """Build what the conditions ask for.

    Raises:
        SettingsError: see `check_conditions`; also where the model cannot hold a structure.
    """
    conditions, guide = settings.conditions, model.matter.guide
    constraint = guide.constraint(conditions, model.codec)
    given = _read_given(conditions, guide)
    heads, how = heads_of(model), model.sampling(settings)
    told = [name for name in guide.linear_targets(model.codec) if name in guide.predicted]
    told = [name for name in told if known_predictor(model, guide, name, heads) is not None]
    windows = windows_of(conditions, guide, [*heads, *told])
    growth = None
    if conditions.scaffold is not None:
        growth = guide.growth(conditions.scaffold, model.codec, "scaffold")
        _check_size(growth, conditions, guide)
    requirements: list[Requirement] = []
    names = dict.fromkeys(given, "the_lead_itself" if conditions.like else "an_end_itself")
    if growth is not None:
        names[growth.part] = "the_scaffold_itself"
        requirements.append(HasScaffold(growth))
    if constraint is not None:
        requirements.insert(0, MeetsConstraint(constraint))
    if names:
        requirements.insert(0, NotGiven(names, model.matter))
    source: Source
    if conditions.like is not None:
        # A scaffold or a constraint says itself what is kept.
        variation = None if growth or constraint else guide.variation(given[0], model.codec)
        source = LeadSource(model, given[0], variation)
        requirements.append(WithinDistance(guide, given[0], guide.window(conditions)))
    elif conditions.between is not None:
        source = PathSource(model, given[0], given[1], guide)
        ends = zip(given, ENDS, strict=True)
        requirements += [WithinDistance(guide, end, None, suffix) for end, suffix in ends]
    else:
        source = PriorSource(model, how, seed, growth.part if growth else None, constraint)
    ways = np.zeros(1, np.int64)
    if constraint is not None and not isinstance(source, PriorSource):
        near = source.propose(_NEAR, np.random.default_rng(seed)).latents
        ways = likely_ways(model, constraint, near, seed)
    if settings.noise is not None:
        source.fix_amplitude(settings.noise)
    temperature = how.temperature
    if settings.temperature is None and source.temperature is not None:
        temperature = source.temperature
    requirements += requirements_of(windows, model, guide)
    steering = None
    if windows:
        predictors = {
            name: Corrected(known_predictor(model, guide, name, heads), model.size)
            for name in windows
        }
        draws = known_latents(model, _DRAWS, seed)
        if len(draws) < _DRAWS // 2:
            draws = model.draw_prior(_DRAWS, seed, how.prior_temperature)
        steering = Steering(windows, predictors, draws)
    warming = settings.temperature is None
    return Task(source, how, temperature, warming, requirements, growth, constraint, ways, steering)


def _read_given(conditions: ConditionSettings, guide: Guide) -> list[str]:
    """The structures that the conditions name, read: the lead, or both ends."""
    if conditions.like is not None:
        return [guide.read(conditions.like, "like")]
    if conditions.between is not None:
        ends = [guide.read(text, "between") for text in conditions.between]
        if ends[0] == ends[1]:
            raise SettingsError(f"between: both structures are {ends[0]}")
        return ends
    return []


def _check_size(growth: ScaffoldConstraint, conditions: ConditionSettings, guide: Guide) -> None:
    largest = conditions.maximum_size
    if largest is not None and growth.minimum_size > largest:
        raise SettingsError(
            f"scaffold: a structure that grows from {growth.part} has at least "
            f"{growth.minimum_size} {guide.size_unit}, but maximum_size is {largest}"
        )
