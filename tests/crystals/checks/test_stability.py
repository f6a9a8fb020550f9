"""Probes of stability, hulls of one's own, and how far a hull is to be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleate.core.errors import DatasetError
from nucleate.crystals.checks.energy import confidence
from nucleate.crystals.energy.chgnet import element_references
from nucleate.crystals.energy.elasticity import elastic_tensors
from nucleate.crystals.energy.hull import Hull
from nucleate.crystals.energy.perturbation import double_cell, perturb, relax_perturbed
from nucleate.crystals.energy.relaxation import relax, relax_structures
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.matter.registry import get

SALT = "225 a:Na b:Cl | 5.69"


def run(name: str, *crystals: str, **options: Any) -> list[Verdict]:
    check = get("crystals").checks.build(name, options, CheckContext(), "test")
    verdicts = check.run([Candidate(crystal) for crystal in crystals])
    assert all(bool(v.reason) != (v.passed and v.judged) for v in verdicts)
    return verdicts


def test_stiffness_of_rock_salt_is_cubic_and_as_soft_as_measured() -> None:
    (relaxed,) = relax_structures([structure_from_wyckoff(from_string(SALT))], fmax=0.02)
    assert relaxed.structure is not None
    (tensor,) = elastic_tensors([relaxed.structure])
    assert tensor is not None
    c = np.asarray(tensor.voigt)
    np.testing.assert_allclose(c[0, 0], [c[1, 1], c[2, 2]], rtol=0.02)
    np.testing.assert_allclose(c[0, 1], [c[0, 2], c[1, 2]], rtol=0.02)
    # Measured 24 GPa; CHGNet is a little soft.
    assert tensor.k_vrh == pytest.approx(26, abs=6)


def test_born_criterion_refuses_bcc_aluminium() -> None:
    good, unstable = run("elastic", "225 a:Al | 4.05", "229 a:Al | 3.24")
    assert good.passed
    assert good.columns["bulk_modulus"] > 30
    assert unstable.reason.startswith("mechanically unstable: the stiffness matrix has an eigen")
    within, beyond = run("elastic", "225 a:Al | 4.05", "229 a:Al | 3.24", limit=1)
    assert within.value is not None
    assert within.judged
    assert (beyond.passed, beyond.judged, beyond.value) == (True, False, None)
    assert beyond.reason == "beyond the 1 best, which are all that is looked at"


def test_elements_beyond_the_model_are_not_judged() -> None:
    einsteinium = "225 a:Es | 5.75"
    for name in ("relaxation", "energy_above_hull", "elastic", "rattle"):
        good, unknown = run(name, "225 a:Al | 4.05", einsteinium)
        assert good.judged
        assert (unknown.passed, unknown.judged) == (True, False)
        assert unknown.reason == "element Es is unknown to CHGNet"
        check = get("crystals").checks.build(name, {"unjudged": "reject"}, CheckContext(), "test")
        assert not check.decide(unknown).passed


def test_release_finds_that_only_symmetry_held_it() -> None:
    # Boron in the middle of a cage of lead and oxygen, where only symmetry keeps it.
    crystals = ["225 a:Na b:Cl | 5.69", "216 a:B c:Pb d:O | 6.0"]
    kept, fallen = relax(crystals, maximum_steps=60)
    assert kept.structure is not None
    assert fallen.structure is not None
    ends = relax_perturbed(
        [kept.structure, fallen.structure],
        [kept.energy, fallen.energy],
        amplitude=0.05,
        fmax=0.1,
        maximum_steps=40,
    )
    assert abs(ends[0].gain) < 0.005
    assert ends[0].space_group == 225
    assert kept.residual_force < 0.1
    assert kept.residual_stress < 5
    assert ends[1].gain > 0.05


def test_relaxation_check_tells_of_the_release() -> None:
    good, off = run("relaxation", SALT, "216 a:B c:Pb d:O | 6.0", maximum_volume_change=3.0)
    assert good.passed
    assert good.columns["released_space_group"] == "Fm-3m (225)"
    assert {"residual_force", "residual_stress", "release_gain"} <= set(good.columns)
    assert "only its symmetry holds it: released from space group F-43m (216)" in off.reason
    (alone,) = run("relaxation", SALT, release=False)
    assert "release_gain" not in alone.columns


def test_rattle_returns_to_rock_salt() -> None:
    good, off = run("rattle", SALT, "216 a:B c:Pb d:O | 6.5")
    assert good.passed
    assert good.value == pytest.approx(0, abs=0.005)
    assert off.reason.startswith("rattled by 0.05 A it falls by")
    (double,) = run("rattle", SALT, double=True)
    assert double.passed


def test_a_push_has_its_size_and_its_seed() -> None:
    structure = structure_from_wyckoff(from_string("136 a:Ti f:O(0.30479) | 4.5937 2.9581"))
    first, again, other = (perturb(structure, 0.05, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    moved = [a.distance(b) for a, b in zip(structure, first, strict=True)]
    assert max(moved) < 0.2
    assert len(double_cell(structure)) == 2 * len(structure)


def test_hull_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("formula,energy\nNa,0\nCl,0\nNaCl,-2.1\nNaCl3,-1.1\nNaCl7,-0.5\n")
    (found,) = run("energy_above_hull", SALT, reference=str(file), reference_scale="formation")
    assert found.columns["reference_set"] == "mine.csv"
    assert found.columns["competing_compounds"] == 3
    assert found.columns["hull_confidence"] == "fair: 3 competing compounds"
    assert found.value == pytest.approx(found.columns["formation_energy_per_atom"] + 2.1, abs=1e-4)
    (absent,) = run("energy_above_hull", "225 a:K b:Cl | 6.4", reference=str(file))
    assert (absent.judged, absent.reason) == (False, "no K in the reference set mine.csv")


def test_a_hull_of_elements_alone_says_so(tmp_path: Path) -> None:
    file = tmp_path / "elements.csv"
    file.write_text("formula,energy\nNa,0\nCl,0\n")
    options: dict[str, Any] = {"reference": str(file), "reference_scale": "formation"}
    (found,) = run("energy_above_hull", SALT, **options)
    assert found.passed
    assert found.columns["hull_confidence"] == "none: elements only, says nothing of stability"
    (asked,) = run("energy_above_hull", SALT, competing=1, **options)
    assert asked.reason == "only 0 competing compounds, need 1"
    assert confidence(1, 2, 3) == "low: 1 competing compound"


@pytest.mark.parametrize(
    "text",
    [
        "formula\nNa\n",
        "formula,energy\nXx2,1\n",
        "",
        "formula,energy\nNa,-1.3 eV\n",
        "formula,energy\nNa,-1,3\n",
    ],
)
def test_a_broken_reference_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.csv"
    file.write_text(text)
    with pytest.raises(DatasetError, match=r"broken\.csv"):
        Hull.from_file(file)


def test_formation_energies_are_the_materials_projects() -> None:
    references = element_references()
    assert references.crystals >= 1000
    assert references.median_error < 0.03
    (found,) = run("energy_above_hull", SALT)
    # Materials Project mp-22862: -2.1 eV/atom.
    assert found.columns["formation_energy_per_atom"] == pytest.approx(-2.1, abs=0.1)
    assert found.columns["formation_energy_error"] == references.mean_error


def test_energies_with_decimal_commas_are_numbers(tmp_path: Path) -> None:
    file = tmp_path / "hull.csv"
    file.write_text("formula;energy\nNa;0\nCl;0\nNaCl;-2,1\nNaN;n/a\n")
    assert Hull.from_file(file).hull_energy("NaCl") == pytest.approx(-2.1)
