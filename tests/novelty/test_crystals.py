"""Novelty of crystals: by gene, by StructureMatcher inside a composition; prototypes; picks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.crystals.checks import novelty as collection
from nucleate.crystals.checks.novelty import NovelCheck, PicksCheck, farthest_first
from nucleate.crystals.geometry.crystal_distance import distances
from nucleate.crystals.geometry.lookup import (
    composition_distances,
    features,
    fractions_of,
    prototype,
    reduced_composition,
)
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff, to_string
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.novelty.index import Reference, ReferenceContext
from nucleate.novelty.reference_sets import references
from nucleate.settings.data import DatasetSettings

SALT = "225 a:Na b:Cl | 5.6402"
CAESIUM = "221 a:Cs b:Cl | 4.12"
RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
PEROVSKITE = "221 a:Ti b:Sr c:O | 3.905"
CRYSTALS = [SALT, CAESIUM, RUTILE, PEROVSKITE, "227 a:Si | 5.43", "194 c:Mg | 3.21 5.21"]


@pytest.fixture(autouse=True)
def _nothing_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUCLEATE_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(collection, "bundled", lambda: {})


def canonical(crystal: str) -> str:
    return to_string(wyckoff_from_structure(structure_from_wyckoff(from_string(crystal))))


def run(
    crystals: list[str],
    known: tuple[str, ...] = (),
    found: list[Reference] | None = None,
    **options: Any,
) -> list[Verdict]:
    context = ReferenceContext(known=known, references=found or [])
    check = NovelCheck(NovelCheck.Options(**options), context)
    return check.run([Candidate(crystal) for crystal in crystals])


def test_an_equal_gene_is_known_without_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: str) -> bool:
        raise AssertionError("compared")

    monkeypatch.setattr(collection, "maps_onto", never)
    (verdict,) = run([SALT], (RUTILE, SALT))
    assert verdict.reason == "is known: the same gene"
    assert verdict.columns["nearest_known"] == SALT
    assert verdict.columns["nearest_known_source"] == "the known set"
    # Another composition is never compared either.
    (other,) = run([SALT], (RUTILE, CAESIUM))
    assert other.passed
    assert other.value == pytest.approx(0.5)
    assert other.columns["nearest_known_formula"] == "CsCl"
    assert other.columns["nearest_known_structure_distance"] is None


def test_the_matcher_decides_inside_a_composition() -> None:
    larger, other = "225 a:Na b:Cl | 5.75", "221 a:Na b:Cl | 3.6"
    match, new, garbage = run([larger, other, "garbage"], (SALT,))
    assert "maps it onto a known crystal" in match.reason
    assert new.passed
    assert new.value == 0
    expected = distances([other], SALT)["structure_distance"][0]
    assert new.columns["nearest_known_structure_distance"] == pytest.approx(expected, abs=1e-4)
    assert not garbage.passed
    # The nearest structure is looked at first, so that a bound of one suffices.
    known = ("216 a:Na c:Cl | 6.0", "221 a:Na b:Cl | 3.4", SALT)
    (bounded,) = run([larger], known, matches=1)
    assert not bounded.passed
    assert bounded.columns["nearest_known"] == SALT


def test_a_prototype_of_other_elements_is_told_and_rejects_nothing() -> None:
    known = (SALT, "225 a:Mg b:O | 4.21", CAESIUM)
    (verdict,) = run(["225 a:F b:K | 5.3"], known, prototypes=True)
    assert verdict.passed
    assert verdict.columns["prototype"] == "225 a|b"
    assert verdict.columns["prototype_known_count"] == 2
    assert verdict.columns["prototype_known"] in ("NaCl", "MgO")
    assert "prototype" not in run(["225 a:F b:K | 5.3"], known)[0].columns


@pytest.mark.parametrize("elements", [("Ti", "Sr", "O"), ("O", "Rb", "Li"), ("Pb", "C", "H")])
def test_a_prototype_does_not_depend_on_the_elements(elements: tuple[str, ...]) -> None:
    # Which of two equivalent origins is canonical depends on the atomic numbers.
    b, a, x = elements
    crystal = canonical(f"221 a:{b} b:{a} c:{x} | 4.1")
    assert prototype(crystal) == prototype(canonical(PEROVSKITE))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(CRYSTALS), st.integers(0, 10**6))
def test_a_known_crystal_is_found_from_any_cell(known: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    structure = structure_from_wyckoff(from_string(known), primitive=bool(seed % 2))
    structure.translate_sites(range(len(structure)), generator.random(3))
    order = generator.permutation(len(structure)).tolist()
    shuffled = type(structure).from_sites([structure[i] for i in order])
    spelling = to_string(wyckoff_from_structure(shuffled))
    canonicals = tuple(canonical(crystal) for crystal in CRYSTALS)
    context = ReferenceContext(known=canonicals)
    (verdict,) = NovelCheck(NovelCheck.Options(), context).run([Candidate(spelling)])
    assert not verdict.passed
    assert verdict.columns["nearest_known"] == canonical(known)


def test_a_file_tells_row_and_id(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    rows = [f'{i},"{crystal}"' for i, crystal in enumerate(CRYSTALS)]
    path.write_text("\n".join(["id,crystal", *(f"c-{row}" for row in rows)]) + "\n")
    wanted = [DatasetSettings(source=str(path), structure_column="crystal")]
    found = references(wanted, "crystals", processes=1)
    (verdict,) = run([canonical(RUTILE)], found=found)
    assert not verdict.passed
    assert verdict.columns["nearest_known_source"] == "known.csv, row 3"
    assert verdict.columns["nearest_known_id"] == "c-2"


def test_quick_distances_are_those_of_nearness() -> None:
    sketches = np.array(
        [np.round(255 * fractions_of(c)).astype(np.uint8) for c in CRYSTALS]
    ).T.copy()
    for crystal in CRYSTALS:
        exact = distances(CRYSTALS, crystal)
        quick = composition_distances(fractions_of(crystal), sketches)
        assert quick == pytest.approx(exact["composition_distance"], abs=0.01)
        both = [np.abs(features(crystal) - features(c)).sum() for c in CRYSTALS]
        assert both == pytest.approx(exact["distance"], abs=1e-5)


def test_compositions_are_reduced() -> None:
    assert reduced_composition("227 a:C | 3.567") == "C1"
    assert reduced_composition(RUTILE) == "O2 Ti1"


def test_picks_take_the_farthest() -> None:
    points = np.array([[0.0], [0.1], [1.0], [0.4]], np.float32)
    assert [place for place, _ in farthest_first(points, 3)] == [0, 2, 3]
    assert len(farthest_first(points, 9)) == 4
    assert farthest_first(np.zeros((0, 1), np.float32), 2) == []
    check = PicksCheck(PicksCheck.Options(number=2), CheckContext())
    crystals = [SALT, "225 a:Na b:Cl | 5.7", "garbage", RUTILE]
    first, twin, garbage, last = check.run([Candidate(c) for c in crystals])
    assert (first.passed, first.value) == (True, 1)
    assert "not among the 2 picked" in twin.reason
    assert not garbage.passed
    assert last.columns["pick_distance"] == pytest.approx(
        float(distances([RUTILE], SALT)["distance"][0]), abs=1e-4
    )
