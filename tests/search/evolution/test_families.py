"""Families that are left alone, and what the model finds plausible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import LatentModel
from nucleate.novelty.records import read_records
from nucleate.search.evolution.families import MOST, Families
from nucleate.search.evolution.memory import Memory
from nucleate.search.evolution.plausibility import Plausibility
from nucleate.testing.tiny_model import tiny_features, trained

__all__ = ["tiny_features", "trained"]


class Blocks:
    """Structures "a3": bits of their letter, and one of their number."""

    def features(self, structures: list[str], groups: Any = None) -> dict[str, np.ndarray]:
        bits = np.zeros((len(structures), 400), np.uint8)
        for row, text in enumerate(structures):
            first = 10 * (ord(text[0]) - ord("a"))
            bits[row, first : first + 10] = 1
            bits[row, 260 + int(text[1:])] = 1
        return {"bits": bits}


def memory_of(letters: str, each: int = 30) -> Memory:
    memory = Memory(Blocks())  # type: ignore[arg-type]
    names = [f"{letter}{i}" for letter in letters for i in range(each)]
    # Families rank as their letters do.
    scores = np.array([-(ord(n[0]) - ord("a")) - 0.01 * int(n[1:]) for n in names])
    memory.add(names, scores)
    return memory


def test_the_best_family_is_left_alone_until_all_are_released() -> None:
    memory, families = memory_of("abcde"), Families(0.5)
    families.extend(memory)
    assert families.active.all()
    assert families.retire(memory)
    left = {memory.structures[i][0] for i in np.flatnonzero(families.active)}
    assert left == set("bcde")
    features = Blocks().features(["a5", "z1", "b7"])
    kept = families.outside_by_features(features, memory.table)
    assert kept is not None
    assert kept.tolist() == [False, True, True]
    while families.retire(memory):
        assert len(families.founders) <= MOST
    assert families.active.all()
    assert families.outside_by_features(features, memory.table) is None


def test_new_members_of_a_retired_family_are_not_active() -> None:
    memory, families = memory_of("abc"), Families(0.5)
    families.extend(memory)
    families.retire(memory)
    memory.add(["a40", "d1"], np.array([9.0, 0.5]))
    families.extend(memory)
    assert families.active[-2:].tolist() == [False, True]


def test_without_bits_there_are_no_families() -> None:
    class Numbers:
        def features(self, structures: list[str], groups: Any = None) -> dict[str, np.ndarray]:
            return {"numbers": np.ones((len(structures), 2), np.float32)}

    memory, families = Memory(Numbers()), Families(0.5)  # type: ignore[arg-type]
    memory.add(["a1"], np.array([1.0]))
    families.extend(memory)
    assert not families.retire(memory)
    assert families.active.all()


def test_known_structures_are_plausible_and_nonsense_is_not(
    trained: Manifest, tiny_features: Manifest
) -> None:
    model = LatentModel.load(Path(trained.folder), "cpu")
    known = list(read_records(tiny_features).training)
    plausibility = Plausibility(model, known, seed=0)
    assert plausibility(known).mean() >= 0.98
    assert np.isfinite(plausibility.bound)
    assert plausibility.of(["[Pt]CC"]).tolist() == [-np.inf]
    assert not plausibility(["[Pt]CC"])[0]
    one, two = plausibility.of(known[:2]), Plausibility(model, known, seed=0).of(known[:2])
    assert one == pytest.approx(two)
