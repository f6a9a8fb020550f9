"""Encoding and decoding of a shipped model: what is refused, and how."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nucleate.core.errors import InputError
from nucleate.latent.latent_model import NOT_FINITE, LatentModel


@pytest.fixture(scope="module")
def model() -> LatentModel:
    return LatentModel.load("molecules", "cpu")


def test_one_string_is_one_structure(model: LatentModel):
    latents, refused = model.encode("CCO")
    assert latents.shape == (1, model.size)
    assert not refused
    np.testing.assert_array_equal(latents, model.encode(["CCO"])[0])


def test_a_row_that_is_not_finite_decodes_to_no_structure_and_leaves_the_others_alone(
    model: LatentModel,
):
    latents, refused = model.encode(["CCO", "this is none", "c1ccccc1O"])
    assert np.isnan(latents[1]).all()
    assert set(refused) == {1}
    decoded = model.decode(latents)
    assert [one.structure for one in decoded] == ["CCO", None, "Oc1ccccc1"]
    assert decoded[1].reason == NOT_FINITE
    assert math.isnan(decoded[1].log_likelihood)
    latents[1] = 0
    assert model.decode(latents)[2] == decoded[2]


@pytest.mark.parametrize("shape", [(128,), (2, 64), (1, 2, 128)])
def test_a_wrong_shape_says_what_was_expected(model: LatentModel, shape: tuple[int, ...]):
    with pytest.raises(InputError, match=r"an array \[n, 128\], got one of \[" + str(shape[0])):
        model.decode(np.zeros(shape, np.float32))


def test_what_is_no_number_is_refused(model: LatentModel):
    with pytest.raises(InputError, match="must be numbers"):
        model.decode([["a"] * 128])  # type: ignore[arg-type]
