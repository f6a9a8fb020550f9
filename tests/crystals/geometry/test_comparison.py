"""What a surrogate compares crystals by."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from nucleate.core.paths import data_folder
from nucleate.crystals.geometry.comparison import (
    BITS,
    COMPOSITION,
    ELEMENT_NUMBERS,
    ELEMENTS,
    STRUCTURE,
    STRUCTURE_NUMBERS,
    CrystalComparison,
)
from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
from nucleate.crystals.wyckoff.wyckoff_string import expand, to_string
from nucleate.matter import registry
from nucleate.regression.gaussian_process import Surrogate, Table, tanimoto

SALT = "225 a:Na b:Cl | 5.6402"
COMPARISON = CrystalComparison()


def _similarity(first: str, second: str) -> float:
    bits = COMPARISON.features([first, second])[COMPOSITION].astype(np.float32)
    points = torch.from_numpy(bits)
    return float(tanimoto(points[:1], points[1:]))


def test_groups_and_their_shapes() -> None:
    found = registry.get("crystals").variations.comparison()
    assert isinstance(found, CrystalComparison)
    features = found.features([SALT, "nonsense", "221 a:Ti b:Sr d:O | 3.905"])
    assert features[COMPOSITION].shape == (3, BITS)
    assert features[COMPOSITION].dtype == np.uint8
    assert features[ELEMENTS].shape == (3, ELEMENT_NUMBERS)
    assert features[STRUCTURE].shape == (3, STRUCTURE_NUMBERS)
    assert features[ELEMENTS].dtype == features[STRUCTURE].dtype == np.float32
    for rows in features.values():
        assert np.isfinite(rows).all()
        assert not rows[1].any()
        assert rows[0].any()
    only = found.features([SALT], [STRUCTURE])
    assert list(only) == [STRUCTURE]
    np.testing.assert_array_equal(only[STRUCTURE][0], features[STRUCTURE][0])


def test_likeness_of_compositions() -> None:
    assert _similarity(SALT, "221 a:Na b:Cl | 3.4") == 1.0  # the arrangement is told elsewhere
    homologue = _similarity(SALT, "225 a:Na b:Br | 5.97")
    assert homologue > _similarity(SALT, "225 a:Mg b:O | 4.21")
    assert _similarity("225 a:Mg b:O | 4.21", "194 c:C | 2.5 6.7") < 0.1
    # Min-max similarity of fractions .5, .5 and .25, .75, here over elements and groups.
    both = (10 + 5 + 10 + 5) / (15 + 10 + 15 + 10)
    assert _similarity(SALT, "225 a:Na b:Cl c:Cl | 6") == pytest.approx(both, abs=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_no_description_of_a_crystal_changes_them(seed: int, crystal) -> None:
    gene = crystal.random_gene(seed)
    canonical = to_string(canonical_wyckoff(*expand(gene)))
    again = to_string(canonical_wyckoff(*crystal.scrambled(expand(gene), seed)))
    one, two = COMPARISON.features([canonical]), COMPARISON.features([again])
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=5e-3)


def test_a_surrogate_predicts_energies_of_embedded_crystals() -> None:
    table = pq.read_table(data_folder() / "prototypes.parquet").to_pandas()
    table = table.sample(400, random_state=0)
    crystals, energies = table["crystal"].tolist(), table["energy_per_atom"].to_numpy()
    features = COMPARISON.features(crystals)
    known, asked = np.arange(300), np.arange(300, 400)
    whole = Table()
    whole.append(features)
    surrogate = Surrogate()
    surrogate.choose(whole.take(known), energies[known])
    surrogate.fit(whole, known, energies[known])
    found = surrogate.predict(whole.take(asked)).mean
    left = ((found - energies[asked]) ** 2).mean() / energies[asked].var()
    assert left < 0.15
