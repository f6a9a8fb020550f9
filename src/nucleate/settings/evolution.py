"""Settings of screened evolution (see `nucleate.search.evolution.screened_evolution`)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from nucleate.core.settings import Fraction, Settings

Natural = Annotated[int, Field(ge=0)]
Factor = Annotated[float, Field(ge=0)]


class EvolutionSettings(Settings):
    """How screened evolution goes about its search."""

    RENAMED: ClassVar[dict[str, str]] = {
        "optimism": "ucb_factor",
        "boldness": "sampling_temperature",
        "restless": "exploration_growth",
        "retire": "stagnation_limit",
        "crowd": "niche_pool",
        "likeness": "niche_similarity",
        "front": "success_rank",
    }

    initial: Natural = 200
    """Structures of the data that are asked for first."""
    screened: Natural = 12
    """Children made for each question."""
    generations: Natural = 4
    """Of children between two questions."""
    breeding: Fraction = 0.5
    """Share of parents, from the second generation on, that are children themselves."""
    pool: Natural = 10_000
    """Structures of the data that the surrogate screens as well; 0 for none."""
    support: Natural = 1000
    """Scores that the surrogate rests on at most: the best, the latest and some others."""
    ucb_factor: Factor = 0.5
    """Factor of the deviation in the upper confidence bound by which candidates are bred and
    shortlisted."""
    shortlist: Natural = 6
    """Candidates for each question, of which a draw from their joint posterior picks the highest
    (Thompson sampling: the questions of one round differ as they should)."""
    sampling_temperature: Factor = 0.5
    """Factor of those draws' deviations from the mean."""
    patience: Natural = 250
    """Questions without a better top ten after which `ucb_factor` and `sampling_temperature` have
    doubled; they grow on until something better is found."""
    exploration_growth: Factor = 4.0
    """Most times that both grow."""
    stagnation_limit: Natural = 1000
    """Questions without a better top ten after which the best one's family is left alone (see
    `nucleate.search.evolution.families`); 0 for never."""
    niching: Fraction = 0.5
    """Share of parents drawn by niches."""
    niche_pool: Natural = 500
    """Best scores that are sorted into niches."""
    niche_similarity: Fraction = 0.5
    """Similarity from which structures share a niche."""
    refit: Natural = 500
    """Questions after which the kernel is chosen anew."""
    floor: Fraction = 0.025
    """Share of children that every operator makes at least."""
    success_rank: Natural = 100
    """Scores among which a child counts as a success of its operator."""
    screen: bool = True
    """Whether there is a surrogate at all; without, children are asked for as they come."""
    plausible: Fraction = 0.5
    """Share of parents and of questions that are of structures which the model finds plausible: a
    search of its own within the search, which does not drift."""
    quota: Natural = 0
    """Structures of one group that may be parents, the best of it; 0 for no such limit."""
