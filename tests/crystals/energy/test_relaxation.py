"""Relaxation in lockstep: order, refusals, progress, and symmetry that is kept or not."""

from __future__ import annotations

from nucleate.crystals.energy.energy_model import energy_model
from nucleate.crystals.energy.relaxation import TOGETHER, Relaxed, relax, relax_structures
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

SALT = "225 a:Na b:Cl | 5.8"


def test_outcomes_come_in_order_and_progress_counts_them() -> None:
    structures = [structure_from_wyckoff(from_string(s)) for s in (SALT, "225 a:Cu | 2.2", SALT)]
    ended: list[int] = []
    found = relax_structures(structures, progress=ended.append, model=energy_model())
    assert [one.converged for one in found] == [True, False, True]
    assert "per atom" in found[1].reason
    assert sum(ended) == 3
    assert found[0].residual_force < 0.1
    assert found[0].energy < found[0].start_energy


def test_chunks_do_not_lose_strings() -> None:
    crystals = ["nonsense"] * TOGETHER + ["225 a:Cu | 3.6"]
    *broken, copper = relax(crystals, maximum_steps=10, keep_symmetry=False)
    assert len(broken) == TOGETHER
    assert all(isinstance(one, Relaxed) and not one.converged for one in broken)
    assert copper.string is not None
    assert from_string(copper.string).space_group == 225
