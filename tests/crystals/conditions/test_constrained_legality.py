"""Masks alone make genes meet the conditions: choices among legal values are random here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.crystals.codec.legality import CrystalLegality
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.constrained_legality import ConstrainedLegality
from nucleate.crystals.conditions.constraint import CrystalConstraint
from nucleate.crystals.conditions.options import CrystalConditions, formula
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.wyckoff.symmetry import group_starts, space_group
from nucleate.crystals.wyckoff.wyckoff_string import WyckoffStructure
from nucleate.settings.model import NetworkSettings
from nucleate.vae.decoding import decode
from nucleate.vae.model import VAE

CODEC = WyckoffCodec.fit([], CodecOptions(maximum_sites=7, maximum_atoms=12))
ROWS = 24


def constraint(**asked: Any) -> CrystalConstraint:
    return CrystalConstraint(validate(CrystalConditions, asked, "test"), CODEC)


def written(legality: ConstrainedLegality, seed: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """Space group and (position, element) of each site, every choice at random among those that
    are legal. Also checks that no row is ever left without a choice."""
    rng = torch.Generator().manual_seed(seed)
    rows = len(legality.written)
    groups = legality.once_mask("space_group", {}, rows)
    assert groups is not None
    assert groups.any(1).all()
    once = {"space_group": torch.multinomial(groups.float(), 1, generator=rng)[:, 0]}
    state = legality.start(once, rows, torch.device("cpu"))
    sites: list[list[tuple[int, int]]] = [[] for _ in range(rows)]
    alive = torch.ones(rows, dtype=torch.bool)
    for _ in range(CODEC.schema.maximum_steps + 1):
        step: dict[str, torch.Tensor] = {}
        for name in ("wyckoff_position", "element"):
            mask = legality.mask(name, state, once, step)
            assert mask is not None
            assert mask[alive].any(1).all(), f"stuck before {name}"
            mask = mask | ~mask.any(1, keepdim=True)
            step[name] = torch.multinomial(mask.float(), 1, generator=rng)[:, 0]
            if name == "wyckoff_position":
                alive &= step[name] != 0
        for row in torch.nonzero(alive)[:, 0].tolist():
            sites[row].append((int(step["wyckoff_position"][row]), int(step["element"][row])))
        state = legality.advance(state, once, step)
    assert not alive.any()
    return list(zip((once["space_group"] + 1).tolist(), sites, strict=True))


def composition(group: int, sites: list[tuple[int, int]]) -> dict[str, int]:
    positions = space_group(group).positions
    count: Counter[str] = Counter()
    for position, element in sites:
        place = position - 1 - int(group_starts()[group - 1])
        count[SYMBOLS[element]] += positions[place].primitive_multiplicity
    return dict(count)


def check(asked: dict[str, Any], group: int, sites: list[tuple[int, int]]) -> None:
    """A gene against the conditions, worked out apart from the code that keeps them."""
    count = composition(group, sites)
    elements, atoms = set(count), sum(count.values())
    assert asked.get("minimum_sites", 1) <= len(sites) <= asked.get("maximum_sites", 7)
    assert asked.get("minimum_atoms", 1) <= atoms <= asked.get("maximum_atoms", 12)
    assert sites == sorted(sites), "letters, then elements"
    for position, uses in Counter(p for p, _ in sites).items():
        place = position - 1 - int(group_starts()[group - 1])
        assert uses == 1 or space_group(group).positions[place].free
    if "space_group" in asked:
        assert group in asked["space_group"]
    assert set(asked.get("include", ())) <= elements
    assert not set(asked.get("exclude", ())) & elements
    if system := set(asked.get("chemical_system", ())):
        assert elements <= system if asked.get("subsets") else elements == system
    if "composition" in asked:
        unit = formula(asked["composition"])
        number = atoms // sum(unit.values())
        assert count == {symbol: n * number for symbol, n in unit.items()}
        low, high = asked.get("formula_units", (1, 12))
        assert low <= number <= high


GROUPS = st.lists(st.sampled_from([1, 2, 5, 14, 62, 99, 123, 139, 166, 194, 216, 221, 225, 227]),
                  min_size=1, max_size=3, unique=True).map(tuple)  # fmt: skip
ELEMENTS = st.lists(st.sampled_from(["H", "Li", "O", "Na", "Ti", "Fe", "Ba", "Pu"]),
                    min_size=1, max_size=4, unique=True).map(tuple)  # fmt: skip
SIZES = {
    name: st.integers(1, high)
    for name, high in {
        "minimum_sites": 4,
        "maximum_sites": 7,
        "minimum_atoms": 8,
        "maximum_atoms": 12,
    }.items()
}


def built(asked: dict[str, Any]) -> CrystalConstraint:
    """The constraint, or another example if nothing can meet it."""
    try:
        return constraint(**asked)
    except SettingsError:
        assume(False)
        raise


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(
        {"space_group": GROUPS},
        optional={"include": ELEMENTS, "exclude": ELEMENTS, **SIZES},
    ),
    st.integers(0, 1000),
)
def test_elements_sites_atoms_and_groups(asked: dict[str, Any], seed: int) -> None:
    legality = built(asked).legality(np.zeros(ROWS, np.int64))
    for group, sites in written(legality, seed):
        check(asked, group, sites)


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries(
        {"space_group": GROUPS, "chemical_system": ELEMENTS},
        optional={"subsets": st.booleans(), **SIZES},
    ),
    st.integers(0, 1000),
)
def test_chemical_systems(asked: dict[str, Any], seed: int) -> None:
    legality = built(asked).legality(np.zeros(ROWS, np.int64))
    for group, sites in written(legality, seed):
        check(asked, group, sites)


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(
        {"composition": st.sampled_from(["NaCl", "SrTiO3", "Li2O", "C", "LiFePO4", "Al2O3"])},
        optional={"space_group": GROUPS, "formula_units": st.sampled_from([(1, 1), (2, 3), (4, 6)]),
                  "minimum_sites": st.integers(1, 4), "maximum_sites": st.integers(3, 7)},
    ),
    st.integers(0, 1000),
)  # fmt: skip
def test_compositions(asked: dict[str, Any], seed: int) -> None:
    found = built(asked)
    ways = found.ways(ROWS, np.random.default_rng(seed))
    legality = found.legality(ways)
    for way, (group, sites) in zip(ways.tolist(), written(legality, seed), strict=True):
        check(asked, group, sites)
        atoms = sum(composition(group, sites).values())
        assert atoms == found.plan.units[way] * sum(found.formula.values())


def decoded(legality: ConstrainedLegality, temperature: float) -> list[WyckoffStructure]:
    torch.manual_seed(3)
    network = NetworkSettings(width=16, latent=4)
    vae = VAE(CODEC.schema, CrystalLegality(CODEC.schema), network).eval()
    generator = torch.Generator().manual_seed(0)
    genes = []
    for start in (0, 16):  # as `LatentModel.decode` does
        latent = 3 * torch.randn(16, 4, generator=generator)
        arrays, _ = decode(
            vae, latent, temperature, generator, legality=legality.rows(start, start + 16)
        )
        genes += [CODEC._as_written(arrays.record(i)) for i in range(16)]
    return genes


@pytest.mark.parametrize("temperature", [0.0, 1.0, 5.0])
@pytest.mark.parametrize(
    "asked",
    [
        {"composition": "SrTiO3", "space_group": (1, 2, 99, 123, 221)},
        {"chemical_system": ("Li", "O", "Fe"), "minimum_sites": 4},
        {"include": ("Pu", "H"), "space_group": (221, 225)},
    ],
)
def test_an_untrained_decoder_keeps_what_it_is_made_to(
    asked: dict[str, Any], temperature: float
) -> None:
    found = constraint(**asked)
    legality = found.legality(found.ways(32, np.random.default_rng(0)))
    genes = decoded(legality, temperature)
    for gene in genes:
        start = int(group_starts()[gene.space_group - 1])
        letters = [p.letter for p in gene.group.positions]
        sites = [(1 + start + letters.index(s.letter), s.number - 1) for s in gene.sites]
        check(asked, gene.space_group, sites)
    assert legality.written.tolist() == [gene.space_group for gene in genes]
    columns = found.columns(legality, ["225 a:Na b:Cl | 5.6402", None] * 16)
    assert columns["written_space_group"].tolist() == legality.written.tolist()
    assert columns["higher_symmetry"][::2].tolist() == (legality.written[::2] != 225).tolist()


def test_rock_salt_is_the_only_choice() -> None:
    found = constraint(composition="NaCl", space_group="Fm-3m", formula_units=1)
    assert found.plan.groups == [225]
    legality = found.legality(np.zeros(ROWS, np.int64))
    letters = {tuple(p - group_starts()[224] for p, _ in s) for _, s in written(legality, 0)}
    assert letters == {(1, 2)}  # a and b


def test_what_is_found_is_judged_apart_from_what_was_written() -> None:
    salt, perovskite = "225 a:Na b:Cl | 5.6402", "221 a:Ti b:Sr d:O | 3.905"
    columns, reasons = constraint(space_group="221").judge([salt, perovskite])
    assert columns["space_group"].tolist() == [225, 221]
    assert reasons == ["higher_symmetry", ""]
    assert constraint(space_group="221", higher_symmetry="keep").judge([salt])[1] == [""]
    columns, reasons = constraint(composition="SrTiO3", formula_units=2).judge([salt, perovskite])
    assert reasons == ["other_elements", "smaller_primitive_cell"]
    assert columns["formula_units"].tolist() == [0.4, 1]
    assert constraint(chemical_system="Na-Cl-K").judge([salt])[1] == ["other_elements"]
    assert constraint(chemical_system="Na-Cl-K", subsets=True).judge([salt])[1] == [""]
    assert constraint(minimum_atoms=3).judge([salt])[1] == ["smaller_primitive_cell"]
    assert constraint(minimum_sites=3).judge([salt])[1] == ["higher_symmetry_fewer_sites"]
