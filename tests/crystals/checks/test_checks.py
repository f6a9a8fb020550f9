"""The funnel of crystals: planted defects are caught, each for its own reason."""

from __future__ import annotations

from functools import reduce
from math import gcd
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from nucleate.core.errors import SettingsError
from nucleate.crystals import Crystals
from nucleate.crystals.checks import novelty as collection
from nucleate.crystals.checks.chemistry import is_mixed_valent, many_element_validity, smact_valid
from nucleate.crystals.geometry.oxidation import average_states, oxidation_states
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.matching import match
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff, to_string
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.matter.registry import get

SALT = "225 a:Na b:Cl | 5.6402"
RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
CUBE = structure_from_wyckoff(from_string(SALT), primitive=False)
CUBE.translate_sites([0], [0.01, 0.004, 0])
DISTORTED = to_string(wyckoff_from_structure(CUBE))
"""The same within StructureMatcher's tolerances: lower symmetry, a larger primitive cell."""


def run(name: str, *crystals: str, known: tuple[str, ...] = (), **options: Any) -> list[Verdict]:
    check = get("crystals").checks.build(name, options, CheckContext(known=known), "test")
    verdicts = check.run([Candidate(crystal) for crystal in crystals])
    assert len(verdicts) == len(crystals)
    assert all(bool(v.reason) != (v.passed and v.judged) for v in verdicts)
    return verdicts


def test_order_is_cheapest_first() -> None:
    names = list(Crystals().checks.own())
    assert names[:4] == ["legal", "density", "distances", "coordination"]
    assert names.index("novel") < names.index("budget") < names.index("relaxation")
    flags = [check.expensive for check in Crystals().checks.own().values()]
    assert flags.index(True) == names.index("budget")


@pytest.mark.parametrize("name", list(Crystals().checks.own()))
def test_garbage_is_a_verdict_and_not_an_error(name: str) -> None:
    assert not run(name, "garbage")[0].passed
    assert run(name) == []


def test_legal_makes_strings_canonical() -> None:
    good, other, bad = run("legal", SALT, "225 a:Cl b:Na | 5.6402", "225 z:Na | 5")
    assert good.passed
    assert good.structure == other.structure == SALT
    assert "no position 'z'" in bad.reason


def test_coinciding_atoms_are_legal_and_too_close() -> None:
    crystal = "63 c:C(0.11443) c:Mn(0.10726) | 2.7134 7.5586 6.0909"
    assert run("legal", crystal)[0].passed
    (verdict,) = run("distances", crystal)
    assert not verdict.passed
    assert "a contact of 0.05 A" in verdict.reason


def test_distances_name_the_pair() -> None:
    good, clash, apart = run(
        "distances", SALT, "136 a:Ti f:O(0.1) | 4.59 2.96", "225 a:Li b:F | 12"
    )
    assert good.passed
    assert good.value == pytest.approx(1.052, abs=1e-3)
    assert clash.reason.startswith("a contact of 0.65 A is 0.29 of the sum")
    assert clash.columns["closest_pair"] == "Ti-O"
    assert "no atoms touch" in apart.reason


def test_density_windows() -> None:
    good, light, heavy = run("density", SALT, "221 a:H b:H | 6", "229 a:U | 2.5")
    assert good.passed
    assert good.value == pytest.approx(2.163, abs=1e-3)
    assert "g/cm3 is outside 0.3 to 25" in light.reason
    assert "g/cm3 is outside" in heavy.reason


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "H",
                "Li",
                "C",
                "N",
                "O",
                "F",
                "Na",
                "Mg",
                "Al",
                "P",
                "S",
                "Cl",
                "Ca",
                "Ti",
                "Fe",
                "Cu",
                "Zn",
                "Se",
                "Br",
                "Au",
                "Pb",
                "U",
            ]
        ),
        st.integers(1, 6),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["smact14", "icsd16", "icsd24", "pymatgen_sp"]),
    st.booleans(),
    st.booleans(),
)
def test_neutrality_of_many_elements_is_smacts(
    counts: dict[str, int], states: str, pauling: bool, alloys: bool
) -> None:
    divisor = reduce(gcd, counts.values())
    formula = "".join(f"{symbol}{count // divisor}" for symbol, count in counts.items())
    lowest = {symbol: count // divisor for symbol, count in counts.items()}
    wanted = smact_valid(formula, states, pauling, alloys)
    assert many_element_validity(lowest, states, pauling, alloys) == wanted


def test_a_dozen_elements_take_no_time() -> None:
    formula = "Mn3Fe5Cr2V7Ru2Os3Mo2W5Tc2Re3S11Cl3"
    assert smact_valid(formula, "smact14", True, True)
    assert not smact_valid("He2" + formula, "smact14", True, True)
    counts = {str(e): int(n) for e, n in Composition(formula).items()}
    charges = oxidation_states(formula)
    assert sum(counts[s] * q for s, q in charges.items()) == pytest.approx(0, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["H", "Li", "O", "Na", "Al", "S", "Cl", "Fe", "Mn", "Cu", "N", "U"]),
        st.integers(1, 4),
        min_size=2,
        max_size=4,
    )
)
def test_guess_of_oxidation_states_is_pymatgens(counts: dict[str, int]) -> None:
    divisor = reduce(gcd, counts.values())
    lowest = {symbol: count // divisor for symbol, count in counts.items()}
    theirs = Composition(lowest).oxi_state_guesses()
    mine = average_states(lowest)
    assert bool(mine) == bool(theirs)
    if mine:  # several answers may score alike
        assert score(lowest, mine) == pytest.approx(score(lowest, dict(theirs[0])))


def score(counts: dict[str, int], averages: dict[str, float]) -> float:
    """pymatgen's measure of an answer: how often the ICSD has each atom's state."""
    from itertools import combinations_with_replacement

    from pymatgen.core import Element, Species

    total = 0.0
    for symbol, count in counts.items():
        element = Element(symbol)
        states = element.icsd_oxidation_states or element.common_oxidation_states
        total += max(
            sum(Composition.oxi_prob.get(Species(symbol, q), 0) for q in combination)
            for combination in combinations_with_replacement(states, count)
            if abs(sum(combination) - averages[symbol] * count) < 1e-9
        )
    return total


def test_smact_and_second_opinion() -> None:
    salt, wrong, alloy = run("smact", SALT, "225 a:Mg b:Cl | 5.4", "221 a:Al c:Ni | 3.6")
    assert salt.passed
    assert salt.columns["oxidation_guess"] == "Na+1 Cl-1"
    assert "SMACT's icsd24 set; pymatgen's guess finds none either" in wrong.reason
    assert alloy.passed
    assert not run("smact", "221 a:Al c:Ni | 3.6", alloys=False)[0].passed
    assert salt.columns["oxidation_states_agree"] is True
    assert (alloy.value, alloy.columns["oxidation_states_agree"]) == ("alloy", True)
    assert wrong.columns["oxidation_states_agree"] is True
    # Magnetite has iron of two valences, which SMACT's rule does not try.
    oxide = "227 a:Fe d:Fe e:O(0.2549) | 8.394"
    (allowed,) = run("smact", oxide)
    assert (allowed.passed, allowed.value) == (True, "mixed valence")
    (magnetite,) = run("smact", oxide, mixed_valence=False)
    assert magnetite.columns["oxidation_guess"] == "Fe+2.67 O-2"
    assert magnetite.columns["oxidation_states_agree"] is False
    assert magnetite.reason.endswith("pymatgen's guess finds some")


def test_only_metals_have_mixed_valence() -> None:
    assert is_mixed_valent({"Fe": 8 / 3, "O": -2})
    assert not is_mixed_valent({"Fe": 3, "O": -2})
    assert not is_mixed_valent({"Yb": 3, "P": -0.6})
    assert not is_mixed_valent({"Y": 3, "B": -3, "H": 0.6, "N": -3})
    assert not is_mixed_valent({})


def test_novel_sees_through_size_cell_and_symmetry() -> None:
    novel, known = run("novel", RUTILE, SALT, known=("225 a:Na b:Cl | 5.7",))
    assert not known.passed
    assert "maps it onto a known crystal" in known.reason
    assert known.columns["nearest_known_formula"] == "NaCl"
    # Rutile itself is in the bundled set.
    assert not novel.passed
    assert novel.columns["nearest_known_id"].startswith("proto-")


def test_novel_measures_how_far_the_nearest_composition_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collection, "bundled", lambda: {})
    (found,) = run("novel", "221 a:Na b:Cl | 3.6", known=(SALT,))
    assert found.passed
    assert found.value == 0


def test_match_sees_a_distortion_that_lowers_the_symmetry() -> None:
    assert match(SALT, DISTORTED)
    assert not match(SALT, "216 a:Na c:Cl | 6.0")


def test_budget_takes_the_best_and_says_why_not() -> None:
    first, second, third, fourth = run(
        "budget", SALT, "221 a:Na b:Cl | 3.6", RUTILE, "229 a:W | 3.2", limit=2, per_formula=1
    )
    assert first.passed
    assert "same formula" in second.reason
    assert third.passed
    assert "beyond the 2 best" in fourth.reason


def test_relaxation_keeps_the_good_and_rejects_the_unsettled() -> None:
    good, squeezed = run("relaxation", "225 a:Na b:Cl | 5.9", "225 a:Na b:Cl | 4.2")
    assert good.passed
    assert good.structure != "225 a:Na b:Cl | 5.9"
    assert {"energy_per_atom", "relaxation_rms", "relaxation_steps"} <= set(good.columns)
    assert "the volume changes by +" in squeezed.reason


def test_energy_above_hull_counts_competitors() -> None:
    good, high = run("energy_above_hull", "225 a:Na b:Cl | 5.69", "225 a:Na b:Cl | 4.6")
    assert good.passed
    assert good.columns["competing_entries"] >= 3
    assert "eV/atom above the hull of" in high.reason
    (alone,) = run("energy_above_hull", "225 a:Na b:Cl | 5.69", competing=1000)
    assert "need 1000" in alone.reason


def test_diverse_drops_doubles_and_crowds() -> None:
    verdicts = run(
        "diverse", SALT, DISTORTED, "221 a:Cl b:Na | 3.5", RUTILE, per_formula=2, per_system=1
    )
    assert [v.passed for v in verdicts] == [True, False, False, True]
    assert "the same crystal" in verdicts[1].reason
    assert "have the same elements" in verdicts[2].reason


def test_misspelt_option_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="per_formula"):
        run("diverse", SALT, per_formulae=3)
