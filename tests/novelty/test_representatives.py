"""Which structures are one: the rule, crystals by StructureMatcher, molecules by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
from nucleate.crystals.wyckoff.wyckoff_string import (
    WyckoffStructure,
    expand,
    from_string,
    structure_from_wyckoff,
    to_string,
)
from nucleate.matter.identity import Identity
from nucleate.matter.registry import get
from nucleate.novelty.representatives import Representatives, distinct
from nucleate.testing.toy_matter import ToyMatter

CRYSTALS = (
    "225 a:Na b:Cl | 5.6402",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "221 a:Ba b:Ti c:O | 4.0",
    "227 a:Mg d:Al e:O(0.2624) | 8.0806",
    "62 c:Ca(0.0,0.25) c:C(0.41,0.75) c:O(0.42,0.92) d:O(0.41,0.57,0.69) | 4.96 7.97 5.74",
    "14 e:Zr(0.2754,0.0395,0.2083) e:O(0.07,0.3317,0.3447) e:O(0.4496,0.7569,0.4792)"
    " | 5.1505 5.2116 5.3173 99.23",
)


class Near(Identity):
    """Numbers are the same within one; tens are buckets. It counts its comparisons."""

    compared = 0

    def bucket(self, structure: str) -> str:
        return structure[:-1]

    def first_same(self, structure: str, others: Sequence[str]) -> int | None:
        self.compared += len(others)
        return next((i for i, o in enumerate(others) if abs(int(o) - int(structure)) <= 1), None)


def test_what_stands_for_others_is_the_first_and_alone_compared() -> None:
    seen = Representatives(Near(ToyMatter()))
    # 12 is 11's and 13 is not: 12 is the same as 13, but stands for nothing.
    assert [seen.add(s) for s in ("11", "12", "13", "14", "29")] == ["11", "11", "13", "13", "29"]
    assert seen.find("10") == "11"
    assert seen.find("16") is None
    assert seen.find("19") is None  # next to 20, in another bucket
    assert distinct(Near(ToyMatter()), ["13", "12", "11", "11"]) == ["13", "11"]


def test_what_is_given_stands_for_itself_and_costs_nothing_until_asked() -> None:
    identity = Near(ToyMatter())
    known = Representatives(identity, ["11", "12", "25"])
    assert [known.find(s) for s in ("11", "12", "13", "25")] == ["11", "12", "12", "25"]
    assert identity.compared == 2  # 13 with those of its bucket


def test_texts_tell_toy_structures_apart() -> None:
    assert distinct(ToyMatter().identity, ["1,2", "2,1", "1,2"]) == ["1,2", "2,1"]


def canonical(gene: WyckoffStructure) -> str:
    return to_string(canonical_wyckoff(*expand(gene), 0.01))


def same(first: str, second: str) -> bool:
    identity = get("crystals").identity
    return Representatives(identity, [first]).find(second) == first


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(CRYSTALS), st.integers(0, 1000))
def test_a_crystal_is_one_whatever_its_cell_origin_and_small_changes(text: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gene = from_string(text)
    # Axes permuted, origin shifted, cell repeated, atoms in another order: the same text or not.
    structure = structure_from_wyckoff(gene, primitive=False)
    structure.make_supercell([int(n) for n in rng.permutation([1, 1, 2])])
    structure.translate_sites(range(len(structure)), rng.random(3))
    order = rng.permutation(3)
    lattice, points = structure.lattice.matrix[order], structure.frac_coords[:, order]
    numbers = np.array([site.specie.Z for site in structure])
    moved = to_string(canonical_wyckoff(lattice, points, numbers, 0.01))
    assert same(text, moved)
    # The lattice changed by a hundredth: of all that symmetry leaves free, or against it.
    swollen = tuple(length * float(rng.uniform(0.99, 1.01)) for length in gene.lattice[:3])
    free = [(*swollen, *gene.lattice[3:])[i] for i in gene.group.free_lattice]
    jittered = replace(gene, lattice=gene.group.complete_lattice(tuple(free)))
    assert same(text, canonical(jittered))
    broken = lattice * rng.uniform(0.99, 1.01, (3, 1))
    assert same(text, to_string(canonical_wyckoff(broken, points, numbers, 0.001)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("221 a:Ba b:Ti c:O | 4.0", "221 a:Ti b:Ba c:O | 4.0"),  # two species exchanged
        ("225 a:Na b:Cl | 5.6402", "225 a:K b:Cl | 5.6402"),  # another species
        ("225 a:Na b:Cl | 5.6402", "221 a:Na b:Cl | 4.0"),  # another arrangement
        ("221 a:Ba b:Ti c:O | 4.0", "123 a:Ba b:Ti c:O e:O | 4.0 7.2"),  # stretched far
        ("136 a:Ti f:O(0.30479) | 4.5937 2.9581", "136 a:Ti f:O(0.1) | 4.5937 2.9581"),
    ],
)
def test_other_crystals_are_others(first: str, second: str) -> None:
    assert not same(first, second)
    assert not same(second, first)


def test_a_stretched_axis_is_judged_as_the_matcher_judges_it() -> None:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    one = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
    for factor in (1.02, 1.15, 1.3, 1.6, 2.0):
        other = f"136 a:Ti f:O(0.30479) | 4.5937 {2.9581 * factor:.4f}"
        pair = structure_from_wyckoff(one), structure_from_wyckoff(other)
        assert same(one, other) == StructureMatcher().fit(*pair), factor


def test_what_cannot_be_read_is_like_itself_alone() -> None:
    for name in ("crystals", "molecules"):
        seen = Representatives(get(name).identity, ["nonsense ("])
        assert seen.find("nonsense (") == "nonsense ("
        assert seen.find("other nonsense (") is None


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("O=c1cc[nH]cc1", "Oc1ccncc1", True),
        ("CC(=O)CC(C)=O", "CC(=O)C=C(C)O", True),
        ("[H]/N=C(/C)N", "CC(=N)N", True),
        ("C[NH2+]CC(=O)[O-]", "CNCC(=O)O", True),
        ("CCO", "COC", False),
        ("CC(C)O", "CCCO", False),
        ("C[C@H](O)CC", "C[C@@H](O)CC", False),
        ("Clc1ccccc1", "Brc1ccccc1", False),
    ],
)
def test_molecules_are_one_by_their_inchikey_or_standard_tautomer(
    first: str, second: str, one: bool
) -> None:
    identity = get("molecules").identity
    assert (Representatives(identity, [first]).find(second) == first) is one
    assert (Representatives(identity, [second]).find(first) == second) is one
