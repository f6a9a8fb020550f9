"""The closed loop on the terminal."""

from __future__ import annotations

from nucleate.cli.show.campaign import _expectations, _short


def test_expectations_are_held_against_measurements() -> None:
    assert "no structure yet" in _expectations({"compared": 0})
    found = {"compared": 5, "spearman": 0.5, "rmse": 1.25, "rmse_of_mean": 2.0, "coverage": 0.6}
    said = _expectations({**found, "little": True})
    assert "5 structures: rank correlation 0.5, RMSE 1.25" in said
    assert "within one deviation 60.0 %" in said
    assert said.endswith("So few say little.")
    assert not _expectations({**found, "little": False}).endswith("little.")


def test_long_structures_are_cut() -> None:
    assert _short("C[C@H](N)O") == "C[C@H](N)O"
    assert _short("C" * 99) == "C" * 59 + "…"
