"""CDVAE's fingerprints against matminer 0.10.1 (CrystalNNFingerprint `ops`, Magpie)."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate_benchmarks.crystals import fingerprints

# Entries above 1e-6, means over the atoms of the primitive cell.
GOLDEN = {
    "225 a:Na b:Cl | 5.64": {22: 1.0, 23: 0.200068, 24: 1.0, 25: 0.5},
    "216 a:Zn c:S | 5.41": {
        12: 1.0, 13: 0.079968, 14: 1.0, 15: 0.007025, 16: 0.234254, 17: 0.24521,
    },
    "221 a:Sr b:Ti c:O | 3.905": {
        2: 0.310501, 5: 0.000018, 6: 0.036067, 7: 0.310501, 22: 0.489499, 23: 0.097933,
        24: 0.489499, 25: 0.24475, 44: 0.2, 45: 0.2, 47: 0.038188, 48: 0.114905,
    },
    "136 a:Ti f:O(0.3048) | 4.594 2.958": {
        2: 0.002965, 3: 0.002257, 4: 0.002692, 5: 0.000875, 6: 0.000006, 7: 0.000001,
        8: 0.663702, 9: 0.389789, 10: 0.183384, 11: 0.250153, 12: 0.001482, 13: 0.001175,
        14: 0.000405, 15: 0.001053, 16: 0.000862, 17: 0.000557, 22: 0.331851, 23: 0.068093,
        24: 0.31978, 25: 0.165925,
    },
}  # fmt: skip


@pytest.mark.parametrize("crystal", GOLDEN)
def test_structure_fingerprints_are_matminer_s(crystal: str) -> None:
    found = fingerprints.structure_fingerprint(crystal)
    assert found is not None
    expected = np.zeros(61)
    expected[list(GOLDEN[crystal])] = list(GOLDEN[crystal].values())
    assert found == pytest.approx(expected, abs=2e-6)


def test_structure_fingerprints_fail_softly() -> None:
    assert fingerprints.structure_fingerprint("nonsense") is None
    assert fingerprints.structure_rows(["nonsense", "225 a:Na b:Cl | 5.64"])[0] is None


def test_composition_fingerprints_are_matminer_s() -> None:
    found = fingerprints.composition_fingerprint({"Li": 1, "Fe": 1, "P": 1, "O": 4})
    assert found is not None
    assert found.shape == (132,)
    # Number, then MeltingT: minimum, maximum, range, mean, mean absolute deviation, mode.
    assert found[:6] == pytest.approx([3, 26, 23, 10.857143, 5.510204, 8])
    assert found[18:24] == pytest.approx([54.8, 1811, 1756.2, 400.17, 418.385714, 54.8])
    # Rows of a tie share the mode, of which the least counts.
    tie = fingerprints.composition_fingerprint({"Na": 1, "Cl": 1})
    assert tie is not None
    assert tie[5] == 11
    assert fingerprints.composition_fingerprint({"Xx": 1}) is None
    assert fingerprints.composition_fingerprint({}) is None


def test_the_scale_is_that_of_the_materials_project() -> None:
    scale = fingerprints.composition_scale()
    assert scale.shape == (132,)
    assert (scale > 0).all()
    # CDVAE's constants for the range of atomic numbers and the mean melting point.
    assert scale[2] == pytest.approx(20.5163, rel=0.05)
    assert scale[21] == pytest.approx(606.35, rel=0.06)
