"""How screened evolution goes about its search (see
`nucleate.search.evolution.screened_evolution`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EvolutionSettings:
    """How screened evolution goes about it.

    Attributes:
        initial: structures of the data that are asked for first.
        screened: children made for each question.
        generations: of children between two questions.
        breeding: share of parents, from the second generation on, that are children themselves.
        pool: structures of the data that the surrogate screens as well; 0 for none.
        support: scores that the surrogate rests on at most: the best, the latest and some others.
        optimism: factor of the deviation by which candidates are bred and shortlisted.
        shortlist: candidates for each question, of which a draw from their joint posterior picks
            the highest (Thompson sampling: the questions of one round differ as they should).
        boldness: factor of the draws' deviations from the mean.
        patience: questions without a better top ten after which optimism and boldness have doubled;
            they grow on, up to `restless` times, until something better is found.
        retire: questions without a better top ten after which the best one's family is left alone
            (see `nucleate.search.evolution.families`); 0 for never.
        niching: share of parents drawn by niches.
        crowd: best scores that are sorted into niches.
        likeness: similarity from which structures share a niche.
        refit: questions after which the kernel is chosen anew.
        floor: share of children that every operator makes at least.
        front: scores among which a child counts as a success of its operator.
        screen: whether there is a surrogate at all; without, children are asked for as they come.
        plausible: share of parents and of questions that are of structures which the model finds
            plausible: a search of its own within the search, which does not drift.
        quota: structures of one group that may be parents, the best of it; 0 for no such limit.
    """

    initial: int = 200
    screened: int = 12
    generations: int = 4
    breeding: float = 0.5
    pool: int = 10_000
    support: int = 1000
    optimism: float = 0.5
    shortlist: int = 6
    boldness: float = 0.5
    patience: int = 250
    restless: float = 4.0
    retire: int = 1000
    niching: float = 0.5
    crowd: int = 500
    likeness: float = 0.5
    refit: int = 500
    floor: float = 0.025
    front: int = 100
    screen: bool = True
    plausible: float = 0.5
    quota: int = 0
