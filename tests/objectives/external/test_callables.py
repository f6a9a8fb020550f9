"""Functions of the running program as objectives."""

from __future__ import annotations

import pytest

import nucleate
from nucleate.core.errors import SettingsError


def test_two_lambdas_of_one_line_are_computed_by_themselves(tmp_path):
    up, down = (lambda x: [float(len(t)) for t in x]), (lambda x: [-float(len(t)) for t in x])
    few = {"trials": 4, "reference": 8, "data": ["CCO", "CCN", "c1ccccc1O"]}
    table = nucleate.optimize("molecules", [up, down], **few)
    assert (table["lambda"] == table["smiles"].str.len()).all()
    assert (table["lambda_2"] == -table["lambda"]).all()
    # Nor does a study go on with the results of the other.
    first = nucleate.optimize("molecules", up, out=tmp_path / "study", **few)
    second = nucleate.optimize("molecules", down, out=tmp_path / "study", **few)
    assert (first["lambda"] > 0).all()
    assert (second["lambda"] < 0).all()


def test_a_function_of_one_structure_that_does_not_say_so_is_told_how():
    def length(smiles):
        return float(len(smiles))

    with pytest.raises(SettingsError, match="annotates it as `str`"):
        nucleate.optimize("molecules", length, trials=2, reference=16)
