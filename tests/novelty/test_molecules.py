"""Novelty of molecules: a known one is found again whatever its spelling, and no other one is."""

from __future__ import annotations

import gzip
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import DataStructs

from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.molecules import Molecules
from nucleate.molecules.checks.novelty import PicksCheck
from nucleate.molecules.chemistry.chem import (
    canonical,
    fingerprint,
    molecule,
    parse,
    random_spellings,
)
from nucleate.molecules.chemistry.lookup import nearest, packed_bits
from nucleate.molecules.io.standardise import standardise
from nucleate.molecules.options import StandardiseOptions
from nucleate.novelty import index as reference
from nucleate.novelty.index import Reference, ReferenceContext, references_of
from nucleate.novelty.reference_sets import references, stage_reference
from nucleate.settings.data import DatasetSettings

MOLECULES = Molecules()
KNOWN = [
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "C[C@H](N)C(=O)O",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C(=O)N(C)c2ncn(C)c2C1=O",
    "C/C=C/C(=O)O",
    "O=C([O-])c1ccccc1",
    "NCCc1ccc(O)c(O)c1",
    "C1CCCCC1",
]
OTHERS = [
    "CC(C)Cc1ccc(C(C)C(N)=O)cc1",
    "C[C@H](N)C(N)=O",
    "CC(=O)Oc1cccc(C(=O)O)c1",
    "CN1C(=O)N(C)c2nc[nH]c2C1=O",
    "CC=CC(N)=O",
    "O=C(O)c1ccccc1",
    "NCCc1cc(O)cc(O)c1",
    "C1CCCCCC1",
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUCLEATE_DATA", str(tmp_path / "cache"))


def built(path: Path, *lines: str) -> list[Reference]:
    path.write_text("".join(f"{line}\n" for line in lines))
    return references([DatasetSettings(source=str(path))], "molecules", processes=1)


def run(name: str, smiles: list[str], found: list[Reference], **options: object) -> list[Verdict]:
    context = ReferenceContext(references=found)
    return MOLECULES.checks.build(name, options, context, "test").run(
        [Candidate(s) for s in smiles]
    )


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> list[Reference]:
    folder = tmp_path_factory.mktemp("known")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUCLEATE_DATA", str(folder / "cache"))
        spelt = [next(iter(random_spellings(s, 1, 1)), s) for s in KNOWN]
        return built(folder / "known.smi", *(f"{s} K{i}" for i, s in enumerate(spelt)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KNOWN), st.integers(0, 10**6))
def test_a_known_molecule_is_found_whatever_its_spelling(
    opened: list[Reference], known: str, seed: int
) -> None:
    spelling = next(iter(random_spellings(known, 1, seed)), known)
    structure = standardise(spelling, StandardiseOptions()).structure
    (verdict,) = run("novel", [structure], opened)
    assert not verdict.passed
    assert verdict.reason == "is known"
    row = [canonical(parse(s)) for s in KNOWN].index(structure) + 1
    assert verdict.columns["nearest_known_source"] == f"known.smi, row {row}"
    assert verdict.columns["nearest_known_id"] == f"K{row - 1}"
    assert verdict.value == 1.0


def test_no_other_molecule_is_taken_for_a_known_one(opened: list[Reference]) -> None:
    others = [canonical(parse(smiles)) for smiles in OTHERS]
    for verdict in run("novel", others, opened):
        assert verdict.passed
        assert verdict.columns["nearest_known_searched"] == "all 8"
    isomer = canonical(parse("C[C@@H](N)C(=O)O"))
    (loose,) = run("novel", [isomer], opened)
    assert "stereoisomer of C[C@H](N)C(=O)O" in loose.reason
    assert run("novel", [isomer], opened, ignore_stereo=False)[0].passed


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_nearest_is_that_of_rdkit(seed: int) -> None:
    generator = np.random.default_rng(seed)
    own, known = generator.permutation(OTHERS)[:3].tolist(), generator.permutation(KNOWN).tolist()
    prints = [fingerprint(molecule(s)) for s in known]
    bits = np.array([packed_bits(molecule(s)) for s in known]).T.copy()
    values, places = nearest([packed_bits(molecule(s)) for s in own], bits, processes=2)
    for smiles, value, place in zip(own, values, places, strict=True):
        expected = DataStructs.BulkTanimotoSimilarity(fingerprint(molecule(smiles)), prints)
        assert value == max(expected)
        assert expected[place] == value


def test_keys_are_made_once_and_again_where_damaged(tmp_path: Path) -> None:
    path = tmp_path / "set.smi"
    (first,) = built(path, *KNOWN, "nonsense")
    assert len(first) == len(KNOWN)
    assert first.folder is not None
    stamp = (first.folder / "header.json").stat().st_mtime_ns
    (again,) = built(path, *KNOWN, "nonsense")
    assert (again.folder / "header.json").stat().st_mtime_ns == stamp
    content = (first.folder / "structures.joined.npy").read_bytes()
    (first.folder / "structures.joined.npy").write_bytes(content[:-20])
    (mended,) = built(path, *KNOWN, "nonsense")
    assert (mended.folder / "structures.joined.npy").read_bytes() == content
    (twin,) = built(tmp_path / "copy.smi", *KNOWN, "nonsense")
    assert (twin.folder, twin.name) == (first.folder, "copy.smi")
    (other,) = built(path, *KNOWN[:3])
    assert other.folder != first.folder
    options = {"maximum_heavy_atoms": 10}
    wanted = [DatasetSettings(source=str(path))]
    (small,) = references(wanted, "molecules", standardise=options, processes=1)
    assert len(small) < len(other)


def test_a_killed_build_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nucleate.novelty import build_reference as reference_files

    monkeypatch.setattr(reference_files, "CHUNK_ROWS", 3)
    whole, seen = reference_files.write_part, []

    def killed(using: object, task: object) -> int:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(task)
        return whole(using, task)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(reference_files, "write_part", killed)
        with pytest.raises(KeyboardInterrupt):
            built(tmp_path / "set.smi", *KNOWN)
    counted: list[object] = []
    monkeypatch.setattr(
        reference_files,
        "write_part",
        lambda using, task: (counted.append(task), whole(using, task))[1],
    )
    (found,) = built(tmp_path / "set.smi", *KNOWN)
    assert len(counted) == 1
    assert [found.structures[i] for i in range(len(found))] == [canonical(parse(s)) for s in KNOWN]
    assert not [p for p in found.folder.parent.iterdir() if p.name.endswith(".parts")]


def test_several_files_of_several_formats(tmp_path: Path) -> None:
    table, packed = tmp_path / "a.csv", tmp_path / "b.smi.gz"
    table.write_text("id,smiles\nX1,CCO\nX2,CCN\n")
    with gzip.open(packed, "wt") as file:
        file.write("CCCCO first\nCCCCN second\n")
    wanted = [DatasetSettings(source=str(table)), DatasetSettings(source=str(packed))]
    found = references(wanted, "molecules", processes=1)
    one, two, new = run("novel", ["CCN", "CCCCO", "CCCCCO"], found)
    assert one.columns["nearest_known_source"] == "a.csv, row 2"
    assert one.columns["nearest_known_id"] == "X2"
    assert two.columns["nearest_known_source"] == "b.smi.gz, row 1"
    assert new.passed
    assert new.columns["nearest_known"] == "CCCCO"


def test_a_stage_s_structures_are_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage_reference("the training set", [*OTHERS, "no SMILES"], "molecules", "k1")
    assert len(made) == len(OTHERS) + 1
    made_anew = Mock(side_effect=KeyError)
    monkeypatch.setattr(Reference, "of", made_anew)
    again = stage_reference("the training set", OTHERS, "molecules", "k1")
    assert again.folder == made.folder
    reopen, arguments = again.__reduce__()  # what a worker process is sent
    known, new = run("novel", [OTHERS[2], "CCO"], [reopen(*arguments)])
    assert known.columns["nearest_known_source"] == "the training set, row 3"
    assert new.passed
    with pytest.raises(KeyError):
        stage_reference("the training set", OTHERS, "molecules", "k2")


def test_of_many_a_sample_is_searched_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "MOST_SKETCHES", 5)
    found = built(tmp_path / "many.smi", *KNOWN)
    assert found[0].sketches.shape[1] == 5
    (verdict,) = run("novel", ["CCCCCCO"], found)
    assert verdict.columns["nearest_known_searched"] == "5 of 8"
    (fewer,) = run("novel", ["CCCCCCO"], found, searched=2)
    assert fewer.columns["nearest_known_searched"] == "2 of 8"
    # What is known is looked up in all of them.
    assert not any(v.passed for v in run("novel", [canonical(parse(s)) for s in KNOWN], found))


def test_known_strings_and_files_are_known_together(opened: list[Reference]) -> None:
    context = ReferenceContext(known=("CCCCCCCC", "not a SMILES"), references=opened)
    check = MOLECULES.checks.build("novel", {}, context, "test")
    octane, ring, both = check.run([Candidate(s) for s in ("CCCCCCCC", "C1CCCCC1", "CCCCCCC")])
    assert octane.columns["nearest_known_source"] == "the known set"
    assert ring.reason == "is known"
    assert both.columns["nearest_known_searched"] == "9 of 10"
    among = ReferenceContext(known=("CCCCCCCC",), references=opened, known_among_them=True)
    assert references_of(among, MOLECULES) == opened


def test_picks_are_as_unlike_as_can_be() -> None:
    like = ["CCCCCCO", "CCCCCCCO", "CCCCCCCCO"]
    smiles = [like[0], "nonsense", *like[1:], "c1ccc2[nH]ccc2c1", "FC(F)(F)c1ccncc1"]
    check = PicksCheck(PicksCheck.Options(number=3), CheckContext())
    verdicts = check.run([Candidate(s) for s in smiles])
    assert [v.passed for v in verdicts] == [True, False, False, False, True, True]
    assert verdicts[0].value == 1
    assert sorted(v.value for v in verdicts[-2:]) == [2, 3]
    assert "not a valid SMILES" in verdicts[1].reason
    assert "among the 3 picked" in verdicts[2].reason
