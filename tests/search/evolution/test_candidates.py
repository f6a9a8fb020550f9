"""The choice among a round's candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.regression.gaussian_process import Prediction
from nucleate.search.evolution.candidates import Candidates
from nucleate.search.searcher import Proposal


class Drawn:
    """A surrogate whose draws are given."""

    def __init__(self, draws: np.ndarray):
        self.draws = draws

    def sample(self, features: object, count: int, rng: np.random.Generator) -> np.ndarray:
        return self.draws


class Odd:
    """Finds structures of odd numbers plausible; counts what it was asked."""

    def __init__(self, sound: Sequence[bool]):
        self.sound, self.asked = sound, list[str]()

    def __call__(self, structures: Sequence[str]) -> np.ndarray:
        self.asked += structures
        return np.array([self.sound[int(s)] for s in structures], bool)


def pick(draws: np.ndarray, sound: Sequence[bool], plausible: float, seed: int):  # type: ignore[no-untyped-def]
    count, length = draws.shape
    pool = Candidates(0.0, 1.0)
    proposals = [Proposal(str(n), "data") for n in range(length)]
    means = -np.arange(length, dtype=np.float64)  # so that the shortlist is in this order
    features = {"x": np.zeros((length, 1), np.float32)}
    pool.add(proposals, features, Prediction(means, np.ones(length)))
    judge = Odd(sound)
    rng = np.random.default_rng(seed)
    found = pool.pick(count, length, Drawn(draws), judge, plausible, rng)  # type: ignore[arg-type]
    return [int(p.structure) for p in found], judge.asked


def plainly(draws: np.ndarray, sound: Sequence[bool], plausible: float, seed: int) -> list[int]:
    """The same with every candidate looked at."""
    rng = np.random.default_rng(seed)
    left = np.ones(draws.shape[1], bool)
    out = []
    for draw in draws[: draws.shape[1]]:
        allowed = left & np.array(sound) if rng.random() < plausible else left
        place = int(np.where(allowed if allowed.any() else left, draw, -np.inf).argmax())
        left[place] = False
        out.append(place)
    return out


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 60), st.floats(0, 1))
def test_looking_late_changes_nothing(seed: int, count: int, length: int, plausible: float) -> None:
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((count, length))
    sound = (rng.random(length) < rng.random()).tolist()
    found, asked = pick(draws, sound, plausible, seed)
    assert found == plainly(draws, sound, plausible, seed)
    assert len(asked) == len(set(asked))


def test_few_are_looked_at() -> None:
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((10, 600))
    _, asked = pick(draws, [True] * 600, 1.0, 0)
    assert len(asked) <= 40
