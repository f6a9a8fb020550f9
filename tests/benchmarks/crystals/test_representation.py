"""The benchmark of the representation measures what it says, and finds what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string, to_string
from nucleate_benchmarks.crystals.representation import invariance, representation

RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"


@pytest.mark.parametrize("supercell", [1, 2, 3])
def test_a_scrambled_crystal_is_the_same_crystal(supercell):
    arrays = expand(from_string(RUTILE))
    for seed in range(3):
        generator = np.random.default_rng(seed)
        other = invariance.scrambled(arrays, supercell, generator)
        assert len(other[2]) == supercell * len(arrays[2])
        assert abs(np.linalg.det(other[0])) == pytest.approx(
            supercell * abs(np.linalg.det(arrays[0]))
        )
        one, two = (Structure(Lattice(a), n.tolist(), x) for a, x, n in (arrays, other))
        assert StructureMatcher(1e-3, 1e-3, 1e-2, scale=False).fit(one, two)
        assert to_string(canonical_wyckoff(*other)) == RUTILE


def test_near_genes():
    gene = from_string(RUTILE)
    assert invariance.near(gene, from_string("136 a:Ti f:O(0.30485) | 4.594 2.9581"))
    assert not invariance.near(gene, from_string("136 a:Ti f:O(0.305) | 4.5937 2.9581"))
    assert not invariance.near(gene, from_string("136 a:Ti f:O(0.30479) | 4.5937 2.96"))
    assert not invariance.near(gene, from_string("136 b:Ti f:O(0.30479) | 4.5937 2.9581"))
    first, last = (
        from_string("1 a:H(0.99999,0,0) | 3 4 5 80 85 95"),
        "1 a:H(0,0,0) | 3 4 5 80 85 95",
    )
    assert invariance.near(first, from_string(last))


def test_the_command(tmp_path, capsys):
    arguments = ["--input", "prototypes", "-n", "5", "--processes", "1", "--mirror", "/some/place"]
    assert representation.main([*arguments, "--out", str(tmp_path / "figures")]) == 0
    assert "identical" in capsys.readouterr().out
    found = json.loads((tmp_path / "figures.json").read_text())
    values = {f["name"].split(" that ")[0]: f["value"] for f in found["sections"][0]["figures"]}
    assert values["descriptions with the identical string, %"] == 100
    assert values["arrays"] == values["rebuilt crystals"] == 100
    assert found["details"]["failures"] == []
    assert "/some/place" not in (tmp_path / "figures.md").read_text()
    assert "-n 5 --processes 1 --out" in found["command"]


def test_failures_are_listed(monkeypatch, tmp_path):
    """A representation that depends on the order of the atoms is caught."""

    def careless(lattice, positions, numbers, tolerance):
        gene = canonical_wyckoff(lattice, positions, numbers, tolerance)
        free = gene.lattice[0] + 0.01 * float(positions[0, 0] % 1.0)
        return from_string(f"1 a:H(0,0,0) | {free} 4 5 80 85 95")

    monkeypatch.setattr(invariance, "canonical_wyckoff", careless)
    out = tmp_path / "figures"
    status = representation.main(
        ["--input", "prototypes", "-n", "2", "--processes", "1", "--out", str(out)]
    )
    assert status == 1
    found = json.loads(out.with_suffix(".json").read_text())
    lines = found["details"]["failures"]
    assert any("became" in line for line in lines)
    assert any("rebuilds another" in line for line in lines)
