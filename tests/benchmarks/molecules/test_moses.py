"""MOSES' metrics: worked out by hand, against molsets' own results, and on the set itself."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from nucleate.molecules.chemistry.chem import parse
from nucleate_benchmarks.molecules import filters, moses
from nucleate_benchmarks.molecules.features import brics_fragments, murcko_scaffold

# A phenol whose ring MOSES refuses by PAINS, an eight-membered ring, a charge, an iodide.
REFUSED = ["O=C1C=CC(=O)C=C1", "C1CCCCCCC1", "CC[O-]", "CCI", "CC[N+](C)(C)C"]


def test_cosine_of_counts() -> None:
    # (1, 2, 0) . (0, 2, 1) = 4; norms sqrt(5) each.
    assert moses.cosine({"a": 1, "b": 2}, {"b": 2, "c": 1}) == pytest.approx(4 / 5)
    assert moses.cosine({"a": 3}, {"a": 7}) == pytest.approx(1)
    assert moses.cosine({"a": 1}, {"b": 1}) == 0
    assert math.isnan(moses.cosine({}, {"b": 1}))


def test_wasserstein_distance_is_the_shift_of_a_shifted_set() -> None:
    assert moses.wasserstein(np.array([0.0, 1, 3]), np.array([5.0, 6, 8])) == pytest.approx(5)
    # Sorted: 0 -> 1, 4 -> 7: (1 + 3) / 2.
    assert moses.wasserstein(np.array([4.0, 0]), np.array([1.0, 7, np.nan])) == pytest.approx(2)
    assert math.isnan(moses.wasserstein(np.array([]), np.array([1.0])))


def test_unique_and_novel_shares() -> None:
    valid = ["C", "CC", "C", "CCC"]
    assert moses.unique_share(valid, 3) == pytest.approx(2 / 3)  # C, CC of the first three
    assert moses.unique_share(valid, 1000) == pytest.approx(3 / 4)
    # Novel counts distinct molecules: CC and CCC of C, CC, CCC.
    assert moses.novelty(valid, {"C", "CCCC"}) == pytest.approx(2 / 3)
    assert math.isnan(moses.novelty([], {"C"}))


def test_fragments_of_ethyl_acetate_and_scaffolds_of_two_rings_or_more() -> None:
    # BRICS cuts both bonds of the ester's oxygen: acyl (1), oxygen (3), ethyl (4).
    assert sorted(brics_fragments(parse("CCOC(C)=O"))) == ["[1*]C(C)=O", "[3*]O[3*]", "[4*]CC"]
    assert murcko_scaffold(parse("Cc1ccc(-c2ccccc2)cc1")) == "c1ccc(-c2ccccc2)cc1"
    assert murcko_scaffold(parse("Cc1ccccc1")) is None
    assert murcko_scaffold(parse("CCO")) is None


def test_a_small_set_worked_out_by_hand() -> None:
    test = moses.profile(["CCOC(C)=O", "c1ccc(-c2ccccc2)cc1"])
    samples = ["CC(=O)OCC", "not a molecule", None, "", "CCOC(C)=O"]
    found = moses.moses_metrics(samples, test, {"C"})
    assert found["valid"] == pytest.approx(2 / 5)  # the empty string and None are not
    assert found["unique@1k"] == pytest.approx(1 / 2)  # two spellings of one ester
    assert found["Novelty"] == 1
    assert found["SNN/Test"] == pytest.approx(1)
    # Each of the ester's 3 pieces: twice in samples, once in the test set, where biphenyl's halves
    # give one piece twice: 3 * 2 * 1 / (sqrt(12) * sqrt(3 + 4)).
    assert found["Frag/Test"] == pytest.approx(6 / math.sqrt(12 * 7))
    assert math.isnan(found["Scaf/Test"])  # samples have no scaffold
    assert found["IntDiv"] == pytest.approx(0)
    assert found["IntDiv2"] == pytest.approx(0)
    # C4H8O2 88.106 and biphenyl 154.212: half the mass moves by the difference.
    assert found["weight"] == pytest.approx((154.212 - 88.106) / 2, abs=2e-3)


def test_agrees_with_molsets(nci_smiles: list[str]) -> None:
    # molsets 0.3.1, get_all_metrics, on the same lists with RDKit 2026.9.1.
    expected = {
        "valid": 0.9867549668874173,
        "unique@1k": 0.9530201342281879,
        "unique@10k": 0.9530201342281879,
        "FCD/Test": 6.323949745997041,
        "SNN/Test": 0.6129709187170003,
        "Frag/Test": 0.9335732654295458,
        "Scaf/Test": 0.6387743422109405,
        "FCD/TestSF": 23.77023727903154,
        "SNN/TestSF": 0.29267878435402106,
        "Frag/TestSF": 0.7410904922679727,
        "Scaf/TestSF": 0.1413428542294637,
        "IntDiv": 0.8807271234269969,
        "IntDiv2": 0.8421898913124937,
        "logP": 0.23644262102908287,
        "SA": 0.08773523785153493,
        "QED": 0.025563698745801396,
        "weight": 6.774373288590611,
        "Novelty": 0.7887323943661971,
    }
    smiles = nci_smiles
    samples = smiles[1:300:3] + smiles[300:330] + ["C1CC", ""] + smiles[1:20]
    found = moses.moses_metrics(
        samples,
        moses.profile(smiles[:300:2]),
        set(smiles[300:600]),
        moses.profile(smiles[600:700]),
    )
    filters_share = found.pop(filters.filters_name())
    assert found == pytest.approx(expected, abs=1e-4)
    if filters.molsets_folder() is not None:
        assert filters_share == pytest.approx(0.6778523489932886)
    else:
        assert filters_share == pytest.approx(0.7785234899328859)


def test_the_set_itself_is_the_perfect_sample(nci_smiles: list[str]) -> None:
    smiles = nci_smiles[:60]
    found = moses.moses_metrics(smiles, moses.profile(smiles), set(smiles))
    for name in ("valid", "unique@1k", "SNN/Test", "Frag/Test", "Scaf/Test"):
        assert found[name] == pytest.approx(1), name
    for name in ("Novelty", "logP", "SA", "QED", "weight"):
        assert found[name] == pytest.approx(0, abs=1e-9), name
    assert found["FCD/Test"] == pytest.approx(0, abs=1e-3)


def test_no_valid_sample_is_no_crash() -> None:
    found = moses.moses_metrics([None, "C1CC"], moses.profile(["CCO", "CCC"]), {"C"})
    assert found["valid"] == 0
    assert all(math.isnan(value) for name, value in found.items() if name != "valid")


def test_filters_refuse_rings_charges_atoms_and_pains() -> None:
    assert [filters.passes(parse(text)) for text in REFUSED] == [False] * len(REFUSED)
    for text in ("CCO", "C1CCCCCC1", "CC(Cl)Br"):
        assert filters.passes(parse(text))


def test_filters_take_both_lists_where_molsets_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filters.filters_name() in ("Filters", "Filters (PAINS, no MCF)")
    metrics = tmp_path / "moses" / "metrics"
    metrics.mkdir(parents=True)
    (tmp_path / "moses" / "__init__.py").write_text("raise ImportError('is never imported')\n")
    (metrics / "mcf.csv").write_text("names,smarts\nMCF1,[#6]-[#17]\n")
    (metrics / "wehi_pains.csv").write_text('"[#6]=[#7]  ",<regId=x>\n')
    monkeypatch.syspath_prepend(tmp_path)
    filters.alerts.cache_clear()
    try:
        assert filters.filters_name() == "Filters"
        assert [filters.passes(parse(s)) for s in ("CCCl", "CC=N", "CCO")] == [False, False, True]
    finally:
        filters.alerts.cache_clear()
